package ledger

import (
	"errors"

	"github.com/heddleledger/heddle/ledger/statedb"
)

// blockRange iterates over a range of public keys in the state before a block as changed by the block's updates so far.
type blockRange struct {
	u       *updates
	ns      string
	updated []string // keys with updates, still to come
	it      *statedb.Iterator
	last    string // a key to give, if it exists, after the range
	isLast  bool

	key   string // the next committed entry
	value statedb.Value
	more  bool
}

// newRange covers start <= key < end, an empty end meaning the namespace's end; then, if andEnd, end itself.
func (u *updates) newRange(ns, start, end string, andEnd bool) (*blockRange, error) {
	it, err := u.committed.Range(ns, start, end)
	if err != nil {
		return nil, err
	}
	r := &blockRange{u: u, ns: ns, updated: u.between(ns, start, end), it: it, last: end, isLast: andEnd}
	if err := r.advance(); err != nil {
		return nil, errors.Join(err, it.Close())
	}
	return r, nil
}

func (r *blockRange) advance() (err error) {
	r.key, r.value, r.more, err = r.it.Next()
	return err
}

// next is the next existing key and its version; false at the end.
func (r *blockRange) next() (string, statedb.Version, bool, error) {
	for r.more || len(r.updated) > 0 {
		if len(r.updated) == 0 || r.more && r.key < r.updated[0] {
			key, v := r.key, r.value.Version
			return key, v, true, r.advance()
		}
		key := r.updated[0]
		r.updated = r.updated[1:]
		if r.more && r.key == key {
			if err := r.advance(); err != nil {
				return "", statedb.Version{}, false, err
			}
		}
		if up := r.u.namespaces[r.ns].public[key]; !up.deleted {
			return key, up.Version, true, nil
		}
	}
	if !r.isLast {
		return "", statedb.Version{}, false, nil
	}
	r.isLast = false
	v, found, err := r.u.get(statedb.Key{Namespace: r.ns, Key: r.last})
	return r.last, v.Version, found, err
}

func (r *blockRange) close(err *error) { *err = errors.Join(*err, r.it.Close()) }
