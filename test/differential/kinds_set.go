package differential

import (
	"bytes"
	"fmt"
	"math"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// keysKind changes the public part of a good transaction's read-write set.
func keysKind(name string, change func(*Generator, *kvrwsetpb.KVRWSet)) kind {
	return changed(name, func(g *Generator, d *draft) { change(g, d.set.Namespaces[0].KV) })
}

// rangeKind is a range query over chaincode kv's many keys, right but for one thing.
func rangeKind(name string, change func(*Generator, *kvrwsetpb.RangeQueryInfo)) kind {
	return keysKind("range: "+name, func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		q := g.rangeQuery(g.now(), "kv", fmt.Sprintf("r%03d", g.rand.IntN(150)), oneOf(g, "", "r140", "r~"), oneOf(g, 5, 50, 1000), oneOf(g, uint32(2), 5, 50))
		change(g, q)
		kv.RangeQueriesInfo = append(kv.RangeQueriesInfo, q)
	})
}

func resultsKind(name string, change func(*Generator, *rwsetpb.TxReadWriteSet)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, results, func(r *rwsetpb.TxReadWriteSet) { change(g, r) })
	})
}

// manyKey is one of chaincode kv's keys that are there.
func (g *Generator) manyKey() string { return fmt.Sprintf("r%03d", g.rand.IntN(150)) }

// merkle makes a query's summary one of hashes, if it is not.
func merkle(q *kvrwsetpb.RangeQueryInfo) *kvrwsetpb.QueryReadsMerkleSummary {
	if m := q.GetReadsMerkleHashes(); m != nil {
		return m
	}
	m := &kvrwsetpb.QueryReadsMerkleSummary{MaxDegree: 2, MaxLevel: 1, MaxLevelHashes: [][]byte{[]byte(hashOf("leaf"))}}
	q.ReadsInfo = &kvrwsetpb.RangeQueryInfo_ReadsMerkleHashes{ReadsMerkleHashes: m}
	return m
}

func rawReads(q *kvrwsetpb.RangeQueryInfo, reads ...*kvrwsetpb.KVRead) {
	q.ReadsInfo = &kvrwsetpb.RangeQueryInfo_RawReads{RawReads: &kvrwsetpb.QueryReads{KvReads: reads}}
}

