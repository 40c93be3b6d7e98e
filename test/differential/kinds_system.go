package differential

import (
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// systemKind invokes a system chaincode, or has to do with one.
func systemKind(name string, change func(*Generator, *draft)) kind {
	return changed("system: "+name, change)
}

func invokes(system string) kind {
	return systemKind("invokes "+system, func(_ *Generator, d *draft) {
		d.chaincode, d.version, d.set = system, "1.4.12", &rwset.Set{}
	})
}

func writesTo(system string) kind {
	return systemKind("writes to "+system, func(g *Generator, d *draft) {
		d.set.Namespaces = append(d.set.Namespaces, g.namespace(system, put("k", "v")))
	})
}

func endorsersOf(g *Generator) []*person {
	p := g.people
	return []*person{oneOf(g, p.peer1, p.user2, p.peer3, p.orderer, oneOf(g, p.odd...))}
}

// systemKinds are about system chaincodes and their namespaces.
var systemKinds = []kind{
	invokes("qscc"), invokes("cscc"), invokes("escc"), invokes("vscc"), invokes("lscc"), invokes("+lifecycle"), invokes("_lifecycle"), invokes("rscc"),
	writesTo("qscc"), writesTo("cscc"), writesTo("escc"), writesTo("vscc"), writesTo("lscc"), writesTo("+lifecycle"), writesTo("_lifecycle"),
	systemKind("invokes qscc, endorsed by anybody", func(g *Generator, d *draft) {
		d.chaincode, d.set, d.endorsers = "qscc", &rwset.Set{}, endorsersOf(g)
	}),
	systemKind("qscc writes to kv", func(g *Generator, d *draft) { d.chaincode, d.endorsers = "qscc", endorsersOf(g) }),
	systemKind("qscc writes to a chaincode that does not exist", func(g *Generator, d *draft) {
		d.chaincode = "qscc"
		d.set = &rwset.Set{Namespaces: []rwset.Namespace{g.namespace("nobody", put(g.unique("u"), "v"))}}
	}),
	systemKind("qscc reads", func(g *Generator, d *draft) {
		d.chaincode = "qscc"
		d.set.Namespaces[0].KV = &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{g.sometimes().read("kv", commonKey(3))}}
	}),
	systemKind("qscc sets a key's policy", func(g *Generator, d *draft) {
		d.chaincode = "qscc"
		kv := d.set.Namespaces[0].KV
		kv.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: kv.Writes[0].Key, Entries: g.parameter()}}
	}),
	systemKind("lscc, another function", func(g *Generator, d *draft) {
		d.chaincode, d.set = "lscc", &rwset.Set{}
		d.args = [][]byte{[]byte(oneOf(g, "put", "getid", "Deploy", "")), []byte(g.channelID)}
	}),
	systemKind("a definition without a vscc, by way of qscc", func(g *Generator, d *draft) {
		defines(g, d, func(data *peerpb.ChaincodeData) { data.Vscc = "" })
	}),
	systemKind("a definition without a policy, by way of qscc", func(g *Generator, d *draft) {
		defines(g, d, func(data *peerpb.ChaincodeData) { data.Policy = nil })
	}),
	systemKind("a definition of another name, by way of qscc", func(g *Generator, d *draft) {
		defines(g, d, func(data *peerpb.ChaincodeData) { data.Name = "another" })
	}),
	systemKind("invokes what qscc defined", func(g *Generator, d *draft) {
		for _, k := range g.now().keys {
			if k.Namespace == "lscc" && len(k.Key) > 3 && k.Key[:3] == "odd" && g.chance(50) {
				d.chaincode, d.version = k.Key, "1.0"
			}
		}
		d.set.Namespaces[0].Name = d.chaincode
	}),
}

// defines lets qscc write a chaincode's definition, which no rule of 1.4 forbids.
func defines(g *Generator, d *draft, change func(*peerpb.ChaincodeData)) {
	data := g.deployment(deploy, g.unique("odd"), "1.0").data
	name := data.Name
	change(data)
	d.chaincode = "qscc"
	d.set = &rwset.Set{Namespaces: []rwset.Namespace{{Name: "lscc", KV: &kvrwsetpb.KVRWSet{
		Writes: []*kvrwsetpb.KVWrite{{Key: name, Value: wire.MustMarshal(data)}},
	}}}}
}
