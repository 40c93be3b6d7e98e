package ledger

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// Snapshot is a read-only view of the state after some whole block. Nothing it reads is recorded. Its methods may be called by many
// goroutines at once.
type Snapshot struct {
	l *Ledger
	v *view

	mu     sync.RWMutex // held for reading while the view is read
	closed bool
}

// NewSnapshot opens a view of the newest state. It must be closed.
func (l *Ledger) NewSnapshot() (*Snapshot, error) {
	v, err := l.enter()
	if err != nil {
		return nil, err
	}
	return &Snapshot{l: l, v: v}, nil
}

// errDone has Fabric's text.
var errDone = errors.New("this instance should not be used after calling Done()")

// read calls f unless the view is closed, and keeps it open meanwhile.
func (s *Snapshot) read(f func(statedb.Reader) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errDone
	}
	return f(s.v.s.Reader)
}

// Height is the number of blocks that the state is made of.
func (s *Snapshot) Height() (n uint64, err error) {
	err = s.read(func(r statedb.Reader) (err error) {
		n, err = r.Savepoint()
		return err
	})
	return n, err
}

// Get is the value of a key; nil if there is none.
func (s *Snapshot) Get(ns, key string) ([]byte, error) {
	v, _, err := s.get(statedb.Key{Namespace: ns, Key: key})
	return v.Value, err
}

func (s *Snapshot) get(k statedb.Key) (v statedb.Value, found bool, err error) {
	err = s.read(func(statedb.Reader) (err error) {
		v, found, err = s.v.get(k)
		return err
	})
	return v, found, err
}

func (s *Snapshot) decode(k statedb.Key, f func(raw []byte) (any, error)) (d decoded, found bool, err error) {
	err = s.read(func(statedb.Reader) (err error) {
		d, found, err = s.v.decode(k, f)
		return err
	})
	return d, found, err
}

// Metadata is the metadata of a key by name; nil if it has none.
func (s *Snapshot) Metadata(ns, key string) (map[string][]byte, error) {
	return s.metadata(statedb.Key{Namespace: ns, Key: key})
}

// HashedMetadata is the metadata of a private key, which is named by its SHA-256; nil if it has none.
func (s *Snapshot) HashedMetadata(ns, collection string, keyHash []byte) (map[string][]byte, error) {
	if collection == "" {
		return nil, nil
	}
	return s.metadata(statedb.Key{Namespace: ns, Collection: collection, Key: string(keyHash)})
}

func (s *Snapshot) metadata(k statedb.Key) (m map[string][]byte, err error) {
	err = s.read(func(r statedb.Reader) error {
		raw, err := r.Metadata(k)
		if err == nil {
			m, err = parseMetadata(raw)
		}
		return err
	})
	return m, err
}

func parseMetadata(raw []byte) (map[string][]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	w := &kvrwsetpb.KVMetadataWrite{}
	if err := proto.Unmarshal(raw, w); err != nil {
		return nil, fmt.Errorf("error unmarshaling stored metadata: %w", err)
	}
	m := make(map[string][]byte, len(w.Entries))
	for _, e := range w.Entries {
		m[e.GetName()] = e.GetValue()
	}
	return m, nil
}

// HasTx says whether a block up to this state holds a transaction with this id, valid or not.
func (s *Snapshot) HasTx(txid string) (found bool, err error) {
	err = s.read(func(statedb.Reader) error {
		return s.v.find(func(f *statedb.Finder) (err error) {
			_, found, err = f.Tx(txid)
			return err
		})
	})
	return found, err
}

// Range iterates over the keys with start <= key < end; an empty end means the namespace's end. The iterator must be closed; it stays open when
// the snapshot closes.
func (s *Snapshot) Range(ns, start, end string) (*Iterator, error) {
	i := &Iterator{l: s.l, ns: ns, limit: -1}
	err := s.iterate(func(r statedb.Reader) (err error) {
		i.it, err = r.Range(ns, start, end)
		return err
	})
	if err != nil {
		return nil, err
	}
	return i, nil
}

// iterate calls f, which opens an iterator, and keeps the ledger open for it if that succeeds.
func (s *Snapshot) iterate(f func(statedb.Reader) error) error {
	return s.read(func(r statedb.Reader) error {
		if err := s.l.acquire(); err != nil {
			return err
		}
		if err := f(r); err != nil {
			s.l.release()
			return err
		}
		return nil
	})
}

// Each calls f with every entry of the world state: public keys first, then hashed ones.
func (s *Snapshot) Each(f func(statedb.Key, statedb.Value) error) error {
	return s.read(func(r statedb.Reader) error { return r.Each(f) })
}

// Close releases the view. Calling it again does nothing.
func (s *Snapshot) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.l.leave(s.v)
}
