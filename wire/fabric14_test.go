package wire_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// field is a field of a message's encoding, with a number of any size.
func field(number uint64, typ protowire.Type, value ...byte) []byte {
	return append(protowire.AppendVarint(nil, number<<3|uint64(typ)), value...)
}

func bytesField(number uint64, value ...byte) []byte {
	return field(number, protowire.BytesType, protowire.AppendBytes(nil, value)...)
}

func joined(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestAs14 holds the decoding of odd bytes against what 1.4.12's peers made of such bytes in transactions (test/differential).
func TestAs14(t *testing.T) {
	name, endGroup := bytesField(1, 'a'), field(7, protowire.EndGroupType)
	cases := []struct {
		name string
		raw  []byte
		ok   bool
	}{
		{"an unknown field", joined(name, bytesField(1000, 'x')), true},
		{"an unknown field of the greatest number", joined(name, bytesField(1<<29-1, 'x')), true},
		{"a number beyond that", joined(bytesField(1<<29, 'x'), name), true},
		{"a number far beyond that", joined(name, field(1<<60, protowire.VarintType, 1)), true},
		{"a number beyond that, cut", joined(name, field(1<<29, protowire.BytesType, 5, 'x')), false},
		{"a group", joined(field(7, protowire.StartGroupType), field(1, protowire.VarintType, 1), endGroup, name), true},
		{"a group with another's end", joined(field(9, protowire.StartGroupType), endGroup, name), true},
		{"a group within, with another's end", joined(field(9, protowire.StartGroupType), field(8, protowire.StartGroupType), endGroup, endGroup, name), true},
		{"a group with a field of number 0", joined(field(7, protowire.StartGroupType), field(0, protowire.VarintType, 1), endGroup, name), true},
		{"a group without an end", joined(name, field(7, protowire.StartGroupType)), false},
		{"an end without a group", joined(name, endGroup), false},
		{"field number 0", joined(name, field(0, protowire.VarintType, 1)), false},
		{"wire type 6", joined(name, field(2, 6)), false},
		{"a field of another wire type", joined(field(1, protowire.VarintType, 1), name), true},
		{"not UTF-8", bytesField(1, 0xc3, 0x28), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, unmarshal := range []func([]byte, proto.Message) error{wire.UnmarshalAs14, wire.UnmarshalOneofsAs14, wire.Unmarshal} {
				m := &peerpb.ChaincodeEvent{}
				err := unmarshal(c.raw, m)
				require.Equal(t, c.ok, err == nil, err)
				if c.ok {
					require.Equal(t, "a", m.ChaincodeId)
				}
			}
		})
	}
}

// TestAs14Nested looks for the same inside a message's messages.
func TestAs14Nested(t *testing.T) {
	inner := joined(bytesField(1, 'k'), bytesField(1<<29, 'x'))
	set := &kvrwsetpb.KVRWSet{}
	require.NoError(t, wire.UnmarshalAs14(joined(bytesField(3, inner...), bytesField(3, bytesField(1, 'l')...)), set))
	require.Len(t, set.Writes, 2)
	require.Equal(t, "k", set.Writes[0].Key)
	require.Equal(t, "l", set.Writes[1].Key)
}

// TestAs14Oneofs: the last message of a oneof is the one that counts.
func TestAs14Oneofs(t *testing.T) {
	raw := func(keys ...byte) []byte {
		var reads []byte
		for _, k := range keys {
			reads = append(reads, bytesField(1, bytesField(1, k)...)...)
		}
		return bytesField(4, reads...)
	}
	query := &kvrwsetpb.RangeQueryInfo{}
	require.NoError(t, wire.UnmarshalOneofsAs14(joined(raw('a', 'b'), bytesField(1, 's'), raw('c')), query))
	require.Equal(t, "s", query.StartKey)
	require.Len(t, query.GetRawReads().KvReads, 1)
	require.Equal(t, "c", query.GetRawReads().KvReads[0].Key)

	require.NoError(t, wire.UnmarshalOneofsAs14(joined(raw('a'), bytesField(5), raw('b'), bytesField(5)), query))
	require.NotNil(t, query.GetReadsMerkleHashes())
	require.NoError(t, wire.UnmarshalOneofsAs14(joined(raw('a'), bytesField(5), raw('b')), query))
	require.Len(t, query.GetRawReads().KvReads, 1)
}

