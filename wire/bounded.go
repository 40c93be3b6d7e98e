package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxParts is how many parts (messages, elements of lists and maps) a message may have to be decoded by Unmarshal. An empty part takes two
// bytes on the wire and up to a hundred in memory, so that a message of 100 MB, which gRPC lets through, could fill any machine.
const MaxParts = 100_000

// Unmarshal is UnmarshalAs14 for what a client sent. It refuses bytes that fall apart into more than MaxParts parts before anything is
// allocated for them.
func Unmarshal(b []byte, m proto.Message) error {
	if len(b) > 2*MaxParts { // else it cannot hold that many
		if d := m.ProtoReflect().Descriptor(); partsLeft(b, d, MaxParts, maxDepth) < 0 {
			return fmt.Errorf("%s has more than %d parts", d.FullName(), MaxParts)
		}
	}
	return UnmarshalAs14(b, m)
}

// maxDepth is how deep the decoder follows nested messages.
const maxDepth = 10_000

// partsLeft counts the parts of an encoded message down from left. It is negative as soon as there are too many. Bytes that are no message
// it leaves to the decoder to refuse.
func partsLeft(b []byte, d protoreflect.MessageDescriptor, left, depth int) int {
	for len(b) > 0 && left >= 0 && depth > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(number, typ, b)
		if size < 0 {
			break
		}
		f := d.Fields().ByNumber(number)
		switch {
		case f == nil: // an unknown field is kept as it is
		case f.Message() != nil && typ == protowire.BytesType:
			inner, _ := protowire.ConsumeBytes(b)
			left = partsLeft(inner, f.Message(), left-1, depth-1)
		case f.IsList() && typ == protowire.BytesType && f.Kind() != protoreflect.BytesKind && f.Kind() != protoreflect.StringKind:
			left -= size // packed numbers, of at least a byte each
		case f.IsList():
			left--
		}
		b = b[size:]
	}
	return left
}
