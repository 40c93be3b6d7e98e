package tx

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// FuzzCanonicalEnvelope: it takes the canonical encodings, and only those, and reads them as the general decoder does.
func FuzzCanonicalEnvelope(f *testing.F) {
	long := make([]byte, 300)
	for _, e := range []*commonpb.Envelope{{}, {Payload: []byte("p")}, {Signature: []byte("s")}, {Payload: long, Signature: []byte("s")}} {
		f.Add(wire.MustMarshal(e))
	}
	for _, odd := range []string{
		"\x12\x01s\x0a\x01p", // in the wrong order
		"\x0a\x01p\x0a\x01q", // twice
		"\x0a\x00",           // empty
		"\x0a\x81\x00p",      // a length in two bytes that has room in one
		"\x0a\x02p",          // cut short
		"\x0a\x01p\x1a\x01u", // with an unknown field
		"\x8a\x00\x01p",      // a tag in two bytes
		"\x08\x01",           // another wire type
		"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01p", // longer than any message
	} {
		f.Add([]byte(odd))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, ok := CanonicalEnvelope(raw)
		e := &commonpb.Envelope{}
		canonical := proto.Unmarshal(raw, e) == nil && len(e.ProtoReflect().GetUnknown()) == 0 && string(wire.MustMarshal(e)) == string(raw)
		require.Equal(t, canonical, ok)
		if ok {
			require.True(t, proto.Equal(e, got))
		}
	})
}
