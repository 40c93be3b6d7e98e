package differential

import (
	"crypto/sha256"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// chaincode is one that the channel's first blocks instantiate.
type chaincode struct {
	name    string
	version string
	policy  []byte
	good    []*person // whose endorsements satisfy the policy
}

func (g *Generator) policy(expression string) []byte {
	env, err := policy.Parse(expression)
	require.NoError(g.t, err, expression)
	return wire.MustMarshal(env)
}

// rule makes a policy of a rule and its identities.
func rule(r *commonpb.SignaturePolicy, ids ...*msppb.MSPPrincipal) []byte {
	return wire.MustMarshal(&commonpb.SignaturePolicyEnvelope{Rule: r, Identities: ids})
}

func principal(class msppb.MSPPrincipal_Classification, m []byte) *msppb.MSPPrincipal {
	return &msppb.MSPPrincipal{PrincipalClassification: class, Principal: m}
}

// The names of the collections that chaincode kv has: for all organizations, for Org2 alone and for a few blocks.
const (
	collectionAll   = "all"
	collectionOrg2  = "org2"
	collectionBrief = "brief"
)

// begin instantiates the chaincodes, each under another kind of policy, and gives the first one keys.
func (g *Generator) begin() {
	p := g.people
	both, three := []*person{p.peer1, p.peer2}, []*person{p.peer1, p.peer2, p.peer3}
	member := func(mspID string) *msppb.MSPPrincipal {
		return principal(msppb.MSPPrincipal_ROLE, wire.MustMarshal(&msppb.MSPRole{MspIdentifier: mspID, Role: msppb.MSPRole_MEMBER}))
	}
	peer1 := principal(msppb.MSPPrincipal_IDENTITY, p.peer1.creator)
	ops := principal(msppb.MSPPrincipal_ORGANIZATION_UNIT, wire.MustMarshal(&msppb.OrganizationUnit{MspIdentifier: org1, OrganizationalUnitIdentifier: "ops"}))
	unit := principal(msppb.MSPPrincipal_ORGANIZATION_UNIT, wire.MustMarshal(&msppb.OrganizationUnit{MspIdentifier: org2, OrganizationalUnitIdentifier: "peer"}))
	anonymity := principal(msppb.MSPPrincipal_ANONYMITY, wire.MustMarshal(&msppb.MSPIdentityAnonymity{AnonymityType: 1}))
	combined := principal(msppb.MSPPrincipal_COMBINED, wire.MustMarshal(&msppb.CombinedPrincipal{Principals: []*msppb.MSPPrincipal{member(org2), unit}}))
	by, of := policy.SignedBy, policy.NOutOf
	g.chaincodes = []*chaincode{
		{name: "kv", policy: g.policy("OR('Org1MSP.peer', 'Org2MSP.peer')"), good: both},
		{name: "strict", policy: g.policy("AND('Org1MSP.peer', 'Org2MSP.peer')"), good: both},
		{name: "most", policy: g.policy("OutOf(2, 'Org1MSP.member', 'Org2MSP.member', 'Org3MSP.member')"), good: three},
		{name: "nested", policy: g.policy("OR(AND('Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.member'), AND('Org3MSP.admin', OutOf(1, 'Org1MSP.admin', 'Org2MSP.client')))"), good: three},
		{name: "any", policy: g.policy("OR('Org1MSP.member', 'Org2MSP.member', 'Org3MSP.member')"), good: three[2:]},
		{name: "twice", policy: g.policy("AND('Org1MSP.member', 'Org1MSP.member')"), good: []*person{p.peer1, p.user1}},
		{name: "peer-and-member", policy: g.policy("AND('Org1MSP.member', 'Org1MSP.peer')"), good: []*person{p.peer1, p.user1}},
		{name: "admins", policy: g.policy("AND('Org1MSP.admin', 'Org3MSP.admin')"), good: []*person{p.admin1, p.admin3}},
		{name: "orderers", policy: g.policy("OR('Org1MSP.orderer', 'OrdererMSP.member')"), good: []*person{p.orderer}},
		{name: "one-peer", policy: rule(by(0), peer1), good: both[:1]},
		{name: "unit", policy: rule(of(1, by(0), by(1)), ops, unit), good: both[1:]},
		{name: "combined", policy: rule(by(0), combined), good: both[1:]},
		{name: "anonymous", policy: rule(by(0), anonymity), good: both},
		{name: "nothing-asked", policy: rule(of(0)), good: nil},
		{name: "too-much-asked", policy: rule(of(1)), good: both},
		{name: "less-than-nothing", policy: rule(of(-1, by(0)), member(org1)), good: nil},
		{name: "out-of-bounds", policy: rule(of(1, by(1), by(0)), member(org1)), good: both},
		{name: "below-bounds", policy: rule(of(1, by(-1), by(0)), member(org1)), good: both},
		{name: "no-rule", policy: wire.MustMarshal(&commonpb.SignaturePolicyEnvelope{Identities: []*msppb.MSPPrincipal{member(org1)}}), good: both},
		{name: "empty-rule", policy: rule(&commonpb.SignaturePolicy{}, member(org1)), good: both},
		{name: "inner-empty-rule", policy: rule(of(1, by(0), &commonpb.SignaturePolicy{}), member(org1)), good: both},
		{name: "version-1", policy: wire.MustMarshal(&commonpb.SignaturePolicyEnvelope{Version: 1, Rule: by(0), Identities: []*msppb.MSPPrincipal{member(org1)}}), good: both},
		{name: "unknown-org", policy: rule(of(1, by(0), by(1)), member("Org9MSP"), member(org2)), good: both},
		{name: "unknown-role", policy: rule(of(1, by(0), by(1)), principal(msppb.MSPPrincipal_ROLE, wire.MustMarshal(&msppb.MSPRole{MspIdentifier: org1, Role: 77})), member(org2)), good: both},
		{name: "unknown-class", policy: rule(of(1, by(0), by(1)), principal(99, nil), member(org2)), good: both},
		{name: "garbage-principal", policy: rule(of(1, by(0), by(1)), principal(msppb.MSPPrincipal_ROLE, []byte{0xff}), member(org2)), good: both},
		{name: "garbage-policy", policy: []byte{0xff, 0xff}, good: both},
		{name: "twice-2-of", policy: rule(of(2, by(0), by(0), by(0)), member(org1)), good: []*person{p.peer1, p.user1}},
		{name: "backtrack", policy: rule(of(2, of(1, by(0), by(1)), by(0)), member(org1), member(org2)), good: both},
	}
	var first, second []made
	for i, c := range g.chaincodes {
		c.version = "1.0"
		d := g.deployment(deploy, c.name, c.version)
		d.data.Policy = c.policy
		d.args[0] = c.policy
		if i == 0 && g.level >= 1 {
			d.collections(g.collections()...)
		}
		first = append(first, g.finish(d.draft(g)))
	}
	g.order(first)
	for i := range 3 {
		d := g.fresh("many keys")
		kv := d.set.Namespaces[0].KV
		for k := range 50 {
			kv.Writes = append(kv.Writes, put(fmt.Sprintf("r%03d", i*50+k), "first"))
		}
		second = append(second, g.finish(d))
	}
	g.order(second)
}

// collections are those of chaincode kv.
func (g *Generator) collections() []*commonpb.CollectionConfig {
	all := g.collection(collectionAll, nil)
	org2Only := g.collection(collectionOrg2, func(c *commonpb.StaticCollectionConfig) {
		c.MemberOrgsPolicy = g.members("OR('Org2MSP.member')")
	})
	brief := g.collection(collectionBrief, func(c *commonpb.StaticCollectionConfig) { c.BlockToLive = 3 })
	return []*commonpb.CollectionConfig{all, org2Only, brief}
}

// hasCollections tells whether kv has its collections yet.
func (g *Generator) hasCollections() bool {
	_, has := g.now().values[lsccKey("kv~collection")]
	return has
}

func (g *Generator) members(expression string) *commonpb.CollectionPolicyConfig {
	env, err := policy.Parse(expression)
	require.NoError(g.t, err)
	return &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{SignaturePolicy: env}}
}

