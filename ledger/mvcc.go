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

// decide gives the final codes of a block's transactions and what the valid ones change.
func decide(committed statedb.Reader, number uint64, txs []Tx) ([]peerpb.TxValidationCode, *updates, error) {
	m := &mvcc{updates: newUpdates(committed)}
	if err := m.load(txs); err != nil {
		return nil, nil, err
	}
	codes := make([]peerpb.TxValidationCode, len(txs))
	for i := range txs {
		codes[i] = txs[i].Code
		if codes[i] != peerpb.TxValidationCode_VALID || txs[i].RWSet == nil {
			continue
		}
		var err error
		if codes[i], err = m.check(txs[i].RWSet); err != nil {
			return nil, nil, err
		}
		if codes[i] == peerpb.TxValidationCode_VALID {
			if err := m.apply(txs[i].RWSet, statedb.Version{Block: number, Tx: uint64(i)}); err != nil {
				return nil, nil, err
			}
		}
	}
	return codes, m.updates, nil
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

// check is VALID, MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT: for the first thing that has changed, in the order in which Fabric looks.
func (m *mvcc) check(set *rwset.Set) (peerpb.TxValidationCode, error) {
	for _, ns := range set.Namespaces {
		for _, r := range ns.KV.GetReads() {
			if !m.unchanged(statedb.Key{Namespace: ns.Name, Key: r.GetKey()}, r.GetVersion()) {
				return peerpb.TxValidationCode_MVCC_READ_CONFLICT, nil
			}
		}
		for _, q := range ns.KV.GetRangeQueriesInfo() {
			if same, err := m.sameRange(ns.Name, q); err != nil {
				return 0, err
			} else if !same {
				return peerpb.TxValidationCode_PHANTOM_READ_CONFLICT, nil
			}
		}
		for _, c := range ns.Collections {
			for _, r := range c.Hashed.GetHashedReads() {
				if !m.unchangedHash(ns.Name, c.Name, r) {
					return peerpb.TxValidationCode_MVCC_READ_CONFLICT, nil
				}
			}
		}
	}
	return peerpb.TxValidationCode_VALID, nil
}

func (m *mvcc) unchanged(k statedb.Key, read *kvrwsetpb.Version) bool {
	if m.find(k) != nil {
		return false
	}
	return m.versions[k].is(read)
}

func (m *mvcc) unchangedHash(ns, collection string, r *kvrwsetpb.KVReadHash) bool {
	if collection == "" { // no key lives there; written, it would be a public one
		return r.GetVersion() == nil
	}
	return m.unchanged(statedb.Key{Namespace: ns, Collection: collection, Key: string(r.GetKeyHash())}, r.GetVersion())
}

func (v version) is(read *kvrwsetpb.Version) bool {
	if read == nil || !v.found {
		return read == nil && !v.found
	}
	return read.BlockNum == v.Block && read.TxNum == v.Tx
}

// sameRange asks a range query again and compares.
func (m *mvcc) sameRange(ns string, q *kvrwsetpb.RangeQueryInfo) (same bool, err error) {
	r, err := m.newRange(ns, q.GetStartKey(), q.GetEndKey(), !q.GetItrExhausted())
	if err != nil {
		return false, err
	}
	defer r.close(&err)
	if want := q.GetReadsMerkleHashes(); want != nil {
		return sameHashes(r, want)
	}
	return sameReads(r, q.GetRawReads().GetKvReads())
}

func sameReads(r *blockRange, want []*kvrwsetpb.KVRead) (bool, error) {
	for _, w := range want {
		key, v, ok, err := r.next()
		if err != nil || !ok || key != w.GetKey() || !(version{v, true}).is(w.GetVersion()) {
			return false, err
		}
	}
	_, _, more, err := r.next()
	return err == nil && !more, err
}

func sameHashes(r *blockRange, want *kvrwsetpb.QueryReadsMerkleSummary) (bool, error) {
	reads, err := rwset.NewRangeReads(want.GetMaxDegree())
	if err != nil {
		return false, nil // no simulation makes such a summary
	}
	for {
		key, v, ok, err := r.next()
		if err != nil {
			return false, err
		}
		if !ok {
			break
		}
		if reads.Add(key, wireVersion(v)) != nil || reads.Diverged(want) {
			return false, nil // a key that cannot be encoded is in no summary
		}
	}
	got, err := reads.Summary()
	return err == nil && got != nil && got.MaxLevel == want.GetMaxLevel() && slices.EqualFunc(got.MaxLevelHashes, want.GetMaxLevelHashes(), bytes.Equal), nil
}