// setKinds are odd in what was read and written.
var setKinds = []kind{
	keysKind("read", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, g.now().read("kv", g.manyKey()))
	}),
	keysKind("read without a version", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{Key: g.manyKey()})
	}),
	keysKind("read of an empty version", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{Key: oneOf(g, g.manyKey(), "absent"), Version: &kvrwsetpb.Version{}})
	}),
	keysKind("read of another version", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		r := g.now().read("kv", g.manyKey())
		if r.Version != nil {
			*oneOf(g, &r.Version.BlockNum, &r.Version.TxNum)++
		}
		kv.Reads = append(kv.Reads, r)
	}),
	keysKind("read of what is not there", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{Key: "absent"})
	}),
	keysKind("read of a version of what is not there", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{Key: "absent", Version: &kvrwsetpb.Version{BlockNum: math.MaxUint64}})
	}),
	keysKind("read of the empty key", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{})
	}),
	keysKind("a key read twice, right and wrong", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		key := g.manyKey()
		kv.Reads = append(kv.Reads, g.now().read("kv", key), &kvrwsetpb.KVRead{Key: key, Version: &kvrwsetpb.Version{BlockNum: 77}})
	}),
	keysKind("no reads, no writes", func(_ *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes = nil }),
	changed("empty set", func(_ *Generator, d *draft) { d.set = &rwset.Set{} }),
	changed("only reads", func(g *Generator, d *draft) {
		kv := d.set.Namespaces[0].KV
		kv.Writes, kv.Reads = nil, []*kvrwsetpb.KVRead{g.sometimes().read("kv", commonKey(g.rand.IntN(commonKeys)))}
	}),
	changed("only reads, endorsed by nobody", func(g *Generator, d *draft) {
		kv := d.set.Namespaces[0].KV
		kv.Writes, kv.Reads, d.endorsers = nil, []*kvrwsetpb.KVRead{g.sometimes().read("kv", commonKey(g.rand.IntN(commonKeys)))}, nil
	}),
	changed("empty set, endorsed by nobody", func(_ *Generator, d *draft) { d.set, d.endorsers = &rwset.Set{}, nil }),
	keysKind("the same key written twice", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, put(kv.Writes[0].Key, "second"))
	}),
	keysKind("written, then deleted", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: kv.Writes[0].Key, IsDelete: true})
	}),
	keysKind("deleted, then written", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append([]*kvrwsetpb.KVWrite{{Key: kv.Writes[0].Key, IsDelete: true}}, kv.Writes...)
	}),
	keysKind("delete of what is not there", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: g.unique("absent"), IsDelete: true})
	}),
	keysKind("delete with a value", func(g *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes[0].IsDelete = true }),
	keysKind("delete of a key that is there", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: g.manyKey(), IsDelete: true})
	}),
	keysKind("write of a key that is there", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, put(g.manyKey(), g.unique("again")))
	}),
	keysKind("write of an empty value", func(g *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes[0].Value = nil }),
	keysKind("write of an empty value over another", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: g.manyKey()})
	}),
	keysKind("write of the empty key", func(g *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes[0].Key = "" }),
	keysKind("keys with zero bytes", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, put("\x00", "v"), put("a\x00b", "v"), put("\x00\x00composite\x00", g.unique("v")))
	}),
	keysKind("keys beyond ASCII", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, put("\u00e9", "v"), put("\U0010ffff", "v"), put("\ufffd", g.unique("v")))
	}),
	keysKind("a long key", func(g *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes[0].Key += string(bytes.Repeat([]byte("k"), 3000)) }),
	keysKind("a large value", func(g *Generator, kv *kvrwsetpb.KVRWSet) { kv.Writes[0].Value = bytes.Repeat([]byte("v"), 20000) }),
	keysKind("writes out of order", func(g *Generator, kv *kvrwsetpb.KVRWSet) {
		kv.Writes = append(kv.Writes, put("z"+g.unique(""), "v"), put("a"+g.unique(""), "v"))
	}),
	changed("a key that is not UTF-8", func(_ *Generator, d *draft) {
		d.raw(keySet, func(b []byte) []byte { return append(b, 0x1a, 0x04, 0x0a, 0x02, 0xc3, 0x28) })
	}),
	changed("a read key that is not UTF-8", func(_ *Generator, d *draft) {
		d.raw(keySet, func(b []byte) []byte { return append(b, 0x0a, 0x04, 0x0a, 0x02, 0xc3, 0x28) })
	}),
	changed("a namespace twice", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("kv", put(g.unique("u"), "v")))
	}),
	changed("a namespace twice, the second without writes", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("kv"))
	}),
	changed("writes to another chaincode", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("strict", put(g.unique("u"), "v")))
	}),
	changed("writes to another chaincode that does not agree", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace(oneOf(g, "admins", "garbage-policy", "too-much-asked"), put(g.unique("u"), "v")))
	}),
	changed("writes to another chaincode only", func(g *Generator, d *draft) {
		d.set.Namespaces[0] = g.namespace("any", put(g.unique("u"), "v"))
		d.endorsers = []*person{oneOf(g, g.people.peer3, g.people.peer1)}
	}),
	changed("writes to a chaincode that does not exist", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("nobody", put("k", "v")))
	}),
	changed("reads of a chaincode that does not exist", func(g *Generator, d *draft) {
		ns := rwset.Namespace{Name: "nobody", KV: &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{{Key: "k"}}}}
		d.set.Namespaces = append(d.set.Namespaces, ns)
	}),
	changed("reads of another chaincode", func(g *Generator, d *draft) {
		ns := rwset.Namespace{Name: "strict", KV: &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{g.sometimes().read("strict", commonKey(1))}}}
		d.set.Namespaces = append(d.set.Namespaces, ns)
	}),
	changed("writes to a namespace without a name", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("", put("k", "v")))
	}),
	changed("writes to a collection by its namespace's inner name", func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace("kv$$hall", put("k", "v")))
	}),
	resultsKind("another data model", func(g *Generator, r *rwsetpb.TxReadWriteSet) {
		r.DataModel = oneOf(g, rwsetpb.TxReadWriteSet_DataModel(1), -1)
	}),
	resultsKind("a namespace without anything", func(_ *Generator, r *rwsetpb.TxReadWriteSet) {
		r.NsRwset = append(r.NsRwset, &rwsetpb.NsReadWriteSet{})
	}),
	resultsKind("a namespace without a set", func(_ *Generator, r *rwsetpb.TxReadWriteSet) {
		r.NsRwset = append(r.NsRwset, &rwsetpb.NsReadWriteSet{Namespace: "strict"})
	}),
	resultsKind("a set that is garbage", func(_ *Generator, r *rwsetpb.TxReadWriteSet) { r.NsRwset[0].Rwset = garbage }),
	resultsKind("a second set that is garbage", func(_ *Generator, r *rwsetpb.TxReadWriteSet) {
		r.NsRwset = append(r.NsRwset, &rwsetpb.NsReadWriteSet{Namespace: "strict", Rwset: garbage})
	}),
	rangeKind("right", func(*Generator, *kvrwsetpb.RangeQueryInfo) {}),
	rangeKind("right", func(*Generator, *kvrwsetpb.RangeQueryInfo) {}),
	rangeKind("right", func(*Generator, *kvrwsetpb.RangeQueryInfo) {}),
	rangeKind("the end reached or not", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) { q.ItrExhausted = !q.ItrExhausted }),
	rangeKind("another end", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) {
		q.EndKey = oneOf(g, "", "r010", "r149", "z", "\U0010ffff")
	}),
	rangeKind("another start", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) { q.StartKey = oneOf(g, "", "r000", "r149", "z") }),
	rangeKind("no reads", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) { q.ReadsInfo = nil }),
	rangeKind("empty raw reads", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) { rawReads(q) }),
	rangeKind("one raw read", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) { rawReads(q, g.now().read("kv", g.manyKey())) }),
	rangeKind("a raw read left out", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) {
		if r := q.GetRawReads(); r != nil && len(r.KvReads) > 0 {
			r.KvReads = r.KvReads[:len(r.KvReads)-1]
		}
	}),
	rangeKind("a raw read too many", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) {
		if r := q.GetRawReads(); r != nil {
			r.KvReads = append(r.KvReads, &kvrwsetpb.KVRead{Key: "s", Version: &kvrwsetpb.Version{}})
		}
	}),
	rangeKind("a Merkle hash changed", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) { merkle(q).MaxLevelHashes[0][0]++ }),
	rangeKind("a Merkle hash too many", func(_ *Generator, q *kvrwsetpb.RangeQueryInfo) {
		m := merkle(q)
		m.MaxLevelHashes = append(m.MaxLevelHashes, garbage)
	}),
	rangeKind("another Merkle degree", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) {
		merkle(q).MaxDegree = oneOf(g, uint32(2), 3, 49, math.MaxUint32)
	}),
	rangeKind("another Merkle level", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) {
		merkle(q).MaxLevel = oneOf(g, uint32(0), 1, 5, math.MaxUint32)
	}),
	rangeKind("of another namespace", func(g *Generator, q *kvrwsetpb.RangeQueryInfo) {
		*q = *g.rangeQuery(g.now(), "strict", "", "", 100, 50)
	}),
}
