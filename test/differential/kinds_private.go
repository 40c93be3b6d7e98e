package differential

import (
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// hashed writes one key of a collection.
func (g *Generator) hashed(collection, key string) rwset.Collection {
	return rwset.Collection{Name: collection, PrivateHash: []byte(hashOf(key)), Hashed: &kvrwsetpb.HashedRWSet{
		HashedWrites: []*kvrwsetpb.KVWriteHash{{KeyHash: []byte(hashOf(key)), ValueHash: []byte(hashOf(key))}},
	}}
}

// privateKind is a good transaction that also writes a key of some collection nobody else writes, but for one change.
func privateKind(name string, change func(*Generator, *draft, *rwset.Collection)) kind {
	return kind{name: "collection: " + name, weight: 5, make: func(g *Generator) *draft {
		if !g.hasCollections() {
			return nil
		}
		d := g.fresh(name)
		c := g.hashed(oneOf(g, collectionAll, collectionOrg2, collectionBrief), g.unique("p"))
		change(g, d, &c)
		d.set.Namespaces[0].Collections = append(d.set.Namespaces[0].Collections, c)
		return d
	}}
}

func privateParameterKind(name string, change func(*Generator, *draft, *rwset.Collection)) kind {
	k := privateKind(name, change)
	k.level = keyLevel
	return k
}

// undefinedKind is one that writes to a collection which nobody defined. From V1_4_2 on the real peer looks for the private data of invalid
// transactions too, and panics.
func undefinedKind(name string, change func(*Generator, *draft, *rwset.Collection)) kind {
	k := privateKind(name, change)
	k.below = keepsInvalid
	return k
}

// privateKinds are about what the public set says of private data.
var privateKinds = []kind{
	privateKind("a write", func(*Generator, *draft, *rwset.Collection) {}),
	privateKind("no public write", func(_ *Generator, d *draft, _ *rwset.Collection) { d.set.Namespaces[0].KV.Writes = nil }),
	privateKind("no public write, endorsed by nobody", func(_ *Generator, d *draft, _ *rwset.Collection) {
		d.set.Namespaces[0].KV.Writes, d.endorsers = nil, nil
	}),
	undefinedKind("undefined", func(_ *Generator, d *draft, c *rwset.Collection) { c.Name, d.endorsers = "undefined", nil }),
	undefinedKind("without a name", func(_ *Generator, d *draft, c *rwset.Collection) { c.Name, d.endorsers = "", nil }),
	privateKind("without a hash of the private set", func(_ *Generator, _ *draft, c *rwset.Collection) { c.PrivateHash = nil }),
	privateKind("twice", func(g *Generator, d *draft, c *rwset.Collection) {
		d.set.Namespaces[0].Collections = append(d.set.Namespaces[0].Collections, g.hashed(c.Name, g.unique("p")))
	}),
	privateKind("a key hash of two bytes", func(_ *Generator, _ *draft, c *rwset.Collection) { c.Hashed.HashedWrites[0].KeyHash = garbage[:2] }),
	privateKind("an empty key hash", func(_ *Generator, _ *draft, c *rwset.Collection) { c.Hashed.HashedWrites[0].KeyHash = nil }),
	privateKind("an empty value hash", func(_ *Generator, _ *draft, c *rwset.Collection) { c.Hashed.HashedWrites[0].ValueHash = nil }),
	privateKind("a delete", func(_ *Generator, _ *draft, c *rwset.Collection) { c.Hashed.HashedWrites[0].IsDelete = true }),
	privateKind("a key twice", func(_ *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed.HashedWrites = append(c.Hashed.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: c.Hashed.HashedWrites[0].KeyHash, ValueHash: []byte("second")})
	}),
	privateKind("a read of a version that is not there", func(g *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed.HashedReads = []*kvrwsetpb.KVReadHash{{KeyHash: []byte(hashOf("absent")), Version: &kvrwsetpb.Version{BlockNum: 1}}}
	}),
	privateKind("a read of what is not there", func(g *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed.HashedReads = []*kvrwsetpb.KVReadHash{{KeyHash: []byte(hashOf("absent"))}}
	}),
	privateKind("only a read", func(g *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed, c.PrivateHash = &kvrwsetpb.HashedRWSet{HashedReads: []*kvrwsetpb.KVReadHash{g.sometimes().hashedRead("kv", c.Name, hashOf(commonKey(1)))}}, nil
	}),
	undefinedKind("of another chaincode", func(g *Generator, d *draft, c *rwset.Collection) {
		d.endorsers = d.endorsers[:1]
		d.set.Namespaces = append(d.set.Namespaces, rwset.Namespace{Name: "strict", KV: &kvrwsetpb.KVRWSet{}, Collections: []rwset.Collection{g.hashed(c.Name, g.unique("p"))}})
	}),
	undefinedKind("of a chaincode that does not exist", func(g *Generator, d *draft, c *rwset.Collection) {
		d.set.Namespaces = append(d.set.Namespaces, rwset.Namespace{Name: "nobody", KV: &kvrwsetpb.KVRWSet{}, Collections: []rwset.Collection{g.hashed(c.Name, g.unique("p"))}})
	}),
	privateKind("a hashed set that is garbage", func(_ *Generator, d *draft, _ *rwset.Collection) {
		edited(d, results, func(r *rwsetpb.TxReadWriteSet) { r.NsRwset[0].CollectionHashedRwset[0].HashedRwset = garbage })
	}),
	privateKind("nothing in it", func(_ *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed, c.PrivateHash = &kvrwsetpb.HashedRWSet{}, nil
	}),
	privateKind("a policy before there are any", func(g *Generator, d *draft, c *rwset.Collection) {
		if g.level < keyLevel {
			c.Hashed.MetadataWrites = []*kvrwsetpb.KVMetadataWriteHash{{KeyHash: c.Hashed.HashedWrites[0].KeyHash, Entries: g.parameter()}}
			if g.chance(50) {
				c.Hashed.HashedWrites, d.set.Namespaces[0].KV.Writes = nil, nil
			}
		}
	}),
	privateParameterKind("a new key and its policy", func(g *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed.MetadataWrites = []*kvrwsetpb.KVMetadataWriteHash{{KeyHash: c.Hashed.HashedWrites[0].KeyHash, Entries: g.parameter()}}
	}),
	privateParameterKind("a common key's policy", commonPrivateParameter),
	privateParameterKind("a common key's policy", commonPrivateParameter),
	undefinedKind("a policy in an undefined collection", func(g *Generator, d *draft, c *rwset.Collection) {
		c.Name, d.endorsers = "undefined", nil
		commonPrivateParameter(g, d, c)
	}),
	privateParameterKind("a policy of a key that is not there", func(g *Generator, _ *draft, c *rwset.Collection) {
		c.Hashed = &kvrwsetpb.HashedRWSet{MetadataWrites: []*kvrwsetpb.KVMetadataWriteHash{{KeyHash: []byte(hashOf(g.unique("absent"))), Entries: g.parameter()}}}
	}),
}

// commonPrivateParameter sets the policy of a key that others write.
func commonPrivateParameter(g *Generator, d *draft, c *rwset.Collection) {
	i := g.rand.IntN(commonKeys)
	if g.mayDelete(i) {
		return
	}
	hash := []byte(hashOf(commonKey(i)))
	c.Hashed = &kvrwsetpb.HashedRWSet{MetadataWrites: []*kvrwsetpb.KVMetadataWriteHash{{KeyHash: hash, Entries: g.parameter()}}}
	if g.chance(40) {
		c.Hashed.HashedWrites = []*kvrwsetpb.KVWriteHash{{KeyHash: hash, ValueHash: []byte(hashOf(g.unique("v")))}}
	}
	d.setsPolicies = true
}
