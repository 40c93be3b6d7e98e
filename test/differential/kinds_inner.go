package differential

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// mangle is a message encoded oddly in one of the ways there are.
func (g *Generator) mangle(b []byte) []byte {
	m := manglings[g.rand.IntN(len(manglings))]
	return m.mangle(g, append([]byte{}, b...))
}

// mangledPolicy is some policy encoded oddly.
func (g *Generator) mangledPolicy() []byte {
	if g.chance(30) {
		return g.policyOfTwoRules()
	}
	return g.mangle(oneOf(g, g.chaincodes[:6]...).policy)
}

// policyOfTwoRules is a policy whose gate comes twice, which decoders join or do not.
func (g *Generator) policyOfTwoRules() []byte {
	env, err := policy.Parse("OR('Org1MSP.peer', 'Org2MSP.peer')")
	if err != nil {
		g.t.Fatal(err)
	}
	gate := wire.MustMarshal(env.Rule)
	single := wire.MustMarshal(policy.SignedBy(1))
	rule := append(append([]byte{}, gate...), oneOf(g, gate, wire.MustMarshal(policy.NOutOf(2, policy.SignedBy(0))), single, append(single, gate...))...)
	b := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), rule)
	for _, id := range env.Identities {
		b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), wire.MustMarshal(id))
	}
	return b
}

// deployed is a chaincode that a transaction instantiated on the way; empty without one.
func (g *Generator) deployed() (name, version string) {
	var there []string
	for _, k := range g.now().keys {
		if k.Namespace == "lscc" && strings.HasPrefix(k.Key, "cc") && !strings.Contains(k.Key, "~") {
			there = append(there, k.Key)
		}
	}
	if len(there) == 0 {
		return "", ""
	}
	name = oneOf(g, there...)
	if data := g.definition(name); data != nil && data.Vscc == "vscc" { // another one stops the channel
		return name, data.Version
	}
	return "", ""
}

// innerKinds mangle messages that are found further inside a transaction.
var innerKinds = []kind{
	{name: "inside: an endorser's identity mangled", weight: 15, make: func(g *Generator) *draft {
		d := g.fresh("")
		e := *oneOf(g, d.endorsers...)
		e.creator = g.mangle(e.creator)
		d.endorsers = oneOf(g, []*person{&e}, []*person{&e, g.people.peer1}, []*person{g.people.peer2, &e})
		return d
	}},
	{name: "inside: the creator's identity mangled", weight: 10, make: func(g *Generator) *draft {
		d := g.fresh("")
		c := *d.creator
		c.creator = g.mangle(c.creator)
		d.creator = &c
		return d
	}},
	{name: "inside: a chaincode's policy mangled", weight: 10, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		d.data.Policy = g.mangledPolicy()
		return d.draft(g)
	}},
	{name: "inside: an instantiation policy mangled", weight: 10, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		d.data.InstantiationPolicy = g.mangle(d.data.InstantiationPolicy)
		return d.draft(g)
	}},
	{name: "inside: a definition mangled", weight: 6, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		d.then(func(t *draft) { writes(t).Writes[0].Value = g.mangle(writes(t).Writes[0].Value) })
		return d.draft(g)
	}},
	{name: "inside: a deployment spec mangled", weight: 10, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		d.then(func(t *draft) { t.args[2] = g.mangle(t.args[2]) })
		return d.draft(g)
	}},
	{name: "inside: an invocation of lscc mangled", weight: 10, make: func(g *Generator) *draft {
		return g.deployment(deploy, g.unique("cc"), "1.0").draft(g).raw(oneOf(g, input, proposal), g.mangle)
	}},
	{name: "inside: a chaincode on its way", weight: 30, make: func(g *Generator) *draft {
		name, version := g.deployed()
		if name == "" {
			return nil
		}
		d := g.fresh("")
		d.chaincode, d.version = name, version
		d.set.Namespaces[0].Name = name
		if g.chance(30) {
			d.endorsers = g.someEndorsers()
		}
		return d
	}},
	{name: "inside: a range query with two kinds of reads", weight: 6, make: func(g *Generator) *draft {
		d := g.fresh("")
		q := g.rangeQuery(g.now(), "kv", "r000", "r040", 100, oneOf(g, uint32(2), 50))
		b := wire.MustMarshal(q)
		other := &kvrwsetpb.RangeQueryInfo{}
		oneOf(g,
			func() { rawReads(other, g.now().read("kv", g.manyKey())) },
			func() { merkle(other) },
			func() { rawReads(other) },
			func() { other = g.rangeQuery(g.now(), "kv", "r000", "r040", 100, 2) },
			func() { other = g.rangeQuery(g.now(), "kv", "r000", "r040", 100, 50) },
		)()
		other.StartKey, other.EndKey, other.ItrExhausted = "", "", false
		b = append(wire.MustMarshal(other), b...)
		return d.raw(keySet, func(set []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(set, 2, protowire.BytesType), b)
		})
	}},
	{name: "inside: a key policy mangled", weight: 10, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh("")
		i := g.rand.IntN(commonKeys)
		if g.mayDelete(i) {
			return nil
		}
		d.set.Namespaces[0].KV.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: commonKey(i), Entries: parameter(g.mangledPolicy())}}
		d.setsPolicies = true
		return d
	}},
	{name: "inside: a key policy of odd principals", weight: 10, level: keyLevel, make: func(g *Generator) *draft {
		d := g.fresh("")
		i := g.rand.IntN(commonKeys)
		if g.mayDelete(i) {
			return nil
		}
		role := wire.MustMarshal(&msppb.MSPRole{MspIdentifier: oneOf(g, org1, org2), Role: oneOf(g, msppb.MSPRole_PEER, msppb.MSPRole_MEMBER, msppb.MSPRole_CLIENT)})
		odd := principal(oneOf(g, msppb.MSPPrincipal_ROLE, msppb.MSPPrincipal_ORGANIZATION_UNIT, msppb.MSPPrincipal_IDENTITY, msppb.MSPPrincipal_COMBINED), g.mangle(role))
		good := principal(msppb.MSPPrincipal_ROLE, role)
		value := rule(policy.NOutOf(1, policy.SignedBy(0), policy.SignedBy(int32(g.rand.IntN(3)))), odd, good)
		d.set.Namespaces[0].KV.MetadataWrites = []*kvrwsetpb.KVMetadataWrite{{Key: commonKey(i), Entries: parameter(value)}}
		d.setsPolicies = true
		return d
	}},
	{name: "inside: a collection with a policy for endorsements", weight: 6, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		one := g.collection("first", func(c *commonpb.StaticCollectionConfig) {
			c.EndorsementPolicy = &commonpb.ApplicationPolicy{}
			if g.chance(50) {
				c.EndorsementPolicy = nil
				c.ProtoReflect().SetUnknown(append([]byte{0x42, 0x02, 0xff, 0xff}, c.ProtoReflect().GetUnknown()...))
			}
		})
		d.collections(one)
		return d.draft(g)
	}},
	{name: "inside: the txid that a refused one left out", weight: 6, make: func(g *Generator) *draft {
		d := g.fresh("")
		if len(g.leftOut) > 0 && g.chance(60) {
			d.nonce = oneOf(g, g.leftOut...)
			return d
		}
		g.leftOut = append(g.leftOut, d.nonce)
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { h.TxId = "" })
		return d
	}},
}
