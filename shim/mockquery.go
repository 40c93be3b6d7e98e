package shim

import (
	"container/list"
	"errors"
	"maps"
	"slices"

	pb "github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// errMockQuery is what queries answer that a map cannot.
var errMockQuery = errors.New("Not Implemented: the mock stub has no query engine and no history")

// CreateCompositeKey makes a composite key.
func (stub *MockStub) CreateCompositeKey(objectType string, attributes []string) (string, error) {
	return CreateCompositeKey(objectType, attributes)
}

// SplitCompositeKey is its inverse.
func (stub *MockStub) SplitCompositeKey(compositeKey string) (string, []string, error) {
	return splitCompositeKey(compositeKey)
}

// GetStateByRange iterates over State. If both keys are empty, over all of it, composite keys included.
func (stub *MockStub) GetStateByRange(startKey, endKey string) (StateQueryIteratorInterface, error) {
	if err := checkSimpleKeys(startKey, endKey); err != nil {
		return nil, err
	}
	return NewMockStateRangeQueryIterator(stub, startKey, endKey), nil
}

// GetStateByRangeWithPagination returns one page of the range.
func (stub *MockStub) GetStateByRangeWithPagination(startKey, endKey string, pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	if err := checkSimpleKeys(startKey, endKey); err != nil {
		return nil, nil, err
	}
	it, md := stub.page(startKey, endKey, pageSize, bookmark)
	return it, md, nil
}

// GetStateByPartialCompositeKey iterates over composite keys.
func (stub *MockStub) GetStateByPartialCompositeKey(objectType string, attributes []string) (StateQueryIteratorInterface, error) {
	start, err := CreateCompositeKey(objectType, attributes)
	if err != nil {
		return nil, err
	}
	return NewMockStateRangeQueryIterator(stub, start, start+maxUnicodeRune), nil
}

// GetStateByPartialCompositeKeyWithPagination returns one page of these.
func (stub *MockStub) GetStateByPartialCompositeKeyWithPagination(objectType string, keys []string, pageSize int32,
	bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	start, err := CreateCompositeKey(objectType, keys)
	if err != nil {
		return nil, nil, err
	}
	it, md := stub.page(start, start+maxUnicodeRune, pageSize, bookmark)
	return it, md, nil
}

// page narrows a range to the first size keys from the bookmark on; the next bookmark is the first key left out.
func (stub *MockStub) page(start, end string, size int32, bookmark string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata) {
	if bookmark != "" {
		start = bookmark
	}
	it := NewMockStateRangeQueryIterator(stub, start, end)
	it.left = 0
	for e := it.Current; e != nil && it.inRange(e); e = e.Next() {
		if it.left == size {
			return it, &pb.QueryResponseMetadata{FetchedRecordsCount: size, Bookmark: e.Value.(string)}
		}
		it.left++
	}
	return it, &pb.QueryResponseMetadata{FetchedRecordsCount: it.left}
}

// GetPrivateDataByRange iterates over a collection, as it is now.
func (stub *MockStub) GetPrivateDataByRange(collection, startKey, endKey string) (StateQueryIteratorInterface, error) {
	if err := checkSimpleKeys(startKey, endKey); err != nil {
		return nil, err
	}
	return NewMockStateRangeQueryIterator(stub.ofCollection(collection), startKey, endKey), nil
}

// GetPrivateDataByPartialCompositeKey iterates over composite keys of a collection.
func (stub *MockStub) GetPrivateDataByPartialCompositeKey(collection, objectType string, keys []string) (StateQueryIteratorInterface, error) {
	return stub.ofCollection(collection).GetStateByPartialCompositeKey(objectType, keys)
}

// ofCollection is a stub whose public state is a copy of the collection.
func (stub *MockStub) ofCollection(collection string) *MockStub {
	c := NewMockStub(stub.Name, stub.cc)
	for _, k := range slices.Sorted(maps.Keys(stub.PvtState[collection])) {
		c.State[k] = stub.PvtState[collection][k]
		c.Keys.PushBack(k)
	}
	return c
}

// GetQueryResult fails.
func (stub *MockStub) GetQueryResult(string) (StateQueryIteratorInterface, error) {
	return nil, errMockQuery
}

// GetQueryResultWithPagination fails.
func (stub *MockStub) GetQueryResultWithPagination(string, int32, string) (StateQueryIteratorInterface, *pb.QueryResponseMetadata, error) {
	return nil, nil, errMockQuery
}

// GetPrivateDataQueryResult fails.
func (stub *MockStub) GetPrivateDataQueryResult(string, string) (StateQueryIteratorInterface, error) {
	return nil, errMockQuery
}

// GetHistoryForKey fails.
func (stub *MockStub) GetHistoryForKey(string) (HistoryQueryIteratorInterface, error) {
	return nil, errMockQuery
}

// MockStateRangeQueryIterator iterates over the keys of a MockStub as they are at each step.
type MockStateRangeQueryIterator struct {
	Closed   bool
	Stub     *MockStub
	StartKey string
	EndKey   string // empty: no end
	Current  *list.Element

	left int32 // results left on the page; negative: no pages
}

// NewMockStateRangeQueryIterator returns an iterator over the keys from startKey up to endKey.
func NewMockStateRangeQueryIterator(stub *MockStub, startKey, endKey string) *MockStateRangeQueryIterator {
	it := &MockStateRangeQueryIterator{Stub: stub, StartKey: startKey, EndKey: endKey, left: -1}
	it.Current = stub.Keys.Front()
	for it.Current != nil && it.Current.Value.(string) < startKey {
		it.Current = it.Current.Next()
	}
	return it
}

func (it *MockStateRangeQueryIterator) inRange(e *list.Element) bool {
	return it.EndKey == "" || e.Value.(string) < it.EndKey
}

// HasNext says whether there is another key.
func (it *MockStateRangeQueryIterator) HasNext() bool {
	return !it.Closed && it.left != 0 && it.Current != nil && it.inRange(it.Current)
}

// Next returns the next key and value.
func (it *MockStateRangeQueryIterator) Next() (*querypb.KV, error) {
	if it.Closed {
		return nil, errors.New("MockStateRangeQueryIterator.Next() called after Close()")
	}
	if !it.HasNext() {
		return nil, errors.New("MockStateRangeQueryIterator.Next() called when it does not HaveNext()")
	}
	key := it.Current.Value.(string)
	it.Current = it.Current.Next()
	if it.left > 0 {
		it.left--
	}
	value, err := it.Stub.GetState(key)
	return &querypb.KV{Key: key, Value: value}, err
}

// Close ends the iteration; a second Close is an error.
func (it *MockStateRangeQueryIterator) Close() error {
	if it.Closed {
		return errors.New("MockStateRangeQueryIterator.Close() called after Close()")
	}
	it.Closed = true
	return nil
}

// Print writes the iterator's state to the log, at debug level.
func (it *MockStateRangeQueryIterator) Print() {
	NewLogger("mock").Debugf("MockStateRangeQueryIterator{stub %s, %q to %q, closed %t, has next %t}",
		it.Stub.Name, it.StartKey, it.EndKey, it.Closed, it.HasNext())
}
