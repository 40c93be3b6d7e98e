package differential

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func lsccKey(name string) statedb.Key { return statedb.Key{Namespace: "lscc", Key: name} }

// deploys instantiates a chaincode of a new name, rightly but for one change.
func deploys(name string, change func(*Generator, *deployment)) kind {
	return kind{name: "deploy: " + name, weight: 4, make: func(g *Generator) *draft {
		d := g.deployment(deploy, g.unique("cc"), "1.0")
		change(g, d)
		return d.draft(g)
	}}
}

// upgrades upgrades a chaincode that was instantiated earlier, rightly but for one change.
func upgrades(name string, change func(*Generator, *deployment)) kind {
	return kind{name: "upgrade: " + name, weight: 4, make: func(g *Generator) *draft {
		var there []string
		for _, k := range g.now().keys {
			if k.Namespace == "lscc" && strings.HasPrefix(k.Key, "cc") && !strings.Contains(k.Key, "~") {
				there = append(there, k.Key)
			}
		}
		if len(there) == 0 {
			return nil
		}
		d := g.deployment(upgrade, oneOf(g, there...), g.unique("2."))
		if was := g.definition(d.data.Name); was != nil {
			d.data.InstantiationPolicy = was.InstantiationPolicy
		}
		change(g, d)
		return d.draft(g)
	}}
}

// both makes a kind for deploys and one for upgrades of the same change.
func both(name string, change func(*Generator, *deployment)) []kind {
	return []kind{deploys(name, change), upgrades(name, change)}
}

func (d *deployment) then(change func(*draft)) {
	d.change = func(_ *deployment, t *draft) { change(t) }
}

// writes are what the draft of a deployment writes.
func writes(t *draft) *kvrwsetpb.KVRWSet { return t.set.Namespaces[0].KV }

func (d *deployment) rename(name string) {
	d.data.Name = name
	d.spec.ChaincodeSpec.ChaincodeId.Name = name
}

func (d *deployment) renumber(version string) {
	d.data.Version = version
	d.spec.ChaincodeSpec.ChaincodeId.Version = version
}

// collectionKind is a deployment with collections that are right but for one change of the second of them.
func collectionKind(name string, change func(*Generator, *commonpb.StaticCollectionConfig)) []kind {
	return both("collections, "+name, func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil), g.collection("second", func(c *commonpb.StaticCollectionConfig) { change(g, c) }))
	})
}

