package ledger

import (
	"errors"
	"sync"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// Iterator walks over a range of keys. A simulator's iterator records what it was asked for: each result it gave, and whether it was asked for
// one more than there are.
type Iterator struct {
	l  *Ledger
	ns string

	mu     sync.Mutex // guards what follows
	it     *statedb.Iterator
	closed bool
	limit  int        // results that may still be given; negative means any number
	record *recording // nil if nothing is recorded
}

// recording is what a simulator keeps of one range query.
type recording struct {
	end   string // as asked for
	info  *kvrwsetpb.RangeQueryInfo
	reads *rwset.RangeReads
}

var errIteratorClosed = errors.New("this iterator is closed")

// Next is the next result; nil at the end of the range or of the page.
func (i *Iterator) Next() (*querypb.KV, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, v, ok, err := i.next()
	if err != nil {
		return nil, err
	}
	if err := i.record.add(key, v.Version, ok); err != nil || !ok {
		return nil, err
	}
	return &querypb.KV{Namespace: i.ns, Key: key, Value: v.Value}, nil
}

func (i *Iterator) next() (string, statedb.Value, bool, error) {
	if i.closed {
		return "", statedb.Value{}, false, errIteratorClosed
	}
	if i.limit == 0 {
		return "", statedb.Value{}, false, nil
	}
	key, v, ok, err := i.it.Next()
	if ok && i.limit > 0 {
		i.limit--
	}
	return key, v, ok, err
}

// add notes one answer of Next. Until the caller has met the end, the query's end is the last key it saw: it may not ask again.
func (r *recording) add(key string, v statedb.Version, ok bool) error {
	switch {
	case r == nil:
		return nil
	case !ok:
		r.info.ItrExhausted, r.info.EndKey = true, r.end
		return nil
	}
	r.info.EndKey = key
	return r.reads.Add(key, wireVersion(v))
}

// Bookmark closes the iterator and gives the key where the next page would start: the one after the last result; empty if there is none.
func (i *Iterator) Bookmark() (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return "", errIteratorClosed
	}
	key, _, _, err := i.it.Next()
	return key, errors.Join(err, i.close())
}

// Close ends the iteration. Calling it again does nothing.
func (i *Iterator) Close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.close(); err != nil {
		i.l.opts.Log.Error("closing a range query", "channel", i.l.channelID, "error", err)
	}
}

func (i *Iterator) close() error {
	if i.closed {
		return nil
	}
	i.closed = true
	defer i.l.release()
	return i.it.Close()
}

// finish completes the recording.
func (i *Iterator) finish() (*kvrwsetpb.RangeQueryInfo, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.record.info, i.record.reads.Finish(i.record.info)
}

func wireVersion(v statedb.Version) *kvrwsetpb.Version {
	return &kvrwsetpb.Version{BlockNum: v.Block, TxNum: v.Tx}
}
