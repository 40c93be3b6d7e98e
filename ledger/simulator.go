package ledger

import (
	"errors"
	"fmt"
	"sync"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// Simulator runs one transaction against an unchanging view of the state and records what it reads and writes. Reads never see the
// transaction's own writes. A simulator whose Results nobody asks for leaves nothing behind: that is how a chaincode of another channel
// is called. Its methods may be called by several goroutines at once.
type Simulator struct {
	txid string
	view *Snapshot

	mu        sync.Mutex // guards what follows
	builder   rwset.Builder
	iterators []*Iterator // in the order they were opened
	wrote     bool
	paged     bool
	asked     bool // for the results
	closed    bool
}

// NewSimulator opens a simulator on the newest state. It must be closed.
func (l *Ledger) NewSimulator(txid string) (*Simulator, error) {
	view, err := l.NewSnapshot()
	if err != nil {
		return nil, err
	}
	return &Simulator{txid: txid, view: view}, nil
}

// Get is the committed value of a key; nil if there is none.
func (s *Simulator) Get(ns, key string) ([]byte, error) {
	v, err := s.get(ns, key)
	return v.Value, err
}

// Metadata is the committed metadata of a key by name; nil if it has none. It counts as reading the key.
func (s *Simulator) Metadata(ns, key string) (map[string][]byte, error) {
	v, err := s.get(ns, key)
	if err != nil {
		return nil, err
	}
	return parseMetadata(v.Metadata)
}

func (s *Simulator) get(ns, key string) (statedb.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found, err := s.view.get(statedb.Key{Namespace: ns, Key: key})
	if err != nil {
		return v, err
	}
	s.read(ns, key, v.Version, found)
	return v, nil
}

func (s *Simulator) read(ns, key string, v statedb.Version, found bool) {
	if found {
		s.builder.Read(ns, key, wireVersion(v))
	} else {
		s.builder.Read(ns, key, nil)
	}
}

// Decoded is Get for keys that many transactions read, such as definitions: simulators that look at the same state share what decode makes of the
// value, and none may change it. It is the zero T, and decode is not called, if there is no such key.
func Decoded[T any](s *Simulator, ns, key string, decode func(value []byte) (T, error)) (T, error) {
	var none T
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found, err := s.view.decode(statedb.Key{Namespace: ns, Key: key}, func(raw []byte) (any, error) { return decode(raw) })
	if found || err == nil {
		s.read(ns, key, d.version, found)
	}
	if err != nil || !found {
		return none, err
	}
	return d.value.(T), nil
}

// Put writes a key. An empty value deletes it.
func (s *Simulator) Put(ns, key string, value []byte) error {
	return s.write(func() { s.builder.Write(ns, key, value) })
}

// Delete deletes a key, whether it exists or not.
func (s *Simulator) Delete(ns, key string) error { return s.Put(ns, key, nil) }

// SetMetadata replaces all metadata of a key; an empty map removes it. It has no effect, when committed, on a key that does not exist.
func (s *Simulator) SetMetadata(ns, key string, metadata map[string][]byte) error {
	return s.write(func() { s.builder.WriteMetadata(ns, key, metadata) })
}

func (s *Simulator) write(record func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errDone
	case s.paged:
		return fmt.Errorf("txid [%s]: Transaction has already performed a paginated query. Writes are not allowed", s.txid)
	}
	s.wrote = true
	record()
	return nil
}

// Range iterates over the committed keys with start <= key < end; an empty end means the namespace's end.
//
// With pageSize 0 it is an ordinary query. A positive pageSize ends the iterator after so many results (Iterator.Bookmark tells where the next
// page starts), and the transaction may not write, neither before nor after. A negative one is a page without limit.
func (s *Simulator) Range(ns, start, end string, pageSize int) (*Iterator, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errDone
	case pageSize != 0 && s.wrote:
		return nil, fmt.Errorf("txid [%s]: Paginated queries are supported only in a read-only transaction", s.txid)
	}
	reads, err := rwset.NewRangeReads(rwset.MaxDegree)
	if err != nil {
		return nil, err
	}
	it, err := s.view.Range(ns, start, end)
	if err != nil {
		return nil, err
	}
	if pageSize != 0 {
		s.paged, it.limit = true, pageSize
	}
	it.record = &recording{end: end, info: &kvrwsetpb.RangeQueryInfo{StartKey: start}, reads: reads}
	s.iterators = append(s.iterators, it)
	return it, nil
}

// History iterates over all committed writes of a key, oldest first. Nothing of it is recorded. The iterator must be closed; it stays open when
// the simulator closes.
func (s *Simulator) History(ns, key string) (*HistoryIterator, error) { return s.view.History(ns, key) }

// Results is what was recorded, as an encoded rwset.TxReadWriteSet. It may be asked for once.
func (s *Simulator) Results() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked {
		return nil, errors.New("this function should only be called once on a transaction simulator instance")
	}
	s.asked = true
	for _, it := range s.iterators {
		info, err := it.finish()
		if err != nil {
			return nil, err
		}
		s.builder.Range(it.ns, info)
	}
	return s.builder.Set().Marshal()
}

// Close closes the iterators of Range and releases the view. Calling it again does nothing.
func (s *Simulator) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, it := range s.iterators {
		it.Close()
	}
	s.view.Close()
}
