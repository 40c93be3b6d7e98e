package chaincode

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	batch          = 100  // results per answer of a query without pages
	maxOpenQueries = 1024 // per transaction
)

// results is what a query walks over: a range of keys or a key's history.
type results interface {
	// next is the encoded next result; nil at the end.
	next() ([]byte, error)
	Close()
}

type keys struct{ *ledger.Iterator }

func (k keys) next() ([]byte, error) {
	kv, err := k.Next()
	if kv == nil || err != nil {
		return nil, err
	}
	return proto.Marshal(kv)
}

type history struct{ *ledger.HistoryIterator }

func (h history) next() ([]byte, error) {
	m, err := h.Next()
	if m == nil || err != nil {
		return nil, err
	}
	return proto.Marshal(m)
}

// query is an open query of a transaction.
type query struct {
	results results
	ahead   []byte // a result that was fetched to learn whether there are more
	total   int    // results fetched
}

func (t *transaction) getStateByRange(payload []byte) ([]byte, error) {
	r := &peerpb.GetStateByRange{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	page := &peerpb.QueryMetadata{}
	if err := decode(r.Metadata, page); err != nil {
		return nil, err
	}
	if r.Collection != "" {
		return nil, t.refusePrivate(r.Collection)
	}
	if page.PageSize == 0 && page.Bookmark == "" {
		i, err := t.call.Simulator.Range(t.call.Name, r.StartKey, r.EndKey, 0)
		if err != nil {
			return nil, err
		}
		return t.open(keys{i})
	}
	if page.Bookmark != "" {
		r.StartKey = page.Bookmark
	}
	size := t.h.s.TotalQueryLimit
	if page.PageSize > 0 {
		size = min(size, int(page.PageSize))
	}
	i, err := t.call.Simulator.Range(t.call.Name, r.StartKey, r.EndKey, size)
	if err != nil {
		return nil, err
	}
	return t.page(i, size)
}

// page answers a query for one page, which comes whole.
func (t *transaction) page(i *ledger.Iterator, size int) ([]byte, error) {
	defer i.Close()
	r := &peerpb.QueryResponse{Id: t.queryID()}
	for len(r.Results) < size {
		b, err := keys{i}.next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		r.Results = append(r.Results, &peerpb.QueryResultBytes{ResultBytes: b})
	}
	bookmark, err := i.Bookmark()
	if err != nil {
		return nil, err
	}
	r.Metadata, err = proto.Marshal(&peerpb.QueryResponseMetadata{FetchedRecordsCount: int32(len(r.Results)), Bookmark: bookmark})
	if err != nil {
		return nil, err
	}
	return proto.Marshal(r)
}

// getQueryResult refuses rich queries: the state database is a key-value store. The texts are Fabric's of such a peer.
func (t *transaction) getQueryResult(payload []byte) error {
	r := &peerpb.GetQueryResult{}
	if err := decode(payload, r); err != nil {
		return err
	}
	page := &peerpb.QueryMetadata{}
	if err := decode(r.Metadata, page); err != nil {
		return err
	}
	switch {
	case r.Collection != "":
		return t.refusePrivate(r.Collection)
	case page.PageSize != 0 || page.Bookmark != "":
		return errors.New("ExecuteQueryWithMetadata not supported for leveldb")
	}
	return errors.New("ExecuteQuery not supported for leveldb")
}

func (t *transaction) getHistoryForKey(payload []byte) ([]byte, error) {
	r := &peerpb.GetHistoryForKey{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	i, err := t.call.Simulator.History(t.call.Name, r.Key)
	if err != nil {
		return nil, err
	}
	return t.open(history{i})
}

func (t *transaction) queryStateNext(payload []byte) ([]byte, error) {
	r := &peerpb.QueryStateNext{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	q := t.queries[r.Id]
	if q == nil {
		return nil, errors.New("query iterator not found")
	}
	return t.advance(r.Id, q)
}

func (t *transaction) queryStateClose(payload []byte) ([]byte, error) {
	r := &peerpb.QueryStateClose{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	t.closeQuery(r.Id)
	return proto.Marshal(&peerpb.QueryResponse{Id: r.Id})
}

// open begins a query and answers with its first results.
func (t *transaction) open(r results) ([]byte, error) {
	if len(t.queries) == maxOpenQueries {
		r.Close()
		return nil, fmt.Errorf("this transaction has %d open queries; close those that are no longer needed", maxOpenQueries)
	}
	if t.queries == nil {
		t.queries = map[string]*query{}
	}
	id, q := t.queryID(), &query{results: r}
	t.queries[id] = q
	return t.advance(id, q)
}

// advance answers with the next results of a query: a batch of them if there are more, else the rest, and the query is closed. To know, one
// result more than a batch is fetched; that it was fetched is recorded by the simulator, as on a Fabric peer.
func (t *transaction) advance(id string, q *query) ([]byte, error) {
	r := &peerpb.QueryResponse{Id: id}
	if q.ahead != nil {
		r.Results = append(r.Results, &peerpb.QueryResultBytes{ResultBytes: q.ahead})
		q.ahead = nil
	}
	for q.total < t.h.s.TotalQueryLimit {
		b, err := q.results.next()
		if err != nil {
			t.closeQuery(id)
			return nil, err
		}
		if b == nil {
			break
		}
		q.total++
		if len(r.Results) == batch {
			q.ahead, r.HasMore = b, true
			return proto.Marshal(r)
		}
		r.Results = append(r.Results, &peerpb.QueryResultBytes{ResultBytes: b})
	}
	t.closeQuery(id)
	return proto.Marshal(r)
}

func (t *transaction) closeQuery(id string) {
	if q := t.queries[id]; q != nil {
		q.results.Close()
		delete(t.queries, id)
	}
}

// queryID names the next query; the chaincode hands it back, and nobody else sees it.
func (t *transaction) queryID() string {
	t.opened++
	return strconv.Itoa(t.opened)
}
