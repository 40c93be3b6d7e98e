package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Fields of one entry of the message that the commit hash covers: a message whose field 1 repeats these entries.
const (
	fieldEntry      = 1
	fieldNamespace  = 1
	fieldCollection = 2
	fieldKey        = 3
	fieldIsDelete   = 4
	fieldValue      = 5
	fieldVersion    = 6
)

// commitHash is the SHA-256 of: the number of codes as varint, the codes, the encoded updates, and the commit hash of the block before.
func commitHash(codes []peerpb.TxValidationCode, u *updates, previous []byte) []byte {
	b := protowire.AppendVarint(nil, uint64(len(codes)))
	for _, c := range codes {
		b = append(b, byte(c))
	}
	b = u.appendEncoded(b)
	b = append(b, previous...)
	sum := sha256.Sum256(b)
	return sum[:]
}

// appendEncoded encodes the updates: namespaces sorted, in each the public keys sorted, then the collections sorted, in each the key hashes
// sorted. Only the first entry of a namespace names it, and only the first of a collection names that. The channel's configuration, under the
// empty namespace, is left out: it holds maps, whose encoding differs from peer to peer.
func (u *updates) appendEncoded(b []byte) []byte {
	var entry []byte
	for _, name := range slices.Sorted(maps.Keys(u.namespaces)) {
		if name == "" {
			continue
		}
		ns := u.namespaces[name]
		keys := ns.sorted
		if !ns.isSorted {
			keys = sortedKeys(ns.public)
		}
		first := name
		for _, k := range keys {
			entry = appendEntry(entry[:0], first, "", k, ns.public[k])
			b = protowire.AppendBytes(protowire.AppendTag(b, fieldEntry, protowire.BytesType), entry)
			first = ""
		}
		for _, collection := range slices.Sorted(maps.Keys(ns.collections)) {
			group := ns.collections[collection]
			for _, k := range sortedKeys(group) {
				entry = appendEntry(entry[:0], first, collection, k, group[k])
				b = protowire.AppendBytes(protowire.AppendTag(b, fieldEntry, protowire.BytesType), entry)
				first, collection = "", ""
			}
		}
	}
	return b
}

func appendEntry(b []byte, ns, collection, key string, up *update) []byte {
	b = appendString(b, fieldNamespace, ns)
	b = appendString(b, fieldCollection, collection)
	b = appendString(b, fieldKey, key)
	if up.deleted {
		b = protowire.AppendVarint(protowire.AppendTag(b, fieldIsDelete, protowire.VarintType), 1)
	} else {
		b = protowire.AppendBytes(protowire.AppendTag(b, fieldValue, protowire.BytesType), up.Value.Value)
	}
	b = protowire.AppendTag(b, fieldVersion, protowire.BytesType)
	return protowire.AppendBytes(b, appendVersion(nil, up.Version))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

// appendVersion encodes block and transaction number, each as one length byte and big-endian bytes without leading zeros.
func appendVersion(b []byte, v statedb.Version) []byte {
	for _, n := range []uint64{v.Block, v.Tx} {
		size := (bits.Len64(n) + 7) / 8
		b = append(b, byte(size))
		full := binary.BigEndian.AppendUint64(nil, n)
		b = append(b, full[8-size:]...)
	}
	return b
}
