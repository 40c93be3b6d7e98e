package ledger

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// updates are what the valid transactions of a block do to the state, the last one per key counting.
type updates struct {
	committed  statedb.Reader // the state before the block
	namespaces map[string]*nsUpdates
	ops        map[statedb.Key]*op // of the transaction being applied
}

// nsUpdates are the updates of one namespace.
type nsUpdates struct {
	public      map[string]*update
	collections map[string]map[string]*update // by collection, then key hash
	sorted      []string                      // the public keys, kept only once a range query has asked for them
	isSorted    bool
}

type update struct {
	statedb.Value
	deleted bool
}

// op is what one transaction does to one key. Fabric adds the flags up, so that a set which (hostilely) writes a key twice comes to
// mean something else; so do we, or the states would part.
type op struct {
	flags           uint8
	value, metadata []byte
}

const (
	opWrite          = 1
	opWriteMetadata  = 2
	opDeleteMetadata = 4
	opDelete         = 8
)

func newUpdates(committed statedb.Reader) *updates {
	return &updates{committed: committed, namespaces: map[string]*nsUpdates{}, ops: map[statedb.Key]*op{}}
}

// apply adds the writes of a valid transaction.
func (u *updates) apply(set *rwset.Set, v statedb.Version) error {
	clear(u.ops)
	if err := u.collect(set); err != nil {
		return err
	}
	for k, o := range u.ops {
		switch {
		case o.flags&opDelete != 0:
			u.put(k, &update{Value: statedb.Value{Version: v}, deleted: true})
			continue
		case o.flags&opWrite != 0 && o.flags&(opWriteMetadata|opDeleteMetadata) != 0:
		case o.flags|opWrite == opWrite: // the key keeps its metadata
			metadata, err := u.metadata(k)
			if err != nil {
				return err
			}
			o.metadata = metadata
		default: // the key keeps its value, if it has one
			old, found, err := u.get(k)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			o.value = old.Value
		}
		u.put(k, &update{Value: statedb.Value{Value: o.value, Metadata: o.metadata, Version: v}})
	}
	return nil
}

// collect gathers the transaction's writes by key.
func (u *updates) collect(set *rwset.Set) error {
	for _, ns := range set.Namespaces {
		for _, w := range ns.KV.GetWrites() {
			u.write(statedb.Key{Namespace: ns.Name, Key: w.GetKey()}, w.GetValue(), w.GetIsDelete() || len(w.GetValue()) == 0)
		}
		for _, w := range ns.KV.GetMetadataWrites() {
			if err := u.writeMetadata(statedb.Key{Namespace: ns.Name, Key: w.GetKey()}, w.GetEntries()); err != nil {
				return err
			}
		}
		for _, c := range ns.Collections {
			for _, w := range c.Hashed.GetHashedWrites() {
				k := statedb.Key{Namespace: ns.Name, Collection: c.Name, Key: string(w.GetKeyHash())}
				u.write(k, w.GetValueHash(), w.GetIsDelete() || len(w.GetValueHash()) == 0 || bytes.Equal(w.GetValueHash(), hashOfNothing[:]))
			}
			for _, w := range c.Hashed.GetMetadataWrites() {
				k := statedb.Key{Namespace: ns.Name, Collection: c.Name, Key: string(w.GetKeyHash())}
				if err := u.writeMetadata(k, w.GetEntries()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// hashOfNothing is the value hash of an empty private value, which Fabric takes for a delete.
var hashOfNothing = sha256.Sum256(nil)

func (u *updates) write(k statedb.Key, value []byte, deletes bool) {
	o := u.op(k)
	if deletes {
		o.flags += opDelete
		return
	}
	o.flags += opWrite
	o.value = value
}

func (u *updates) writeMetadata(k statedb.Key, entries []*kvrwsetpb.KVMetadataEntry) error {
	o := u.op(k)
	if len(entries) == 0 {
		o.flags += opDeleteMetadata
		return nil
	}
	metadata, err := wire.Marshal(&kvrwsetpb.KVMetadataWrite{Entries: entries})
	if err != nil {
		return err
	}
	o.flags += opWriteMetadata
	o.metadata = metadata
	return nil
}

func (u *updates) op(k statedb.Key) *op {
	o := u.ops[k]
	if o == nil {
		o = &op{}
		u.ops[k] = o
	}
	return o
}

// find is the update of a key by an earlier transaction of the block; nil if there is none.
func (u *updates) find(k statedb.Key) *update {
	ns := u.namespaces[k.Namespace]
	switch {
	case ns == nil:
		return nil
	case k.Collection == "":
		return ns.public[k.Key]
	}
	return ns.collections[k.Collection][k.Key]
}

// get is an entry as the block's earlier transactions leave it.
func (u *updates) get(k statedb.Key) (statedb.Value, bool, error) {
	if up := u.find(k); up != nil {
		return up.Value, !up.deleted, nil
	}
	return u.committed.Get(k)
}

func (u *updates) metadata(k statedb.Key) ([]byte, error) {
	if up := u.find(k); up != nil {
		return up.Metadata, nil
	}
	return u.committed.Metadata(k)
}

func (u *updates) put(k statedb.Key, up *update) {
	ns := u.namespaces[k.Namespace]
	if ns == nil {
		ns = &nsUpdates{public: map[string]*update{}}
		u.namespaces[k.Namespace] = ns
	}
	if k.Collection != "" {
		ns.putHashed(k, up)
		return
	}
	if ns.isSorted && ns.public[k.Key] == nil {
		i, _ := slices.BinarySearch(ns.sorted, k.Key)
		ns.sorted = slices.Insert(ns.sorted, i, k.Key)
	}
	ns.public[k.Key] = up
}

func (n *nsUpdates) putHashed(k statedb.Key, up *update) {
	if n.collections == nil {
		n.collections = map[string]map[string]*update{}
	}
	if n.collections[k.Collection] == nil {
		n.collections[k.Collection] = map[string]*update{}
	}
	n.collections[k.Collection][k.Key] = up
}

// between is the sorted public keys of a namespace with start <= key < end; an empty end means all that follow.
func (u *updates) between(ns, start, end string) []string {
	n := u.namespaces[ns]
	if n == nil {
		return nil
	}
	if !n.isSorted {
		n.sorted, n.isSorted = sortedKeys(n.public), true
	}
	from, _ := slices.BinarySearch(n.sorted, start)
	to := len(n.sorted)
	if end != "" {
		to, _ = slices.BinarySearch(n.sorted, end)
	}
	if from >= to {
		return nil
	}
	return n.sorted[from:to]
}

// writeTo puts all updates into a batch.
func (u *updates) writeTo(b *statedb.Batch) error {
	for name, ns := range u.namespaces {
		if err := writeGroup(b, statedb.Key{Namespace: name}, ns.public); err != nil {
			return err
		}
		for collection, group := range ns.collections {
			if err := writeGroup(b, statedb.Key{Namespace: name, Collection: collection}, group); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeGroup(b *statedb.Batch, k statedb.Key, group map[string]*update) error {
	for key, up := range group {
		k.Key = key
		var err error
		if up.deleted {
			err = b.Delete(k)
		} else {
			err = b.Put(k, up.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[string]*update) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
