// Package rwset holds the read-write set of a transaction: parsed once from the bytes that endorsers signed, or built by a simulator into
// the bytes that Fabric 1.4 would have made.
//
// Invariants. A Set is never changed after Parse or Builder.Set. Its messages are those of the wire (kvrwset), never nil, and may still be
// hostile: versions may be absent, keys may repeat, a range query may carry no reads. Building sorts namespaces, collections, reads, writes
// and metadata entries bytewise and keeps range queries in the order in which their iterators were opened, so equal simulations give equal
// bytes.
package rwset

import (
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// Set is what one transaction read and wrote, per namespace (chaincode).
type Set struct {
	Namespaces []Namespace
}

// Namespace is the part of a set that belongs to one chaincode. The empty name is the channel configuration's.
type Namespace struct {
	Name        string
	KV          *kvrwsetpb.KVRWSet // public reads, range queries, writes and metadata writes
	Collections []Collection
}

// Collection is the hashed form of what a transaction did to one private data collection.
type Collection struct {
	Name        string
	Hashed      *kvrwsetpb.HashedRWSet
	PrivateHash []byte // SHA-256 of the private write set; empty when the transaction only read
}

// Parse decodes an encoded rwset.TxReadWriteSet together with the sets nested in it.
func Parse(b []byte) (*Set, error) {
	m := &rwsetpb.TxReadWriteSet{}
	if err := wire.UnmarshalInPlace(b, m); err != nil {
		return nil, fmt.Errorf("error unmarshaling TxReadWriteSet: %w", err)
	}
	s := &Set{Namespaces: make([]Namespace, len(m.NsRwset))}
	for i, n := range m.NsRwset {
		ns := Namespace{Name: n.GetNamespace(), KV: &kvrwsetpb.KVRWSet{}}
		if err := wire.UnmarshalInPlace(n.GetRwset(), ns.KV); err != nil {
			return nil, fmt.Errorf("error unmarshaling KVRWSet of namespace [%s]: %w", ns.Name, err)
		}
		if len(ns.KV.RangeQueriesInfo) > 0 { // what they read is a oneof
			ns.KV = &kvrwsetpb.KVRWSet{}
			if err := wire.UnmarshalOneofsAs14(n.GetRwset(), ns.KV); err != nil {
				return nil, fmt.Errorf("error unmarshaling KVRWSet of namespace [%s]: %w", ns.Name, err)
			}
		}
		for _, c := range n.GetCollectionHashedRwset() {
			coll := Collection{Name: c.GetCollectionName(), Hashed: &kvrwsetpb.HashedRWSet{}, PrivateHash: c.GetPvtRwsetHash()}
			if err := wire.UnmarshalAs14(c.GetHashedRwset(), coll.Hashed); err != nil {
				return nil, fmt.Errorf("error unmarshaling HashedRWSet of collection [%s:%s]: %w", ns.Name, coll.Name, err)
			}
			ns.Collections = append(ns.Collections, coll)
		}
		s.Namespaces[i] = ns
	}
	return s, nil
}

// Marshal encodes the set as a rwset.TxReadWriteSet. It fails only on keys or names that are not UTF-8.
func (s *Set) Marshal() ([]byte, error) {
	m := &rwsetpb.TxReadWriteSet{DataModel: rwsetpb.TxReadWriteSet_KV}
	for _, ns := range s.Namespaces {
		n := &rwsetpb.NsReadWriteSet{Namespace: ns.Name}
		var err error
		if n.Rwset, err = wire.Marshal(ns.KV); err != nil {
			return nil, err
		}
		for _, c := range ns.Collections {
			hashed, err := wire.Marshal(c.Hashed)
			if err != nil {
				return nil, err
			}
			n.CollectionHashedRwset = append(n.CollectionHashedRwset, &rwsetpb.CollectionHashedReadWriteSet{
				CollectionName: c.Name, HashedRwset: hashed, PvtRwsetHash: c.PrivateHash,
			})
		}
		m.NsRwset = append(m.NsRwset, n)
	}
	return wire.Marshal(m)
}
