package shim

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// GetStateByRange iterates over the keys from startKey up to endKey.
func (stub *ChaincodeStub) GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error) {
	return first(stub.simpleRange("", startKey, endKey, nil))
}

// GetStateByRangeWithPagination returns one page of the range.
func (stub *ChaincodeStub) GetStateByRangeWithPagination(startKey, endKey string, pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	page, err := pageMetadata(pageSize, bookmark)
	if err != nil {
		return nil, nil, err
	}
	return stub.simpleRange("", startKey, endKey, page)
}

// GetStateByPartialCompositeKey iterates over composite keys with the given first attributes.
func (stub *ChaincodeStub) GetStateByPartialCompositeKey(objectType string, keys []string) (StateQueryIteratorInterface, error) {
	return first(stub.compositeRange("", objectType, keys, nil))
}

// GetStateByPartialCompositeKeyWithPagination returns one page of these.
func (stub *ChaincodeStub) GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string, pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	page, err := pageMetadata(pageSize, bookmark)
	if err != nil {
		return nil, nil, err
	}
	return stub.compositeRange("", objectType, keys, page)
}

// GetAllStatesCompositeKeyWithPagination returns one page of all composite keys, of every object type.
func (stub *ChaincodeStub) GetAllStatesCompositeKeyWithPagination(pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	page, err := pageMetadata(pageSize, bookmark)
	if err != nil {
		return nil, nil, err
	}
	return stub.stateQuery(pb.ChaincodeMessage_GET_STATE_BY_RANGE,
		&pb.GetStateByRange{StartKey: compositeKeyNamespace, EndKey: compositeKeyNamespace + maxUnicodeRune, Metadata: page})
}

// GetQueryResult runs a rich query.
func (stub *ChaincodeStub) GetQueryResult(query string) (StateQueryIteratorInterface, error) {
	return first(stub.richQuery("", query, nil))
}

// GetQueryResultWithPagination returns one page of a rich query.
func (stub *ChaincodeStub) GetQueryResultWithPagination(query string, pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	page, err := pageMetadata(pageSize, bookmark)
	if err != nil {
		return nil, nil, err
	}
	return stub.richQuery("", query, page)
}

// GetPrivateDataByRange iterates over keys of a collection.
func (stub *ChaincodeStub) GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error) {
	if collection == "" {
		return nil, errEmptyCollection
	}
	return first(stub.simpleRange(collection, startKey, endKey, nil))
}

// GetPrivateDataByPartialCompositeKey iterates over composite keys of a collection.
func (stub *ChaincodeStub) GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error) {
	if collection == "" {
		return nil, errEmptyCollection
	}
	return first(stub.compositeRange(collection, objectType, keys, nil))
}

// GetPrivateDataQueryResult runs a rich query on a collection.
func (stub *ChaincodeStub) GetPrivateDataQueryResult(collection, query string) (StateQueryIteratorInterface, error) {
	if collection == "" {
		return nil, errEmptyCollection
	}
	return first(stub.richQuery(collection, query, nil))
}

// GetHistoryForKey iterates over the changes of key.
func (stub *ChaincodeStub) GetHistoryForKey(key string) (HistoryQueryIteratorInterface, error) {
	r, err := stub.queryPart(pb.ChaincodeMessage_GET_HISTORY_FOR_KEY, &pb.GetHistoryForKey{Key: key})
	if err != nil {
		return nil, err
	}
	return &HistoryQueryIterator{&CommonIterator{stub: stub, part: r}}, nil
}

// simpleRange keeps simple keys out of where composite keys live: an empty start is the first key after them.
func (stub *ChaincodeStub) simpleRange(collection, start, end string, page []byte) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	if start == "" {
		start = emptyKeySubstitute
	}
	if err := checkSimpleKeys(start, end); err != nil {
		return nil, nil, err
	}
	return stub.stateQuery(pb.ChaincodeMessage_GET_STATE_BY_RANGE,
		&pb.GetStateByRange{Collection: collection, StartKey: start, EndKey: end, Metadata: page})
}