// TestAs14Deep: what is copied does not grow with the depth of a oneof times its size, nor with the depth at which one is replaced.
func TestAs14Deep(t *testing.T) {
	const depth, size = 4000, 64 << 10
	for name, leaf := range map[string][]byte{
		"kept":     bytesField(9, make([]byte, size)...),
		"replaced": joined(bytesField(2), bytesField(9, make([]byte, size)...), bytesField(2)),
	} {
		t.Run(name, func(t *testing.T) {
			raw := leaf
			for range depth {
				raw = bytesField(2, bytesField(2, raw...)...) // SignaturePolicy.n_out_of, NOutOf.rules
			}
			p := &commonpb.SignaturePolicy{}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.NoError(t, wire.UnmarshalOneofsAs14(raw, p))
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(depth*size/8))
		})
	}
}

// TestAs14Maps: a map that is encoded as something else does not decode, and what belongs to Fabric 2 is not looked at.
func TestAs14Maps(t *testing.T) {
	require.Error(t, wire.UnmarshalOneofsAs14(field(2, protowire.VarintType, 1), &peerpb.ChaincodeProposalPayload{}))
	c := &commonpb.StaticCollectionConfig{}
	require.NoError(t, wire.UnmarshalOneofsAs14(joined(bytesField(1, 'c'), bytesField(8, 0xff)), c))
	require.Equal(t, "c", c.Name)
}

// TestAs14Text: the strings of a chaincode's definition need not be UTF-8; what else is wrong with it still is.
func TestAs14Text(t *testing.T) {
	d := &peerpb.ChaincodeData{}
	raw := joined(bytesField(1, 'n'), bytesField(4, 0xc3, 0x28), bytesField(1<<29, 'x'), bytesField(5, 'p'))
	require.Error(t, wire.UnmarshalAs14(raw, d))
	require.NoError(t, wire.UnmarshalTextAs14(raw, d))
	require.Equal(t, "n", d.Name)
	require.Equal(t, "\xc3\x28", d.Vscc)
	require.Equal(t, []byte("p"), d.Policy)
	require.Error(t, wire.UnmarshalTextAs14(append(raw, 0), d))
}

func FuzzAs14(f *testing.F) {
	f.Add(joined(bytesField(1, 'a'), field(9, protowire.StartGroupType), field(7, protowire.EndGroupType)))
	f.Add(bytesField(3, joined(bytesField(1<<29, 'x'), bytesField(1, 'k'))...))
	f.Add(bytesField(2, joined(bytesField(4, bytesField(1)...), bytesField(4), bytesField(5))...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := append([]byte{}, raw...)
		today, as14, oneofs := &kvrwsetpb.KVRWSet{}, &kvrwsetpb.KVRWSet{}, &kvrwsetpb.KVRWSet{}
		if proto.Unmarshal(raw, today) == nil {
			require.NoError(t, wire.UnmarshalAs14(raw, as14), "1.4's library takes whatever today's takes")
			require.True(t, proto.Equal(today, as14))
			require.NoError(t, wire.UnmarshalOneofsAs14(raw, oneofs))
		} else {
			_ = wire.UnmarshalAs14(raw, as14)
			_ = wire.UnmarshalOneofsAs14(raw, oneofs)
		}
		require.Equal(t, before, raw)
		_ = wire.UnmarshalOneofsAs14(raw, &peerpb.ChaincodeProposalPayload{})
		_ = wire.UnmarshalTextAs14(raw, &peerpb.ChaincodeData{})
	})
}