// deploymentKinds instantiate and upgrade.
var deploymentKinds = join(
	[]kind{
		deploys("again", func(g *Generator, d *deployment) { d.rename("kv") }),
		deploys("the same name as others in the block", func(_ *Generator, d *deployment) { d.rename("contended") }),
		deploys("no vscc", func(_ *Generator, d *deployment) { d.data.Vscc = "" }),
		deploys("no policy", func(_ *Generator, d *deployment) { d.data.Policy = nil }),
		deploys("collections that are there", func(g *Generator, d *deployment) {
			d.rename("kv")
			d.collections(g.collections()...)
		}),
		upgrades("what is not there", func(g *Generator, d *deployment) { d.rename(g.unique("absent")) }),
		upgrades("the same version", func(g *Generator, d *deployment) {
			if was := g.definition(d.data.Name); was != nil {
				d.renumber(was.Version)
			}
		}),
		upgrades("another instantiation policy", func(g *Generator, d *deployment) { d.data.InstantiationPolicy = g.policy("OR('Org1MSP.admin')") }),
		upgrades("an instantiation policy nobody of Org1 satisfies", func(g *Generator, d *deployment) {
			d.data.InstantiationPolicy = g.policy("OR('Org2MSP.admin')")
		}),
		upgrades("kv", func(g *Generator, d *deployment) {
			d.rename("kv")
			d.renumber(g.unique("1."))
			if g.level >= 1 && g.chance(50) {
				d.collections(g.collections()...)
			}
		}),
		upgrades("a collection left out", func(g *Generator, d *deployment) { d.collections(g.collection("first", nil)) }),
		upgrades("a collection's life changed", func(g *Generator, d *deployment) {
			longer := func(c *commonpb.StaticCollectionConfig) { c.BlockToLive = 99 }
			d.collections(g.collection("first", longer), g.collection("second", nil))
		}),
	},
	both("good", func(*Generator, *deployment) {}),
	both("good", func(*Generator, *deployment) {}),
	both("by a client", func(g *Generator, d *deployment) { d.then(func(t *draft) { t.creator = g.people.user1 }) }),
	both("by the other administrator", func(g *Generator, d *deployment) { d.then(func(t *draft) { t.creator = g.people.admin2 }) }),
	both("by the third administrator", func(g *Generator, d *deployment) { d.then(func(t *draft) { t.creator = g.people.admin3 }) }),
	both("endorsed by nobody", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.endorsers = nil }) }),
	both("endorsed by anybody", func(g *Generator, d *deployment) { d.then(func(t *draft) { t.endorsers = g.someEndorsers() }) }),
	both("no instantiation policy", func(_ *Generator, d *deployment) { d.data.InstantiationPolicy = nil }),
	both("garbage instantiation policy", func(_ *Generator, d *deployment) { d.data.InstantiationPolicy = garbage }),
	both("an instantiation policy that asks nothing", func(_ *Generator, d *deployment) { d.data.InstantiationPolicy = rule(policy.NOutOf(0)) }),
	both("another name written", func(_ *Generator, d *deployment) { d.data.Name += "x" }),
	both("another key written", func(_ *Generator, d *deployment) { d.then(func(t *draft) { writes(t).Writes[0].Key += "x" }) }),
	both("another version written", func(_ *Generator, d *deployment) { d.data.Version += "x" }),
	both("another policy written", func(g *Generator, d *deployment) { d.data.Policy = g.chaincodes[1].policy }),
	both("garbage written", func(_ *Generator, d *deployment) { d.then(func(t *draft) { writes(t).Writes[0].Value = garbage }) }),
	both("nothing written", func(_ *Generator, d *deployment) { d.then(func(t *draft) { writes(t).Writes = nil }) }),
	both("a delete written", func(_ *Generator, d *deployment) {
		d.then(func(t *draft) { writes(t).Writes[0] = &kvrwsetpb.KVWrite{Key: writes(t).Writes[0].Key, IsDelete: true} })
	}),
	both("two entries written", func(_ *Generator, d *deployment) {
		d.then(func(t *draft) { writes(t).Writes = append(writes(t).Writes, writes(t).Writes[0]) })
	}),
	both("a second key written", func(g *Generator, d *deployment) {
		d.then(func(t *draft) { writes(t).Writes = append(writes(t).Writes, put(g.unique("other"), "v")) })
	}),
	both("three keys written", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil))
		d.then(func(t *draft) { writes(t).Writes = append(writes(t).Writes, put(g.unique("other"), "v")) })
	}),
	both("the chaincode's own namespace written", func(g *Generator, d *deployment) {
		d.then(func(t *draft) {
			t.set.Namespaces = append([]rwset.Namespace{g.namespace(d.data.Name, put("init", "v"))}, t.set.Namespaces...)
		})
	}),
	both("another chaincode's namespace written", func(g *Generator, d *deployment) {
		d.then(func(t *draft) { t.set.Namespaces = append(t.set.Namespaces, g.namespace("kv", put("u", "v"))) })
	}),
	both("another chaincode's collection written", func(g *Generator, d *deployment) {
		if !g.hasCollections() {
			return
		}
		d.then(func(t *draft) {
			t.set.Namespaces = append(t.set.Namespaces, rwset.Namespace{
				Name: "kv", KV: &kvrwsetpb.KVRWSet{}, Collections: []rwset.Collection{g.hashed(collectionAll, g.unique("p"))}})
		})
	}),
	both("lscc's namespace left out", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.set.Namespaces = nil }) }),
	both("no arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = nil }) }),
	both("one argument", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = t.args[:1] }) }),
	both("two arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = t.args[:2] }) }),
	both("three arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = t.args[:3] }) }),
	both("seven arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = append(t.args, nil) }) }),
	both("eight arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args = append(t.args, nil, garbage) }) }),
	both("an empty collections argument", func(_ *Generator, d *deployment) { d.args = append(d.args[:3:3], []byte{}) }),
	both("another channel in the arguments", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args[1] = []byte("another") }) }),
	both("another function", func(_ *Generator, d *deployment) { d.function = "install" }),
	both("the other function", func(_ *Generator, d *deployment) {
		d.function = map[string]string{deploy: upgrade, upgrade: deploy}[d.function]
	}),
	both("spec garbage", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args[2] = garbage }) }),
	both("spec empty", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.args[2] = nil }) }),
	both("no chaincode in the spec", func(_ *Generator, d *deployment) { d.spec.ChaincodeSpec.ChaincodeId = nil }),
	both("another language", func(g *Generator, d *deployment) {
		d.spec.ChaincodeSpec.Type = oneOf(g, peerpb.ChaincodeSpec_NODE, peerpb.ChaincodeSpec_JAVA, peerpb.ChaincodeSpec_CAR)
	}),
	both("no language", func(g *Generator, d *deployment) {
		d.spec.ChaincodeSpec.Type = oneOf(g, peerpb.ChaincodeSpec_UNDEFINED, peerpb.ChaincodeSpec_Type(9), peerpb.ChaincodeSpec_Type(-1))
	}),
	both("code that is garbage", func(_ *Generator, d *deployment) { d.spec.CodePackage = garbage }),
	both("an odd name", func(g *Generator, d *deployment) {
		d.rename(oneOf(g, "", "a b", "-a", "a-", "a--b", "a.b", "lscc", "qscc", "+lifecycle", "é", "a/b", "a:b", "_a", "A_"+g.unique("b"), "ccx~collection"))
	}),
	both("an odd version", func(g *Generator, d *deployment) {
		d.renumber(oneOf(g, "", "1 0", "1/0", "1:0", "é", "+1-0_."+g.unique(""), "é"))
	}),
	both("lscc's event", func(g *Generator, d *deployment) {
		d.then(func(t *draft) { t.event = &peerpb.ChaincodeEvent{ChaincodeId: oneOf(g, "lscc", d.data.Name)} })
	}),
	both("another version of lscc", func(_ *Generator, d *deployment) { d.then(func(t *draft) { t.version = "1.0" }) }),
	both("two collections", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil), g.collection("second", nil))
	}),
	both("collections in the arguments only", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil))
		d.written = nil
	}),
	both("collections written only", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil))
		d.args = d.args[:3]
	}),
	both("other collections written", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil))
		d.written = wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{g.collection("other", nil)}})
	}),
	both("collections under another key", func(g *Generator, d *deployment) {
		d.collections(g.collection("first", nil))
		d.then(func(t *draft) { writes(t).Writes[1].Key += "s" })
	}),
	both("no collections in a package", func(_ *Generator, d *deployment) { d.collections() }),
	both("a collection of no kind", func(_ *Generator, d *deployment) { d.collections(&commonpb.CollectionConfig{}) }),
	collectionKind("no name", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.Name = "" }),
	collectionKind("an odd name", func(g *Generator, c *commonpb.StaticCollectionConfig) {
		c.Name = oneOf(g, "a b", "a.b", "é", "-", "_implicit_org_Org1MSP", "a$b")
	}),
	collectionKind("the same name", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.Name = "first" }),
	collectionKind("more peers required than allowed", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.RequiredPeerCount = 2 }),
	collectionKind("fewer peers than none", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.RequiredPeerCount = -1 }),
	collectionKind("a policy that is no OR", func(g *Generator, c *commonpb.StaticCollectionConfig) {
		c.MemberOrgsPolicy = g.members("AND('Org1MSP.member', 'Org2MSP.member')")
	}),
	collectionKind("a policy with an inner AND", func(g *Generator, c *commonpb.StaticCollectionConfig) {
		c.MemberOrgsPolicy = g.members("OR('Org1MSP.member', AND('Org1MSP.member', 'Org2MSP.member'))")
	}),
	collectionKind("a policy of one", func(g *Generator, c *commonpb.StaticCollectionConfig) {
		c.MemberOrgsPolicy = g.members("AND('Org1MSP.peer')")
	}),
	collectionKind("an unknown organization", func(g *Generator, c *commonpb.StaticCollectionConfig) {
		c.MemberOrgsPolicy = g.members("OR('Org9MSP.member')")
	}),
	collectionKind("a policy without a rule", func(_ *Generator, c *commonpb.StaticCollectionConfig) {
		env := proto.CloneOf(c.MemberOrgsPolicy.GetSignaturePolicy())
		env.Rule = nil
		c.MemberOrgsPolicy = &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{SignaturePolicy: env}}
	}),
	collectionKind("a life of its own", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.BlockToLive = 7 }),
	collectionKind("members only", func(_ *Generator, c *commonpb.StaticCollectionConfig) { c.MemberOnlyRead = true }),
)
