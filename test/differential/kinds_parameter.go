package differential

import (
	"math"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var validationParameter = peerpb.MetaDataKeys_VALIDATION_PARAMETER.String()

// parameterKind sets metadata of a key, most often one that the other transactions work on.
func parameterKind(name string, weight int, make func(*Generator, *kvrwsetpb.KVMetadataWrite, *draft)) kind {
	return kind{name: "key policy: " + name, weight: weight, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh(name)
		i := g.rand.IntN(commonKeys)
		if g.mayDelete(i) {
			return nil
		}
		w := &kvrwsetpb.KVMetadataWrite{Key: commonKey(i), Entries: g.parameter()}
		d.set.Namespaces[0].KV = &kvrwsetpb.KVRWSet{MetadataWrites: []*kvrwsetpb.KVMetadataWrite{w}}
		d.setsPolicies = true
		make(g, w, d)
		return d
	}}
}

func parameter(value []byte) []*kvrwsetpb.KVMetadataEntry {
	return []*kvrwsetpb.KVMetadataEntry{{Name: validationParameter, Value: value}}
}

// parameterKinds are about the endorsement policies of single keys.
var parameterKinds = []kind{
	parameterKind("set", 20, func(*Generator, *kvrwsetpb.KVMetadataWrite, *draft) {}),
	parameterKind("set and the key written", 10, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, d *draft) {
		d.set.Namespaces[0].KV.Writes = []*kvrwsetpb.KVWrite{put(w.Key, g.unique("v"))}
	}),
	parameterKind("set by one too few", 10, func(g *Generator, _ *kvrwsetpb.KVMetadataWrite, d *draft) { d.endorsers = g.someEndorsers() }),
	parameterKind("one organization asked", 10, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) {
		w.Entries = parameter(g.policy(oneOf(g, "OR('Org1MSP.peer')", "OR('Org2MSP.peer')", "OR('Org3MSP.member')")))
	}),
	parameterKind("taken away", 10, func(_ *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) { w.Entries = nil }),
	parameterKind("garbage", 5, func(_ *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) { w.Entries = parameter(garbage) }),
	parameterKind("empty", 5, func(_ *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) { w.Entries = parameter(nil) }),
	parameterKind("under another name", 5, func(_ *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) {
		w.Entries = []*kvrwsetpb.KVMetadataEntry{{Name: "ANOTHER", Value: garbage}}
	}),
	parameterKind("several entries", 5, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) {
		w.Entries = append([]*kvrwsetpb.KVMetadataEntry{{Name: "z", Value: []byte("z")}, {Name: "a", Value: []byte("a")}, {}}, w.Entries...)
	}),
	parameterKind("two values", 5, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) {
		w.Entries = append(parameter(g.chaincodes[1].policy), parameter(g.chaincodes[0].policy)...)
	}),
	parameterKind("set twice in one transaction", 5, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, d *draft) {
		kv := d.set.Namespaces[0].KV
		kv.MetadataWrites = append(kv.MetadataWrites, &kvrwsetpb.KVMetadataWrite{Key: w.Key, Entries: g.parameter()})
	}),
	parameterKind("of a key that is not there", 5, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, _ *draft) { w.Key = g.unique("absent") }),
	parameterKind("of another chaincode's key", 8, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, rwset.Namespace{Name: "strict", KV: &kvrwsetpb.KVRWSet{
			Writes:         []*kvrwsetpb.KVWrite{put(g.unique("u"), "v")},
			MetadataWrites: []*kvrwsetpb.KVMetadataWrite{{Key: g.unique("u"), Entries: g.parameter()}},
		}})
	}),
	parameterKind("in a transaction that MVCC refuses", 8, func(g *Generator, w *kvrwsetpb.KVMetadataWrite, d *draft) {
		d.set.Namespaces[0].KV.Reads = []*kvrwsetpb.KVRead{{Key: g.manyKey(), Version: &kvrwsetpb.Version{BlockNum: math.MaxUint64}}}
	}),
	{name: "key policy: set for one's own new key, then used", weight: 8, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh("")
		kv := d.set.Namespaces[0].KV
		kv.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: kv.Writes[0].Key, Entries: g.parameter()}}
		return d
	}},
	{name: "key policy: set in a transaction refused before its endorsements", weight: 8, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh("")
		kv := d.set.Namespaces[0].KV
		kv.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: kv.Writes[0].Key, Entries: g.parameter()}}
		d.version = "0.1"
		return d
	}},
	{name: "key policy: before there are any", weight: 10, make: func(g *Generator) *draft {
		if g.level >= keyLevel {
			return nil
		}
		d := g.fresh("")
		i := g.rand.IntN(commonKeys)
		if g.mayDelete(i) {
			return nil
		}
		kv := d.set.Namespaces[0].KV
		kv.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: commonKey(i), Entries: g.parameter()}}
		if g.chance(50) {
			kv.Writes = nil
		}
		return d
	}},
	{name: "key policies of many keys", weight: 8, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh("")
		kv := d.set.Namespaces[0].KV
		for i := range commonKeys {
			if g.chance(60) {
				kv.Writes = append(kv.Writes, put(commonKey(i), g.unique("v")))
			}
		}
		if g.chance(40) {
			d.endorsers = d.endorsers[:1]
		}
		return d
	}},
}
