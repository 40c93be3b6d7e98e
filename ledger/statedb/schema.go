package statedb

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
)

// This file declares every key of the store. <name> stands for a name as uvarint length and bytes, which no other name is a prefix of.
//
//	key                                         value
//	'f'                                         format version: uvarint
//	'p'                                         savepoint: uvarint number of blocks applied
//	's' <namespace> key                         public state: a state value
//	'h' <namespace> <collection> key-hash       hashed private state: a state value, its value being the hash of the private one
//	'm' namespace                               empty; the namespace has had key metadata at least once
//	'y' <namespace> <key> block(8) tx(4)        empty; this transaction wrote or deleted the key (integers big-endian: oldest first)
//	'e' block(8) written(8) <namespace> <collection> key-hash
//	                                            empty; at this block the hashed entry expires, if block "written" still is its version
//	't' txid                                    transaction: uvarint block, uvarint index in the block, validation code (1 byte)
//	'T' txid, 64 hex digits as 32 bytes         the same
//	'b' header-hash                             uvarint number of the block
//
// A state value is: uvarint block, uvarint transaction (the version), uvarint length of metadata, metadata, value. Metadata is an encoded
// kvrwset.KVMetadataWrite without its key, as Fabric stores it.
const (
	formatVersion = 1

	prefixFormat    = 'f'
	prefixSavepoint = 'p'
	prefixPublic    = 's'
	prefixHashed    = 'h'
	prefixMetadata  = 'm'
	prefixHistory   = 'y'
	prefixExpiry    = 'e'
	prefixTxText    = 't'
	prefixTxHex     = 'T'
	prefixBlockHash = 'b'

	historySuffixSize = 12
	expiryPrefixSize  = 17
)

// Key names one entry of the world state.
type Key struct {
	Namespace  string
	Collection string // empty for public state
	Key        string // the key; in a collection, the raw SHA-256 of the private key
}

// Compare orders keys as they lie in the store, or nearly so.
func (k Key) Compare(other Key) int {
	return cmp.Or(strings.Compare(k.Collection, other.Collection), strings.Compare(k.Namespace, other.Namespace), strings.Compare(k.Key, other.Key))
}

// Version is the transaction that wrote a value: its block, and its place in the block counted from 0.
type Version struct {
	Block, Tx uint64
}

// Before says whether the transaction v comes before w in the chain.
func (v Version) Before(w Version) bool {
	return v.Block < w.Block || v.Block == w.Block && v.Tx < w.Tx
}

// Value is one entry's content.
type Value struct {
	Value    []byte
	Metadata []byte // encoded kvrwset.KVMetadataWrite without key; empty if there is none
	Version  Version
}

// Expiry says when a hashed entry goes away.
type Expiry struct {
	Key     Key
	At      uint64 // the block whose commit removes it
	Written uint64 // the block that wrote it; a later write has an expiry of its own
}

// TxLocation is where a transaction is, and how it was judged.
type TxLocation struct {
	Version
	Code uint8
}

func appendName(b []byte, name string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(name))), name...)
}

func appendStateKey(b []byte, k Key) []byte {
	if k.Collection == "" {
		return append(appendNamespace(b, k.Namespace), k.Key...)
	}
	return appendHashed(append(b, prefixHashed), k)
}

func appendHashed(b []byte, k Key) []byte {
	return append(appendName(appendName(b, k.Namespace), k.Collection), k.Key...)
}

// parseStateKey undoes appendStateKey.
func parseStateKey(b []byte) (k Key, err error) {
	if len(b) > 0 && b[0] == prefixHashed {
		return parseHashed(b[1:])
	}
	if len(b) == 0 || b[0] != prefixPublic {
		return Key{}, errDamaged
	}
	if k.Namespace, b, err = takeName(b[1:]); err != nil {
		return Key{}, err
	}
	k.Key = string(b)
	return k, nil
}

// parseHashed undoes appendHashed.
func parseHashed(b []byte) (k Key, err error) {
	if k.Namespace, b, err = takeName(b); err != nil {
		return Key{}, err
	}
	if k.Collection, b, err = takeName(b); err != nil {
		return Key{}, err
	}
	k.Key = string(b)
	return k, nil
}