func (g *Generator) collection(name string, change func(*commonpb.StaticCollectionConfig)) *commonpb.CollectionConfig {
	c := &commonpb.StaticCollectionConfig{Name: name, MaximumPeerCount: 1, MemberOrgsPolicy: g.members("OR('Org1MSP.member', 'Org2MSP.member', 'Org3MSP.member')")}
	if change != nil {
		change(c)
	}
	return &commonpb.CollectionConfig{Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: c}}
}

// fresh is a good transaction of chaincode kv that writes one key nobody else knows.
func (g *Generator) fresh(kind string) *draft {
	kv := g.chaincodes[0]
	return &draft{
		kind: kind, creator: g.people.user1, nonce: g.nonce(), chaincode: kv.name, version: kv.version,
		args: [][]byte{[]byte("put")}, endorsers: []*person{g.people.peer1, g.people.peer2},
		set: &rwset.Set{Namespaces: []rwset.Namespace{g.namespace(kv.name, put(g.unique("u"), "v"))}},
	}
}

// namespace is a set of writes, with the read of the chaincode's definition that every simulation leaves.
func (g *Generator) namespace(name string, writes ...*kvrwsetpb.KVWrite) rwset.Namespace {
	return rwset.Namespace{Name: name, KV: &kvrwsetpb.KVRWSet{Writes: writes}}
}

func put(key, value string) *kvrwsetpb.KVWrite {
	return &kvrwsetpb.KVWrite{Key: key, Value: []byte(value)}
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}

// commonKeys is how many keys of a namespace, and of a collection, the transactions have in common.
const commonKeys = 12

// mayDelete parts the common keys of a block into those that are deleted and those that are given policies: see the package's doc.
func (g *Generator) mayDelete(key int) bool { return (key+len(g.blocks))%2 == 0 }

