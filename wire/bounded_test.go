package wire_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestTooManyParts(t *testing.T) {
	many := func(part []byte, n int) []byte { return bytes.Repeat(part, n) }
	args := &peerpb.ChaincodeInput{}
	require.NoError(t, wire.Unmarshal(many([]byte{0x0a, 0x00}, wire.MaxParts), args))
	require.Len(t, args.Args, wire.MaxParts)
	require.ErrorContains(t, wire.Unmarshal(many([]byte{0x0a, 0x00}, wire.MaxParts+1), args), "protos.ChaincodeInput has more than 100000 parts")

	require.Error(t, wire.Unmarshal(many([]byte{0x12, 0x00}, wire.MaxParts+1), &commonpb.ConfigUpdateEnvelope{}), "messages in a list")

	group := &commonpb.ConfigGroup{Groups: map[string]*commonpb.ConfigGroup{"": {}}}
	for i := range 300 {
		group.Groups[string(rune('a'+i))] = &commonpb.ConfigGroup{Values: map[string]*commonpb.ConfigValue{}}
		for j := range 400 {
			group.Groups[string(rune('a'+i))].Values[string(rune('a'+j))] = &commonpb.ConfigValue{}
		}
	}
	nested, err := proto.Marshal(&commonpb.ConfigUpdate{WriteSet: group})
	require.NoError(t, err)
	require.Error(t, wire.Unmarshal(nested, &commonpb.ConfigUpdate{}), "entries of maps in maps")

	long, err := proto.Marshal(&peerpb.ChaincodeInput{Args: [][]byte{make([]byte, 1<<20), {1}}})
	require.NoError(t, err)
	require.NoError(t, wire.Unmarshal(long, args), "few parts may be as long as they like")
	require.Len(t, args.Args, 2)
}

// Whatever the bytes, Unmarshal agrees with the library except that it may find too many parts.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte{0x0a, 0x00})
	f.Add(bytes.Repeat([]byte{0x0a, 0x00}, wire.MaxParts+1))
	f.Add(bytes.Repeat([]byte{0x0b}, 3*wire.MaxParts))
	f.Add(append([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f}, make([]byte, 3*wire.MaxParts)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := &commonpb.ConfigUpdate{}, &commonpb.ConfigUpdate{}
		if err := wire.Unmarshal(b, ours); err == nil {
			require.NoError(t, proto.Unmarshal(b, theirs))
			require.True(t, proto.Equal(ours, theirs))
		}
	})
}
