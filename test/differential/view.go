package differential

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// view is the state after some block, as far as transactions read it.
type view struct {
	values map[statedb.Key]statedb.Value
	keys   []statedb.Key // sorted
}

// observe takes a view of our peer's state. Some older ones are kept for transactions that come late.
func (g *Generator) observe() {
	s, err := g.channel.Ledger().NewSnapshot()
	require.NoError(g.t, err)
	defer s.Close()
	v := &view{values: map[statedb.Key]statedb.Value{}}
	require.NoError(g.t, s.Each(func(k statedb.Key, value statedb.Value) error {
		v.values[k] = value
		v.keys = append(v.keys, k)
		return nil
	}))
	slices.SortFunc(v.keys, statedb.Key.Compare)
	g.views = append(g.views, v)
	if len(g.views) > 4 {
		g.views = g.views[1:]
	}
	for _, c := range g.chaincodes {
		if data := g.definition(c.name); data != nil {
			c.version = data.Version
		}
	}
}

// now is the newest view; sometimes is one that may be too old.
func (g *Generator) now() *view { return g.views[len(g.views)-1] }

func (g *Generator) sometimes() *view {
	if g.chance(15) {
		return oneOf(g, g.views...)
	}
	return g.now()
}

func (v *view) version(k statedb.Key) *kvrwsetpb.Version {
	value, ok := v.values[k]
	if !ok {
		return nil
	}
	return &kvrwsetpb.Version{BlockNum: value.Version.Block, TxNum: value.Version.Tx}
}

func (v *view) read(ns, key string) *kvrwsetpb.KVRead {
	return &kvrwsetpb.KVRead{Key: key, Version: v.version(statedb.Key{Namespace: ns, Key: key})}
}

func (v *view) hashedRead(ns, collection, hash string) *kvrwsetpb.KVReadHash {
	return &kvrwsetpb.KVReadHash{KeyHash: []byte(hash), Version: v.version(statedb.Key{Namespace: ns, Collection: collection, Key: hash})}
}

// inRange lists the public keys of a namespace from start to just before end; an empty end is none.
func (v *view) inRange(ns, start, end string) []*kvrwsetpb.KVRead {
	var found []*kvrwsetpb.KVRead
	for _, k := range v.keys {
		if k.Namespace == ns && k.Collection == "" && utf8.ValidString(k.Key) && strings.Compare(k.Key, start) >= 0 && (end == "" || strings.Compare(k.Key, end) < 0) {
			found = append(found, v.read(ns, k.Key))
		}
	}
	return found
}

// rangeQuery is what a simulation records of a range query that takes at most limit results.
func (g *Generator) rangeQuery(v *view, ns, start, end string, limit int, degree uint32) *kvrwsetpb.RangeQueryInfo {
	found := v.inRange(ns, start, end)
	info := &kvrwsetpb.RangeQueryInfo{StartKey: start, EndKey: end, ItrExhausted: len(found) <= limit}
	if !info.ItrExhausted {
		found = found[:limit]
		info.EndKey = found[limit-1].Key
	}
	reads, err := rwset.NewRangeReads(degree)
	require.NoError(g.t, err)
	for _, r := range found {
		require.NoError(g.t, reads.Add(r.Key, r.Version))
	}
	require.NoError(g.t, reads.Finish(info))
	return info
}