func commonKey(i int) string { return fmt.Sprintf("k%02d", i) }

// work is what an honest client might do with some chaincode's common keys. Now and then it is late, or short of endorsements.
func (g *Generator) work() *draft {
	c := g.chaincodes[0]
	if g.chance(60) {
		c = oneOf(g, g.chaincodes...)
	}
	d := g.fresh("work")
	d.chaincode, d.version = c.name, c.version
	d.endorsers = append([]*person{}, c.good...)
	v := g.sometimes()
	ns := rwset.Namespace{Name: c.name, KV: &kvrwsetpb.KVRWSet{}}
	for range 1 + g.rand.IntN(3) {
		g.operate(v, d, &ns)
	}
	if c.name == "kv" && g.hasCollections() && g.chance(30) {
		g.private(v, &ns)
	}
	d.set = &rwset.Set{Namespaces: []rwset.Namespace{{Name: "lscc", KV: &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{v.read("lscc", c.name)}}}, ns}}
	if g.chance(10) {
		d.event = &peerpb.ChaincodeEvent{ChaincodeId: c.name, EventName: "done"}
	}
	if g.chance(10) {
		d.creator = oneOf(g, g.people.admin1, g.people.user2, g.people.peer3, g.people.ordererUser)
	}
	if g.chance(20) {
		d.endorsers = g.someEndorsers()
	}
	return d
}

// operate adds one operation on a common key.
func (g *Generator) operate(v *view, d *draft, ns *rwset.Namespace) {
	kv := ns.KV
	i := g.rand.IntN(commonKeys)
	key := commonKey(i)
	for _, w := range kv.Writes {
		if w.Key == key {
			return
		}
	}
	switch {
	case g.chance(25):
		kv.Reads = append(kv.Reads, v.read(ns.Name, key))
	case g.chance(15):
		start, end := commonKey(g.rand.IntN(commonKeys)), commonKey(g.rand.IntN(commonKeys))
		if ns.Name == "kv" && g.chance(50) {
			start, end = fmt.Sprintf("r%03d", g.rand.IntN(140)), "r~"
		}
		kv.RangeQueriesInfo = append(kv.RangeQueriesInfo, g.rangeQuery(v, ns.Name, start, end, oneOf(g, 3, 20, 500), oneOf(g, uint32(2), 3, 7, 50)))
	case g.mayDelete(i) && g.chance(30):
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: key, IsDelete: true})
	case !g.mayDelete(i) && g.chance(25):
		kv.MetadataWrites = append(kv.MetadataWrites, &kvrwsetpb.KVMetadataWrite{Key: key, Entries: g.parameter()})
		d.setsPolicies = true
		if g.chance(50) {
			kv.Writes = append(kv.Writes, put(key, g.unique("value")))
		}
	default:
		if g.chance(40) {
			kv.Reads = append(kv.Reads, v.read(ns.Name, key))
		}
		kv.Writes = append(kv.Writes, put(key, g.unique("value")))
	}
}

// private adds operations on one of kv's collections.
func (g *Generator) private(v *view, ns *rwset.Namespace) {
	h := &kvrwsetpb.HashedRWSet{}
	c := rwset.Collection{Name: oneOf(g, collectionAll, collectionOrg2, collectionBrief), Hashed: h}
	for range 1 + g.rand.IntN(2) {
		i := g.rand.IntN(commonKeys)
		hash := hashOf(commonKey(i))
		switch {
		case g.chance(30):
			h.HashedReads = append(h.HashedReads, v.hashedRead(ns.Name, c.Name, hash))
		case g.mayDelete(i) && g.chance(30):
			h.HashedWrites = append(h.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: []byte(hash), IsDelete: true})
		default:
			h.HashedWrites = append(h.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: []byte(hash), ValueHash: []byte(hashOf(g.unique("value")))})
		}
	}
	if len(h.HashedWrites) > 0 {
		c.PrivateHash = []byte(hashOf(g.unique("private")))
	}
	ns.Collections = append(ns.Collections, c)
}

// parameter is metadata that sets a key's policy, mostly one that can be satisfied; or takes it away.
func (g *Generator) parameter() []*kvrwsetpb.KVMetadataEntry {
	if g.chance(20) {
		return nil
	}
	value := oneOf(g, g.chaincodes...).policy
	if g.chance(60) {
		value = oneOf(g, g.chaincodes[:5]...).policy
	}
	return []*kvrwsetpb.KVMetadataEntry{{Name: peerpb.MetaDataKeys_VALIDATION_PARAMETER.String(), Value: value}}
}

// someEndorsers are any number of people, in any order, perhaps more than once.
func (g *Generator) someEndorsers() []*person {
	p := g.people
	all := append([]*person{p.peer1, p.peer2, p.peer3, p.user1, p.admin1, p.user2, p.admin2, p.admin3, p.orderer, p.peer1, p.peer2}, p.odd...)
	var some []*person
	for range g.rand.IntN(5) {
		some = append(some, oneOf(g, all...))
	}
	return some
}