func (stub *ChaincodeStub) compositeRange(collection, objectType string, keys []string, page []byte) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	start, err := CreateCompositeKey(objectType, keys)
	if err != nil {
		return nil, nil, err
	}
	return stub.stateQuery(pb.ChaincodeMessage_GET_STATE_BY_RANGE,
		&pb.GetStateByRange{Collection: collection, StartKey: start, EndKey: start + maxUnicodeRune, Metadata: page})
}

func (stub *ChaincodeStub) richQuery(collection, query string, page []byte) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	return stub.stateQuery(pb.ChaincodeMessage_GET_QUERY_RESULT,
		&pb.GetQueryResult{Collection: collection, Query: query, Metadata: page})
}

func (stub *ChaincodeStub) stateQuery(t pb.ChaincodeMessage_Type, payload proto.Message) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	r, err := stub.queryPart(t, payload)
	if err != nil {
		return nil, nil, err
	}
	metadata := &pb.QueryResponseMetadata{}
	if err := proto.Unmarshal(r.Metadata, metadata); err != nil {
		return nil, nil, fmt.Errorf("decoding query response metadata: %w", err)
	}
	return &StateQueryIterator{&CommonIterator{stub: stub, part: r}}, metadata, nil
}

// queryPart asks for the first or the next results of a query.
func (stub *ChaincodeStub) queryPart(t pb.ChaincodeMessage_Type, payload proto.Message) (*pb.QueryResponse, error) {
	b, err := stub.ask(t, payload)
	if err != nil {
		return nil, err
	}
	r := &pb.QueryResponse{}
	if err := proto.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("[%s] unmarshal error: %w", shortTxID(stub.TxID), err)
	}
	return r, nil
}

func pageMetadata(size int32, bookmark string) ([]byte, error) {
	return proto.Marshal(&pb.QueryMetadata{PageSize: size, Bookmark: bookmark})
}

// first drops the metadata that only paged queries have.
func first(it StateQueryIteratorInterface, _ *pb.QueryResponseMetadata, err error) (StateQueryIteratorInterface, error) {
	return it, err
}

// CommonIterator walks over the parts of a query's results that the peer sends one after the other.
type CommonIterator struct {
	stub *ChaincodeStub
	part *pb.QueryResponse
	next int // index in part.Results
}

// StateQueryIterator iterates over keys and values.
type StateQueryIterator struct{ *CommonIterator }

// HistoryQueryIterator iterates over the changes of one key.
type HistoryQueryIterator struct{ *CommonIterator }

// HasNext says whether there is another result.
func (it *CommonIterator) HasNext() bool {
	return it.next < len(it.part.Results) || it.part.HasMore
}

// Close frees what the peer holds for the iterator. It asks the peer even after the last result.
func (it *CommonIterator) Close() error {
	_, err := it.stub.queryPart(pb.ChaincodeMessage_QUERY_STATE_CLOSE, &pb.QueryStateClose{Id: it.part.Id})
	return err
}

// Next returns the next key and value.
func (it *StateQueryIterator) Next() (*querypb.KV, error) {
	kv := &querypb.KV{}
	if err := it.take(kv); err != nil {
		return nil, err
	}
	return kv, nil
}

// Next returns the next change.
func (it *HistoryQueryIterator) Next() (*querypb.KeyModification, error) {
	m := &querypb.KeyModification{}
	if err := it.take(m); err != nil {
		return nil, err
	}
	return m, nil
}

// take decodes the next result into m. With the last result of a part it fetches the next part, so that HasNext is right without asking.
func (it *CommonIterator) take(m proto.Message) error {
	if it.next >= len(it.part.Results) {
		if it.part.HasMore {
			return errors.New("invalid iterator state")
		}
		return errors.New("no such key")
	}
	if err := proto.Unmarshal(it.part.Results[it.next].GetResultBytes(), m); err != nil {
		return fmt.Errorf("error unmarshaling result from bytes: %w", err)
	}
	it.next++
	if it.next < len(it.part.Results) || !it.part.HasMore {
		return nil
	}
	part, err := it.stub.queryPart(pb.ChaincodeMessage_QUERY_STATE_NEXT, &pb.QueryStateNext{Id: it.part.Id})
	if err != nil {
		return err
	}
	it.part, it.next = part, 0
	return nil
}
