package shim

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// Chaincode is what every chaincode implements. Both methods may run many times at once, each with its own stub.
type Chaincode interface {
	// Init is called once when the chaincode is instantiated, and again when it is upgraded.
	Init(stub ChaincodeStubInterface) pb.Response
	// Invoke is called for every transaction and query.
	Invoke(stub ChaincodeStubInterface) pb.Response
}

// ChaincodeStubInterface is one transaction as the chaincode sees it. Reads answer from the ledger as it was when the transaction began:
// a transaction does not see its own writes. Writes only reach the ledger if the transaction is committed and found valid.
//
// A key must not be empty. It should be valid UTF-8 and must not begin with U+0000, which is where composite keys live.
//
// Ranges include their start and exclude their end; an empty start or end leaves that side open. Results come in key order. Range results
// are checked again when the transaction is validated (phantom reads make it invalid); results of rich queries, history and paged queries
// are not, so use these only in transactions that do not write. Close every iterator.
type ChaincodeStubInterface interface {
	// GetArgs returns the arguments of the call as bytes.
	GetArgs() [][]byte
	// GetStringArgs returns the arguments of the call as strings.
	GetStringArgs() []string
	// GetFunctionAndParameters returns the first argument, and the others, as strings.
	GetFunctionAndParameters() (string, []string)
	// GetArgsSlice returns all arguments joined into one slice, without anything between them.
	GetArgsSlice() ([]byte, error)
	// GetTxID returns the transaction's id.
	GetTxID() string
	// GetChannelID returns the channel the chaincode runs on; in a chaincode called across channels, the one it was called on.
	GetChannelID() string

	// InvokeChaincode calls another chaincode's Invoke within this transaction. On the same channel (channel empty, or this one) its reads
	// and writes become part of this transaction; on another channel it only answers, and its writes are dropped.
	InvokeChaincode(chaincodeName string, args [][]byte, channel string) pb.Response

	// GetState returns the value of key, nil if there is none.
	GetState(key string) ([]byte, error)
	// PutState writes value to key.
	PutState(key string, value []byte) error
	// DelState deletes key.
	DelState(key string) error
	// SetStateValidationParameter sets the endorsement policy of key alone, a marshalled SignaturePolicyEnvelope (see package statebased).
	SetStateValidationParameter(key string, ep []byte) error
	// GetStateValidationParameter returns the endorsement policy of key, nil if it has none of its own.
	GetStateValidationParameter(key string) ([]byte, error)
	// GetStateByRange iterates over the keys from startKey up to endKey.
	GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error)
	// GetStateByRangeWithPagination returns one page of at most pageSize keys. bookmark is empty for the first page, and for each later one the
	// Bookmark in the metadata of the page before.
	GetStateByRangeWithPagination(startKey, endKey string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	// GetStateByPartialCompositeKey iterates over the composite keys of objectType whose first attributes are keys.
	GetStateByPartialCompositeKey(objectType string, keys []string) (StateQueryIteratorInterface, error)
	// GetStateByPartialCompositeKeyWithPagination is GetStateByPartialCompositeKey, a page at a time.
	GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string,
		pageSize int32, bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	// CreateCompositeKey makes one key of an object type and attributes, which must be UTF-8 without U+0000 and U+10FFFF.
	CreateCompositeKey(objectType string, attributes []string) (string, error)
	// SplitCompositeKey is the inverse of CreateCompositeKey.
	SplitCompositeKey(compositeKey string) (string, []string, error)
	// GetQueryResult runs a query in the state database's own language; only databases that have one (CouchDB) answer it.
	GetQueryResult(query string) (StateQueryIteratorInterface, error)
	// GetQueryResultWithPagination is GetQueryResult, a page at a time.
	GetQueryResultWithPagination(query string, pageSize int32,
		bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error)
	// GetHistoryForKey iterates over all committed changes of key. Timestamps are those the clients put into their proposals.
	GetHistoryForKey(key string) (HistoryQueryIteratorInterface, error)

	// GetPrivateData returns the value of key in a collection, nil if there is none.
	GetPrivateData(collection, key string) ([]byte, error)
	// GetPrivateDataHash returns the hash of that value, which peers outside the collection know too.
	GetPrivateDataHash(collection, key string) ([]byte, error)
	// PutPrivateData writes value to key in a collection; only hashes go into the transaction.
	PutPrivateData(collection string, key string, value []byte) error
	// DelPrivateData deletes key from a collection.
	DelPrivateData(collection, key string) error
	// PurgePrivateData deletes key and all its history from a collection. Channels with 1.4 capabilities refuse it.
	PurgePrivateData(collection, key string) error
	// SetPrivateDataValidationParameter is SetStateValidationParameter for a key of a collection.
	SetPrivateDataValidationParameter(collection, key string, ep []byte) error
	// GetPrivateDataValidationParameter is GetStateValidationParameter for a key of a collection.
	GetPrivateDataValidationParameter(collection, key string) ([]byte, error)
	// GetPrivateDataByRange is GetStateByRange for a collection.
	GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error)
	// GetPrivateDataByPartialCompositeKey is GetStateByPartialCompositeKey for a collection.
	GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error)
	// GetPrivateDataQueryResult is GetQueryResult for a collection.
	GetPrivateDataQueryResult(collection, query string) (StateQueryIteratorInterface, error)

	// GetCreator returns the serialized identity of the client (see package cid).
	GetCreator() ([]byte, error)
	// GetTransient returns what the client sent to the endorsers alone; it is in no block.
	GetTransient() (map[string][]byte, error)
	// GetBinding returns SHA-256(nonce + creator + epoch), which ties data signed elsewhere to this proposal.
	GetBinding() ([]byte, error)
	// GetDecorations returns what the peer added to the input.
	GetDecorations() map[string][]byte
	// GetSignedProposal returns the proposal as the client signed it.
	GetSignedProposal() (*pb.SignedProposal, error)
	// GetTxTimestamp returns the time the client put into the proposal; all endorsers see the same.
	GetTxTimestamp() (*timestamppb.Timestamp, error)
	// SetEvent sets the transaction's one event; a later call replaces it. The name must not be empty.
	SetEvent(name string, payload []byte) error
}

// CommonIteratorInterface is what all iterators have.
type CommonIteratorInterface interface {
	// HasNext says whether Next has another result.
	HasNext() bool
	// Close frees what the peer holds for the iterator.
	Close() error
}

// StateQueryIteratorInterface iterates over keys and values.
type StateQueryIteratorInterface interface {
	CommonIteratorInterface
	// Next returns the next key and value.
	Next() (*querypb.KV, error)
}

// HistoryQueryIteratorInterface iterates over the changes of one key.
type HistoryQueryIteratorInterface interface {
	CommonIteratorInterface
	// Next returns the next change.
	Next() (*querypb.KeyModification, error)
}

// MockQueryIteratorInterface is the name mock iterators go by in 1.4.
type MockQueryIteratorInterface interface {
	StateQueryIteratorInterface
}

// PeerChaincodeStream is one end of the message stream between a peer and a chaincode. Send and Recv may run at the same time; two Sends, or
// two Recvs, may not. Recv returns io.EOF when the other end has closed.
type PeerChaincodeStream interface {
	Send(*pb.ChaincodeMessage) error
	Recv() (*pb.ChaincodeMessage, error)
}

// ClientStream is the chaincode's end of the stream.
type ClientStream interface {
	PeerChaincodeStream
	// CloseSend tells the peer that nothing more will be sent.
	CloseSend() error
}
