package shim

import (
	"container/list"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// MockStub is a stub over maps, for unit tests of chaincode: no peer, one transaction at a time. Unlike on a peer, writes are seen at once, nothing
// is undone when a call fails, and there is no history and no rich query.
type MockStub struct {
	args [][]byte
	cc   Chaincode

	// Name is for the reader of test output.
	Name string
	// State holds the values by key, Keys the same keys in order.
	State map[string][]byte
	Keys  *list.List
	// Invokables are the chaincodes InvokeChaincode can call, by "name" or "name/channel"; see MockPeerChaincode.
	Invokables map[string]*MockStub
	// TxID is the present transaction; empty between transactions.
	TxID        string
	TxTimestamp *timestamppb.Timestamp
	ChannelID   string
	// PvtState holds values by collection and key, EndorsementPolicies policies in the same way; the empty collection is the public state.
	PvtState            map[string]map[string][]byte
	EndorsementPolicies map[string]map[string][]byte
	// ChaincodeEventsChannel receives what SetEvent sets.
	ChaincodeEventsChannel chan *pb.ChaincodeEvent
	// Creator, TransientMap and Decorations are what the stub's getters return.
	Creator      []byte
	TransientMap map[string][]byte
	Decorations  map[string][]byte

	signedProposal *pb.SignedProposal
}

var _ ChaincodeStubInterface = (*MockStub)(nil)

// NewMockStub returns a stub with an empty state that calls cc.
func NewMockStub(name string, cc Chaincode) *MockStub {
	return &MockStub{
		cc:                     cc,
		Name:                   name,
		State:                  map[string][]byte{},
		Keys:                   list.New(),
		Invokables:             map[string]*MockStub{},
		PvtState:               map[string]map[string][]byte{},
		EndorsementPolicies:    map[string]map[string][]byte{},
		ChaincodeEventsChannel: make(chan *pb.ChaincodeEvent, 100),
		Decorations:            map[string][]byte{},
	}
}

// MockTransactionStart begins a transaction; only within one can state be written.
func (stub *MockStub) MockTransactionStart(txid string) {
	stub.TxID = txid
	stub.signedProposal = &pb.SignedProposal{}
	stub.TxTimestamp = timestamppb.Now()
}

// MockTransactionEnd ends the transaction.
func (stub *MockStub) MockTransactionEnd(string) {
	stub.signedProposal = nil
	stub.TxID = ""
}

// MockPeerChaincode lets InvokeChaincode call another stub's chaincode. 1.4 takes two arguments and a name that may be "name/channel", 2.x takes
// the channel as a third.
func (stub *MockStub) MockPeerChaincode(invokableChaincodeName string, otherStub *MockStub, channel ...string) {
	if len(channel) > 0 && channel[0] != "" {
		invokableChaincodeName += "/" + channel[0]
	}
	stub.Invokables[invokableChaincodeName] = otherStub
}

// MockInit calls Init in a transaction of its own.
func (stub *MockStub) MockInit(uuid string, args [][]byte) pb.Response {
	stub.args = args
	stub.MockTransactionStart(uuid)
	defer stub.MockTransactionEnd(uuid)
	return stub.cc.Init(stub)
}

// MockInvoke calls Invoke in a transaction of its own.
func (stub *MockStub) MockInvoke(uuid string, args [][]byte) pb.Response {
	return stub.MockInvokeWithSignedProposal(uuid, args, &pb.SignedProposal{})
}

// MockInvokeWithSignedProposal is MockInvoke with what GetSignedProposal is to return.
func (stub *MockStub) MockInvokeWithSignedProposal(uuid string, args [][]byte, sp *pb.SignedProposal) pb.Response {
	stub.args = args
	stub.MockTransactionStart(uuid)
	defer stub.MockTransactionEnd(uuid)
	stub.signedProposal = sp
	return stub.cc.Invoke(stub)
}

// InvokeChaincode calls the chaincode of another stub; see MockPeerChaincode.
func (stub *MockStub) InvokeChaincode(chaincodeName string, args [][]byte, channel string) pb.Response {
	if channel != "" {
		chaincodeName += "/" + channel
	}
	other, ok := stub.Invokables[chaincodeName]
	if !ok {
		return Error(fmt.Sprintf("mock stub %s knows no chaincode %s: register it with MockPeerChaincode", stub.Name, chaincodeName))
	}
	return other.MockInvoke(stub.TxID, args)
}

// GetTxID returns TxID.
func (stub *MockStub) GetTxID() string { return stub.TxID }

// GetChannelID returns ChannelID.
func (stub *MockStub) GetChannelID() string { return stub.ChannelID }

// GetArgs returns the arguments of the present call.
func (stub *MockStub) GetArgs() [][]byte { return stub.args }

// GetStringArgs returns them as strings.
func (stub *MockStub) GetStringArgs() []string { return stringArgs(stub.args) }

// GetFunctionAndParameters returns the first, and the others.
func (stub *MockStub) GetFunctionAndParameters() (string, []string) {
	return functionAndParameters(stub.args)
}

// GetArgsSlice returns them joined.
func (stub *MockStub) GetArgsSlice() ([]byte, error) { return joinArgs(stub.args), nil }

// GetDecorations returns Decorations.
func (stub *MockStub) GetDecorations() map[string][]byte { return stub.Decorations }

// GetCreator returns Creator.
func (stub *MockStub) GetCreator() ([]byte, error) { return stub.Creator, nil }

// GetTransient returns TransientMap.
func (stub *MockStub) GetTransient() (map[string][]byte, error) { return stub.TransientMap, nil }

// SetTransient sets TransientMap, and the proposal to one that holds it. It needs a transaction.
func (stub *MockStub) SetTransient(tMap map[string][]byte) error {
	if stub.signedProposal == nil {
		return errors.New("signedProposal is not initialized")
	}
	payload, err := proto.Marshal(&pb.ChaincodeProposalPayload{TransientMap: tMap})
	if err != nil {
		return err
	}
	proposal, err := proto.Marshal(&pb.Proposal{Payload: payload})
	if err != nil {
		return err
	}
	stub.signedProposal.ProposalBytes = proposal
	stub.TransientMap = tMap
	return nil
}

// GetBinding returns nil: a mock transaction has no proposal to bind to.
func (stub *MockStub) GetBinding() ([]byte, error) { return nil, nil }

// GetSignedProposal returns an empty proposal, or what MockInvokeWithSignedProposal or SetTransient set.
func (stub *MockStub) GetSignedProposal() (*pb.SignedProposal, error) {
	return stub.signedProposal, nil
}

// GetTxTimestamp returns TxTimestamp, which is set when a transaction starts.
func (stub *MockStub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	if stub.TxTimestamp == nil {
		return nil, errors.New("TxTimestamp not set.")
	}
	return stub.TxTimestamp, nil
}

// SetEvent puts the event into ChaincodeEventsChannel, which holds 100.
func (stub *MockStub) SetEvent(name string, payload []byte) error {
	select {
	case stub.ChaincodeEventsChannel <- &pb.ChaincodeEvent{EventName: name, Payload: payload}:
		return nil
	default:
		return fmt.Errorf("mock stub %s: ChaincodeEventsChannel is full, read events from it", stub.Name)
	}
}

// GetState returns the value of key.
func (stub *MockStub) GetState(key string) ([]byte, error) { return stub.State[key], nil }

// PutState writes value to key; an empty value deletes it.
func (stub *MockStub) PutState(key string, value []byte) error {
	if stub.TxID == "" {
		return errors.New("cannot PutState without a transactions - call stub.MockTransactionStart()?")
	}
	if len(value) == 0 {
		return stub.DelState(key)
	}
	stub.State[key] = value
	for e := stub.Keys.Front(); e != nil; e = e.Next() {
		switch order := strings.Compare(key, e.Value.(string)); {
		case order < 0:
			stub.Keys.InsertBefore(key, e)
			return nil
		case order == 0:
			return nil
		}
	}
	stub.Keys.PushBack(key)
	return nil
}

// DelState deletes key.
func (stub *MockStub) DelState(key string) error {
	delete(stub.State, key)
	for e := stub.Keys.Front(); e != nil; e = e.Next() {
		if e.Value.(string) == key {
			stub.Keys.Remove(e)
			return nil
		}
	}
	return nil
}

// SetStateValidationParameter sets the policy of key.
func (stub *MockStub) SetStateValidationParameter(key string, ep []byte) error {
	return stub.SetPrivateDataValidationParameter("", key, ep)
}

// GetStateValidationParameter returns the policy of key.
func (stub *MockStub) GetStateValidationParameter(key string) ([]byte, error) {
	return stub.GetPrivateDataValidationParameter("", key)
}

// GetPrivateData returns the value of key in a collection.
func (stub *MockStub) GetPrivateData(collection, key string) ([]byte, error) {
	return stub.PvtState[collection][key], nil
}

// GetPrivateDataHash returns the SHA-256 of that value, nil if there is none.
func (stub *MockStub) GetPrivateDataHash(collection, key string) ([]byte, error) {
	value, ok := stub.PvtState[collection][key]
	if !ok {
		return nil, nil
	}
	h := sha256.Sum256(value)
	return h[:], nil
}

// PutPrivateData writes value to key in a collection.
func (stub *MockStub) PutPrivateData(collection string, key string, value []byte) error {
	putNested(stub.PvtState, collection, key, value)
	return nil
}

// DelPrivateData deletes key from a collection.
func (stub *MockStub) DelPrivateData(collection, key string) error {
	delete(stub.PvtState[collection], key)
	return nil
}

// PurgePrivateData deletes key from a collection; there is no history to purge.
func (stub *MockStub) PurgePrivateData(collection, key string) error {
	return stub.DelPrivateData(collection, key)
}

// SetPrivateDataValidationParameter sets the policy of a key in a collection.
func (stub *MockStub) SetPrivateDataValidationParameter(collection, key string, ep []byte) error {
	putNested(stub.EndorsementPolicies, collection, key, ep)
	return nil
}

// GetPrivateDataValidationParameter returns that policy.
func (stub *MockStub) GetPrivateDataValidationParameter(collection, key string) ([]byte, error) {
	return stub.EndorsementPolicies[collection][key], nil
}

func putNested(m map[string]map[string][]byte, collection, key string, value []byte) {
	if m[collection] == nil {
		m[collection] = map[string][]byte{}
	}
	m[collection][key] = value
}
