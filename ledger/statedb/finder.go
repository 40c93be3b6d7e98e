package statedb

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Finder looks up many entries, most of which may not be there: unlike Get, it asks the Bloom filters of all levels before it reads anything,
// and it keeps what it has opened. It is for one goroutine, and quickest when the keys come in order.
type Finder struct {
	it  *pebble.Iterator
	buf []byte
}

// NewFinder opens a finder on the state that the reader now sees. It must be closed.
func (r Reader) NewFinder() (*Finder, error) {
	it, err := r.r.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, fmt.Errorf("reading the state store: %w", err)
	}
	return &Finder{it: it}, nil
}

// Get reads an entry of the world state; false if there is none.
func (f *Finder) Get(k Key) (Value, bool, error) {
	f.buf = appendStateKey(f.buf[:0], k)
	found, err := f.find(f.buf)
	if err != nil || !found {
		return Value{}, false, err
	}
	b, err := f.it.ValueAndErr()
	if err != nil {
		return Value{}, false, fmt.Errorf("reading the state store: %w", err)
	}
	v, err := parseValue(append(make([]byte, 0, len(b)), b...))
	return v, err == nil, err
}

// Version reads the version of an entry of the world state; false if there is none.
func (f *Finder) Version(k Key) (Version, bool, error) {
	f.buf = appendStateKey(f.buf[:0], k)
	found, err := f.find(f.buf)
	if err != nil || !found {
		return Version{}, false, err
	}
	v, err := parseValue(f.it.Value())
	return v.Version, err == nil, err
}

// Tx finds a transaction by its id; false if there is none.
func (f *Finder) Tx(txid string) (TxLocation, bool, error) {
	f.buf = appendTxKey(f.buf[:0], txid)
	found, err := f.find(f.buf)
	if err != nil || !found {
		return TxLocation{}, false, err
	}
	l, err := parseTxLocation(f.it.Value())
	return l, err == nil, err
}

func (f *Finder) find(key []byte) (bool, error) {
	if f.it.SeekPrefixGE(key) && bytes.Equal(f.it.Key(), key) {
		return true, nil
	}
	if err := f.it.Error(); err != nil {
		return false, fmt.Errorf("reading the state store: %w", err)
	}
	return false, nil
}

// Close releases the finder.
func (f *Finder) Close() error {
	if err := f.it.Close(); err != nil {
		return fmt.Errorf("reading the state store: %w", err)
	}
	return nil
}
