// Package shim is the API of fabric-chaincode-go/v2 and later: the shim, with responses passed as pointers.
//
// A chaincode written against it talks to the peer exactly as one written against the shim. What 3.x peers can do in one message (several keys at
// once, write batches) is done here one key at a time, as the 3.x shim does on a peer that cannot.
package shim

import (
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/shim"
	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// What does not differ from the shim.
type (
	CommonIteratorInterface       = shim.CommonIteratorInterface
	StateQueryIteratorInterface   = shim.StateQueryIteratorInterface
	HistoryQueryIteratorInterface = shim.HistoryQueryIteratorInterface
	PeerChaincodeStream           = shim.PeerChaincodeStream
	ClientStream                  = shim.ClientStream
	CommonIterator                = shim.CommonIterator
	StateQueryIterator            = shim.StateQueryIterator
	HistoryQueryIterator          = shim.HistoryQueryIterator
)

// Statuses of responses.
const (
	OK             = shim.OK
	ERRORTHRESHOLD = shim.ERRORTHRESHOLD
	ERROR          = shim.ERROR
)

// Chaincode is what every chaincode implements.
type Chaincode interface {
	Init(stub ChaincodeStubInterface) *pb.Response
	Invoke(stub ChaincodeStubInterface) *pb.Response
}

// ChaincodeStubInterface is the shim's interface of that name, with responses as pointers and the methods that came after 2.x.
type ChaincodeStubInterface interface {
	GetArgs() [][]byte
	GetStringArgs() []string
	GetFunctionAndParameters() (string, []string)
	GetArgsSlice() ([]byte, error)
	GetTxID() string
	GetChannelID() string
	InvokeChaincode(chaincodeName string, args [][]byte, channel string) *pb.Response
	GetState(key string) ([]byte, error)
	// GetMultipleStates returns the values of several keys, nil for each that has none.
	GetMultipleStates(keys ...string) ([][]byte, error)
	PutState(key string, value []byte) error
	DelState(key string) error
	SetStateValidationParameter(key string, ep []byte) error
	GetStateValidationParameter(key string) ([]byte, error)
	GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error)
	GetStateByRangeWithPagination(startKey, endKey string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	GetStateByPartialCompositeKey(objectType string, keys []string) (StateQueryIteratorInterface, error)
	GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string,
		pageSize int32, bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	// GetAllStatesCompositeKeyWithPagination returns one page of all composite keys.
	GetAllStatesCompositeKeyWithPagination(pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	CreateCompositeKey(objectType string, attributes []string) (string, error)
	SplitCompositeKey(compositeKey string) (string, []string, error)
	GetQueryResult(query string) (StateQueryIteratorInterface, error)
	GetQueryResultWithPagination(query string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	GetHistoryForKey(key string) (HistoryQueryIteratorInterface, error)
	GetPrivateData(collection, key string) ([]byte, error)
	// GetMultiplePrivateData is GetMultipleStates for a collection.
	GetMultiplePrivateData(collection string, keys ...string) ([][]byte, error)
	GetPrivateDataHash(collection, key string) ([]byte, error)
	PutPrivateData(collection string, key string, value []byte) error
	DelPrivateData(collection, key string) error
	PurgePrivateData(collection, key string) error
	SetPrivateDataValidationParameter(collection, key string, ep []byte) error
	GetPrivateDataValidationParameter(collection, key string) ([]byte, error)
	GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error)
	GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error)
	GetPrivateDataQueryResult(collection, query string) (StateQueryIteratorInterface, error)
	GetCreator() ([]byte, error)
	GetTransient() (map[string][]byte, error)
	GetBinding() ([]byte, error)
	GetDecorations() map[string][]byte
	GetSignedProposal() (*pb.SignedProposal, error)
	GetTxTimestamp() (*timestamppb.Timestamp, error)
	SetEvent(name string, payload []byte) error
	// StartWriteBatch lets a peer that can take writes together. Here writes are sent as they are made.
	StartWriteBatch()
	// FinishWriteBatch ends the batch.
	FinishWriteBatch() error
}

// Success is the response of a call that went well.
func Success(payload []byte) *pb.Response { return &pb.Response{Status: OK, Payload: payload} }

// Error is the response of a call that failed.
func Error(msg string) *pb.Response { return &pb.Response{Status: ERROR, Message: msg} }

// Start is shim.Start.
func Start(cc Chaincode) error { return shim.Start(adapter{cc}) }

// StartInProc is shim.StartInProc.
func StartInProc(chaincodename string, stream ClientStream, cc Chaincode) error {
	return shim.StartInProc(chaincodename, stream, adapter{cc})
}

// GetMSPID is shim.GetMSPID.
func GetMSPID() (string, error) { return shim.GetMSPID() }

// CreateCompositeKey is shim.CreateCompositeKey.
func CreateCompositeKey(objectType string, attributes []string) (string, error) {
	return shim.CreateCompositeKey(objectType, attributes)
}

// adapter is a Chaincode of this package as the shim calls it.
type adapter struct{ cc Chaincode }

func (a adapter) Init(stub shim.ChaincodeStubInterface) pb.Response {
	r := a.cc.Init(&ChaincodeStub{stub})
	return pb.Response{Status: r.GetStatus(), Message: r.GetMessage(), Payload: r.GetPayload()}
}

func (a adapter) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	r := a.cc.Invoke(&ChaincodeStub{stub})
	return pb.Response{Status: r.GetStatus(), Message: r.GetMessage(), Payload: r.GetPayload()}
}

// ChaincodeStub is a stub of the shim with this package's methods.
type ChaincodeStub struct{ shim.ChaincodeStubInterface }

var _ ChaincodeStubInterface = (*ChaincodeStub)(nil)

// InvokeChaincode calls another chaincode.
func (s *ChaincodeStub) InvokeChaincode(chaincodeName string, args [][]byte, channel string) *pb.Response {
	r := s.ChaincodeStubInterface.InvokeChaincode(chaincodeName, args, channel)
	return &pb.Response{Status: r.Status, Message: r.Message, Payload: r.Payload}
}

// GetMultipleStates returns the values of several keys.
func (s *ChaincodeStub) GetMultipleStates(keys ...string) ([][]byte, error) {
	return each(keys, s.GetState)
}

// GetMultiplePrivateData returns the values of several keys of a collection.
func (s *ChaincodeStub) GetMultiplePrivateData(collection string, keys ...string) ([][]byte, error) {
	return each(keys, func(key string) ([]byte, error) { return s.GetPrivateData(collection, key) })
}

// StartWriteBatch does nothing.
func (s *ChaincodeStub) StartWriteBatch() {}

// FinishWriteBatch does nothing: the peer has answered each write already.
func (s *ChaincodeStub) FinishWriteBatch() error { return nil }

// GetAllStatesCompositeKeyWithPagination returns one page of all composite keys.
func (s *ChaincodeStub) GetAllStatesCompositeKeyWithPagination(pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	all, ok := s.ChaincodeStubInterface.(interface {
		GetAllStatesCompositeKeyWithPagination(int32, string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	})
	if !ok {
		return nil, nil, errors.New("this stub cannot list all composite keys")
	}
	return all.GetAllStatesCompositeKeyWithPagination(pageSize, bookmark)
}

func each(keys []string, get func(string) ([]byte, error)) ([][]byte, error) {
	values := make([][]byte, 0, len(keys))
	for _, k := range keys {
		v, err := get(k)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}
