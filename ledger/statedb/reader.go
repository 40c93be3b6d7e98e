package statedb

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Reader reads the store: the newest state when it is a DB's, an unchanging one when it is a Snapshot's.
type Reader struct {
	r     pebble.Reader
	known *metadataNamespaces
}

// Get reads an entry of the world state; false if there is none.
func (r Reader) Get(k Key) (v Value, found bool, err error) {
	var buf [128]byte
	err = r.get(appendStateKey(buf[:0], k), func(b []byte) (err error) {
		found = true
		v, err = parseValue(append(make([]byte, 0, len(b)), b...))
		return err
	})
	return v, found, err
}

// Metadata reads only the metadata of an entry; nil if it has none. It costs nothing in namespaces that never had any.
func (r Reader) Metadata(k Key) ([]byte, error) {
	if !r.known.has(k.Namespace) {
		return nil, nil
	}
	v, _, err := r.Get(k)
	if err != nil || len(v.Metadata) == 0 {
		return nil, err
	}
	return v.Metadata, nil
}

// Tx finds a transaction by its id; false if there is none.
func (r Reader) Tx(txid string) (TxLocation, bool, error) {
	f, err := r.NewFinder()
	if err != nil {
		return TxLocation{}, false, err
	}
	l, found, err := f.Tx(txid)
	return l, found, errors.Join(err, f.Close())
}

// BlockNumber finds a block by the hash of its header; false if there is none.
func (r Reader) BlockNumber(hash []byte) (uint64, bool, error) {
	return r.number(appendBlockHashKey(nil, hash))
}

// Savepoint is the number of blocks applied.
func (r Reader) Savepoint() (uint64, error) {
	n, _, err := r.number([]byte{prefixSavepoint})
	return n, err
}

// Range iterates over the public keys of a namespace with start <= key < end; an empty end means the namespace's end.
func (r Reader) Range(ns, start, end string) (*Iterator, error) {
	prefix := appendNamespace(nil, ns)
	lower := append(prefix[:len(prefix):len(prefix)], start...)
	upper := successor(prefix)
	if end != "" {
		upper = append(prefix[:len(prefix):len(prefix)], end...)
	}
	if string(lower) > string(upper) {
		lower = upper
	}
	it, err := r.iterate(lower, upper)
	if err != nil {
		return nil, err
	}
	return &Iterator{cursor{it: it, skip: len(prefix)}}, nil
}

// History iterates over the transactions that wrote a public key, oldest first.
func (r Reader) History(ns, key string) (*HistoryIterator, error) {
	prefix := appendHistoryPrefix(nil, ns, key)
	it, err := r.iterate(prefix, successor(prefix))
	if err != nil {
		return nil, err
	}
	return &HistoryIterator{cursor{it: it, skip: len(prefix)}}, nil
}

// LastWrite finds the last transaction before a version that wrote a public key; false if there is none.
func (r Reader) LastWrite(ns, key string, before Version) (v Version, found bool, err error) {
	prefix := appendHistoryPrefix(nil, ns, key)
	it, err := r.iterate(prefix, appendHistoryKey(nil, ns, key, before))
	if err != nil {
		return Version{}, false, err
	}
	if it.Last() {
		found = true
		v, err = parseHistorySuffix(it.Key()[len(prefix):])
	}
	return v, found, errors.Join(err, it.Error(), it.Close())
}

// Expiring are the entries scheduled to expire at a block.
func (r Reader) Expiring(at uint64) (due []Expiry, err error) {
	prefix := appendExpiryPrefix(nil, at)
	it, err := r.iterate(prefix, successor(prefix))
	if err != nil {
		return nil, err
	}
	for it.First(); err == nil && it.Valid(); it.Next() {
		var e Expiry
		if e, err = parseExpiryKey(it.Key()); err == nil {
			due = append(due, e)
		}
	}
	return due, errors.Join(err, it.Error(), it.Close())
}

// Each calls f with every entry of the world state: public keys first, then hashed ones; namespaces in the order of their storage keys.
func (r Reader) Each(f func(Key, Value) error) error {
	for _, prefix := range []byte{prefixPublic, prefixHashed} {
		it, err := r.iterate([]byte{prefix}, []byte{prefix + 1})
		if err != nil {
			return err
		}
		for it.First(); err == nil && it.Valid(); it.Next() {
			err = visit(it, f)
		}
		if err = errors.Join(err, it.Error(), it.Close()); err != nil {
			return err
		}
	}
	return nil
}

func visit(it *pebble.Iterator, f func(Key, Value) error) error {
	k, err := parseStateKey(it.Key())
	if err != nil {
		return err
	}
	v, err := parseValue(append([]byte(nil), it.Value()...))
	if err != nil {
		return err
	}
	return f(k, v)
}

func (r Reader) get(key []byte, use func([]byte) error) error {
	b, closer, err := r.r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the state store: %w", err)
	}
	return errors.Join(use(b), closer.Close())
}

func (r Reader) number(key []byte) (n uint64, found bool, err error) {
	err = r.get(key, func(b []byte) (err error) {
		found = true
		n, err = parseNumber(b)
		return err
	})
	return n, found, err
}

func (r Reader) iterate(lower, upper []byte) (*pebble.Iterator, error) {
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("reading the state store: %w", err)
	}
	return it, nil
}

// successor is the first key after all those that begin with prefix, which never is all 0xff.
func successor(prefix []byte) []byte {
	next := append([]byte(nil), prefix...)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 {
			return next[:i+1]
		}
	}
	return nil
}

// cursor steps through a Pebble iterator from its first entry.
type cursor struct {
	it      *pebble.Iterator
	skip    int // bytes of the storage key before what callers see
	started bool
}

func (c *cursor) next() bool {
	if !c.started {
		c.started = true
		return c.it.First()
	}
	return c.it.Next()
}

func (c *cursor) key() []byte { return c.it.Key()[c.skip:] }

func (c *cursor) error() error {
	if err := c.it.Error(); err != nil {
		return fmt.Errorf("reading the state store: %w", err)
	}
	return nil
}

// Iterator walks over a range of public keys.
type Iterator struct{ cursor }

// Next reads the next entry; false at the end.
func (i *Iterator) Next() (key string, v Value, ok bool, err error) {
	if !i.next() {
		return "", Value{}, false, i.error()
	}
	raw, err := i.it.ValueAndErr()
	if err == nil {
		v, err = parseValue(append(make([]byte, 0, len(raw)), raw...))
	}
	if err != nil {
		return "", Value{}, false, fmt.Errorf("reading the state store: %w", err)
	}
	return string(i.key()), v, true, nil
}

// Close ends the iteration.
func (i *Iterator) Close() error { return i.it.Close() }

// HistoryIterator walks over the transactions that wrote a key.
type HistoryIterator struct{ cursor }

// Next gives the next transaction; false at the end.
func (h *HistoryIterator) Next() (v Version, ok bool, err error) {
	if !h.next() {
		return Version{}, false, h.error()
	}
	v, err = parseHistorySuffix(h.key())
	return v, err == nil, err
}

// Close ends the iteration.
func (h *HistoryIterator) Close() error { return h.it.Close() }