func takeName(b []byte) (name string, rest []byte, err error) {
	var size uint64
	if b, err = takeUvarint(b, &size); err != nil || size > uint64(len(b)) {
		return "", nil, errDamaged
	}
	return string(b[:size]), b[size:], nil
}

// appendNamespace is the common prefix of the namespace's public keys.
func appendNamespace(b []byte, ns string) []byte { return appendName(append(b, prefixPublic), ns) }

func appendMetadataKey(b []byte, ns string) []byte { return append(append(b, prefixMetadata), ns...) }

// appendHistoryPrefix is the common prefix of one key's history.
func appendHistoryPrefix(b []byte, ns, key string) []byte {
	return appendName(appendName(append(b, prefixHistory), ns), key)
}

func appendHistoryKey(b []byte, ns, key string, v Version) []byte {
	b = binary.BigEndian.AppendUint64(appendHistoryPrefix(b, ns, key), v.Block)
	return binary.BigEndian.AppendUint32(b, uint32(v.Tx))
}

func parseHistorySuffix(b []byte) (Version, error) {
	if len(b) != historySuffixSize {
		return Version{}, errDamaged
	}
	return Version{Block: binary.BigEndian.Uint64(b), Tx: uint64(binary.BigEndian.Uint32(b[8:]))}, nil
}

// appendExpiryPrefix is the common prefix of what expires at a block.
func appendExpiryPrefix(b []byte, at uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixExpiry), at)
}

func appendExpiryKey(b []byte, e Expiry) []byte {
	return appendHashed(binary.BigEndian.AppendUint64(appendExpiryPrefix(b, e.At), e.Written), e.Key)
}

func parseExpiryKey(b []byte) (e Expiry, err error) {
	if len(b) < expiryPrefixSize || b[0] != prefixExpiry {
		return Expiry{}, errDamaged
	}
	e.At, e.Written = binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
	e.Key, err = parseHashed(b[expiryPrefixSize:])
	return e, err
}

func appendTxKey(b []byte, txid string) []byte {
	if len(txid) == 64 && strings.Trim(txid, "0123456789abcdef") == "" {
		if packed, err := hex.AppendDecode(append(b, prefixTxHex), []byte(txid)); err == nil {
			return packed
		}
	}
	return append(append(b, prefixTxText), txid...)
}

func appendBlockHashKey(b, hash []byte) []byte { return append(append(b, prefixBlockHash), hash...) }

func appendValue(b []byte, v Value) []byte {
	b = binary.AppendUvarint(b, v.Version.Block)
	b = binary.AppendUvarint(b, v.Version.Tx)
	b = binary.AppendUvarint(b, uint64(len(v.Metadata)))
	return append(append(b, v.Metadata...), v.Value...)
}

// parseValue decodes a state value. The slices of the result alias b.
func parseValue(b []byte) (v Value, err error) {
	var size uint64
	for _, n := range []*uint64{&v.Version.Block, &v.Version.Tx, &size} {
		if b, err = takeUvarint(b, n); err != nil {
			return Value{}, err
		}
	}
	if size > uint64(len(b)) {
		return Value{}, errDamaged
	}
	v.Metadata, v.Value = b[:size:size], b[size:]
	return v, nil
}

func appendTxLocation(b []byte, l TxLocation) []byte {
	b = binary.AppendUvarint(b, l.Block)
	b = binary.AppendUvarint(b, l.Tx)
	return append(b, l.Code)
}

func parseTxLocation(b []byte) (l TxLocation, err error) {
	for _, n := range []*uint64{&l.Block, &l.Tx} {
		if b, err = takeUvarint(b, n); err != nil {
			return TxLocation{}, err
		}
	}
	if len(b) != 1 {
		return TxLocation{}, errDamaged
	}
	l.Code = b[0]
	return l, nil
}

func parseNumber(b []byte) (n uint64, err error) {
	if b, err = takeUvarint(b, &n); err == nil && len(b) != 0 {
		err = errDamaged
	}
	return n, err
}

var errDamaged = errors.New("an entry does not decode: the state store is damaged; delete it, and it is made again from the block file")

func takeUvarint(b []byte, n *uint64) ([]byte, error) {
	v, size := binary.Uvarint(b)
	if size <= 0 {
		return nil, errDamaged
	}
	*n = v
	return b[size:], nil
}
