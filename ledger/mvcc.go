package ledger

import (
	"bytes"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// mvcc decides which transactions of a block still stand on what they read. A transaction that was valid so far stays so if, at its place in
// the block, every key it read has the version it read, and every range it queried gives the same keys and versions: in the state before
// the block, as changed by the valid transactions before it.
type mvcc struct {
	*updates
	versions map[statedb.Key]version // of the keys that the block's transactions read, before the block
}

// version is a committed version, or none.
type version struct {
	statedb.Version
	found bool
}

// decide finds, per transaction of a block, the conflict that keeps it from being valid, if any, and what the valid ones change.
func decide(committed statedb.Reader, number uint64, txs []Tx) ([]*Conflict, *updates, error) {
	m := &mvcc{updates: newUpdates(committed)}
	if err := m.load(txs); err != nil {
		return nil, nil, err
	}
	conflicts := make([]*Conflict, len(txs))
	for i := range txs {
		if txs[i].Code != peerpb.TxValidationCode_VALID || txs[i].RWSet == nil {
			continue
		}
		var err error
		if conflicts[i], err = m.check(txs[i].RWSet); err != nil {
			return nil, nil, err
		}
		if conflicts[i] == nil {
			if err := m.apply(txs[i].RWSet, statedb.Version{Block: number, Tx: uint64(i)}); err != nil {
				return nil, nil, err
			}
		}
	}
	return conflicts, m.updates, nil
}

// load reads the versions of all keys that the block's transactions read, each once, several at a time.
func (m *mvcc) load(txs []Tx) error {
	const readers = 4
	m.versions = map[statedb.Key]version{}
	var keys []statedb.Key
	for i := range txs {
		if txs[i].Code == peerpb.TxValidationCode_VALID && txs[i].RWSet != nil {
			keys = m.unseen(keys, txs[i].RWSet)
		}
	}
	slices.SortFunc(keys, statedb.Key.Compare)
	found := make([]version, len(keys))
	var g errgroup.Group
	for from, step := 0, max(64, (len(keys)+readers-1)/readers); from < len(keys); from += step {
		to := min(from+step, len(keys))
		g.Go(func() error { return readVersions(m.committed, keys[from:to], found[from:to]) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, k := range keys {
		m.versions[k] = found[i]
	}
	return nil
}

func readVersions(committed statedb.Reader, keys []statedb.Key, found []version) error {
	f, err := committed.NewFinder()
	if err != nil {
		return err
	}
	for i := 0; i < len(keys) && err == nil; i++ {
		found[i].Version, found[i].found, err = f.Version(keys[i])
	}
	return errors.Join(err, f.Close())
}

// unseen appends the keys that set reads and no set before it did.
func (m *mvcc) unseen(keys []statedb.Key, set *rwset.Set) []statedb.Key {
	note := func(k statedb.Key) {
		if _, seen := m.versions[k]; !seen {
			m.versions[k] = version{}
			keys = append(keys, k)
		}
	}
	for _, ns := range set.Namespaces {
		for _, r := range ns.KV.GetReads() {
			note(statedb.Key{Namespace: ns.Name, Key: r.GetKey()})
		}
		for _, c := range ns.Collections {
			for _, r := range c.Hashed.GetHashedReads() {
				if c.Name != "" {
					note(statedb.Key{Namespace: ns.Name, Collection: c.Name, Key: string(r.GetKeyHash())})
				}
			}
		}
	}
	return keys
}

// check is the first thing that has changed, in the order in which Fabric looks; nil if nothing has.
func (m *mvcc) check(set *rwset.Set) (*Conflict, error) {
	for _, ns := range set.Namespaces {
		for _, r := range ns.KV.GetReads() {
			if c := m.changed(statedb.Key{Namespace: ns.Name, Key: r.GetKey()}, r.GetVersion()); c != nil {
				return c, nil
			}
		}
		for _, q := range ns.KV.GetRangeQueriesInfo() {
			if c, err := m.changedRange(ns.Name, q); c != nil || err != nil {
				return c, err
			}
		}
		for _, c := range ns.Collections {
			for _, r := range c.Hashed.GetHashedReads() {
				if c := m.changedHash(ns.Name, c.Name, r); c != nil {
					return c, nil
				}
			}
		}
	}
	return nil, nil
}

func (m *mvcc) changed(k statedb.Key, read *kvrwsetpb.Version) *Conflict {
	if now := m.versions[k]; m.find(k) != nil || !now.is(read) {
		return m.conflict(k, nil, read, now)
	}
	return nil
}

func (m *mvcc) changedHash(ns, collection string, r *kvrwsetpb.KVReadHash) *Conflict {
	k := statedb.Key{Namespace: ns, Collection: collection, Key: string(r.GetKeyHash())}
	if collection != "" {
		return m.changed(k, r.GetVersion())
	}
	if r.GetVersion() != nil { // no key lives there; written, it would be a public one
		return &Conflict{Key: k, Read: &statedb.Version{Block: r.Version.BlockNum, Tx: r.Version.TxNum}}
	}
	return nil
}

func (v version) is(read *kvrwsetpb.Version) bool {
	if read == nil || !v.found {
		return read == nil && !v.found
	}
	return read.BlockNum == v.Block && read.TxNum == v.Tx
}

// changedRange asks a range query again and compares.
func (m *mvcc) changedRange(ns string, q *kvrwsetpb.RangeQueryInfo) (c *Conflict, err error) {
	r, err := m.newRange(ns, q.GetStartKey(), q.GetEndKey(), !q.GetItrExhausted())
	if err != nil {
		return nil, err
	}
	defer r.close(&err)
	if q.GetReadsMerkleHashes() != nil {
		return m.changedHashes(r, ns, q)
	}
	return m.changedReads(r, ns, q)
}

// changedReads compares result by result.
func (m *mvcc) changedReads(r *blockRange, ns string, q *kvrwsetpb.RangeQueryInfo) (*Conflict, error) {
	conflict := func(key string, read *kvrwsetpb.Version, now version) (*Conflict, error) {
		return m.conflict(statedb.Key{Namespace: ns, Key: key}, q, read, now), nil
	}
	for _, w := range q.GetRawReads().GetKvReads() {
		key, v, ok, err := r.next()
		switch {
		case err != nil:
			return nil, err
		case ok && key < w.GetKey():
			return conflict(key, nil, version{v, true})
		case !ok || key != w.GetKey():
			return conflict(w.GetKey(), w.GetVersion(), version{})
		case !(version{v, true}).is(w.GetVersion()):
			return conflict(key, w.GetVersion(), version{v, true})
		}
	}
	key, v, more, err := r.next()
	if err != nil || !more {
		return nil, err
	}
	return conflict(key, nil, version{v, true})
}

// changedHashes compares with a summary, which does not tell what has changed.
func (m *mvcc) changedHashes(r *blockRange, ns string, q *kvrwsetpb.RangeQueryInfo) (*Conflict, error) {
	want := q.GetReadsMerkleHashes()
	var newest version
	var newestKey string
	conflict := func() (*Conflict, error) {
		c := &Conflict{Key: statedb.Key{Namespace: ns, Key: newestKey}, Query: q, Guessed: true}
		if newest.found {
			c.Current, c.Writer = &newest.Version, &newest.Version
		}
		return c, nil
	}
	reads, err := rwset.NewRangeReads(want.GetMaxDegree())
	if err != nil {
		return conflict() // no simulation makes such a summary
	}
	for {
		key, v, ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if !newest.found || newest.Before(v) {
			newestKey, newest = key, version{v, true}
		}
		if reads.Add(key, wireVersion(v)) != nil || reads.Diverged(want) {
			return conflict() // a key that cannot be encoded is in no summary
		}
	}
	got, err := reads.Summary()
	if err != nil || got == nil || got.MaxLevel != want.GetMaxLevel() || !slices.EqualFunc(got.MaxLevelHashes, want.GetMaxLevelHashes(), bytes.Equal) {
		return conflict()
	}
	return nil, nil
}
