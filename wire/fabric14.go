package wire

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// UnmarshalAs14 decodes b into m as the protobuf library of Fabric 1.4 would. All peers of a channel must agree on whether, and as what, the
// bytes of a transaction decode, and that library takes some bytes that today's refuses: unknown fields whose number is beyond the greatest
// one, and unknown groups that another field's end mark ends. (What it would keep of them nothing asks for.)
//
// It also lets the last of several messages of a oneof win, where today's merges them; for messages that have such a oneof anywhere, call
// UnmarshalOneofsAs14.
func UnmarshalAs14(b []byte, m proto.Message) error {
	err := proto.Unmarshal(b, m)
	if err == nil {
		return nil
	}
	if translated, ok := as14(b, m.ProtoReflect().Descriptor(), maxDepth); ok && len(translated) < len(b) {
		return proto.Unmarshal(translated, m)
	}
	return err
}

// UnmarshalOneofsAs14 is UnmarshalAs14 for messages that have a oneof with messages in it, or a map: a map that is encoded as something else
// is an error to 1.4's library, where today's passes over it.
func UnmarshalOneofsAs14(b []byte, m proto.Message) error {
	translated, ok := as14(b, m.ProtoReflect().Descriptor(), maxDepth)
	if ok {
		return proto.Unmarshal(translated, m)
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return err
	}
	return fmt.Errorf("%s has a field of another wire type than a map", m.ProtoReflect().Descriptor().FullName())
}

// UnmarshalTextAs14 is UnmarshalAs14 for messages whose strings 1.4 takes as they are, UTF-8 or not: those that it declares by hand, which is
// lscc's ChaincodeData. The message must be one without messages in it.
func UnmarshalTextAs14(b []byte, m proto.Message) error {
	err := UnmarshalAs14(b, m)
	if err == nil {
		return nil
	}
	rest, ok := as14(b, m.ProtoReflect().Descriptor(), 1)
	if !ok {
		return err
	}
	texts := map[protoreflect.FieldDescriptor]string{}
	var others []byte
	for len(rest) > 0 {
		number, typ, n := protowire.ConsumeTag(rest)
		size := protowire.ConsumeFieldValue(number, typ, rest[n:])
		f := m.ProtoReflect().Descriptor().Fields().ByNumber(number)
		if f != nil && f.Kind() == protoreflect.StringKind && typ == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(rest[n:])
			texts[f] = string(text)
		} else {
			others = append(others, rest[:n+size]...)
		}
		rest = rest[n+size:]
	}
	if err := proto.Unmarshal(others, m); err != nil {
		return err
	}
	for f, text := range texts {
		m.ProtoReflect().Set(f, protoreflect.ValueOfString(text))
	}
	return nil
}

// as14 leaves out of an encoded message what 1.4's library would pass over and today's would stumble upon. It returns b itself if there is
// nothing of the kind, and false if neither library decodes b.
func as14(b []byte, d protoreflect.MessageDescriptor, depth int) ([]byte, bool) {
	if depth == 0 {
		return nil, false
	}
	var out []byte // what precedes rest, once it differs from b
	differs := false
	chosen := map[protoreflect.OneofDescriptor]int{} // where in out the last message of a oneof begins
	keep := func(from, to []byte) {
		if differs {
			out = append(out, from[:len(from)-len(to)]...)
		}
	}
	start := func(rest []byte) {
		if !differs {
			differs, out = true, slices.Clone(b[:len(b)-len(rest)])
		}
	}
	for rest := b; len(rest) > 0; {
		tag, n := protowire.ConsumeVarint(rest)
		if n < 0 || tag>>3 == 0 {
			return nil, false
		}
		typ := protowire.Type(tag & 7)
		size := valueSize(rest[n:], typ)
		if size < 0 {
			return nil, false
		}
		field, after := rest, rest[n+size:]
		rest = after
		var f protoreflect.FieldDescriptor
		if tag>>3 <= uint64(protowire.MaxValidNumber) {
			f = d.Fields().ByNumber(protowire.Number(tag >> 3))
		}
		switch {
		case f != nil && f.FullName() == "common.StaticCollectionConfig.endorsement_policy": // of Fabric 2
			start(field)
		case f == nil || typ == protowire.StartGroupType:
			if protowire.ConsumeFieldValue(protowire.Number(min(tag>>3, 1<<31-1)), typ, field[n:]) != size || tag>>3 > uint64(protowire.MaxValidNumber) {
				start(field)
				continue
			}
			keep(field, after)
		case f.IsMap() && typ != protowire.BytesType:
			return nil, false
		case f.Message() != nil && !f.IsMap() && typ == protowire.BytesType:
			content, _ := protowire.ConsumeBytes(field[n:])
			inner, ok := as14(content, f.Message(), depth-1)
			if !ok {
				return nil, false
			}
			oneof := f.ContainingOneof()
			if len(inner) == len(content) && oneof == nil {
				keep(field, after)
				continue
			}
			start(field)
			if oneof != nil {
				if at, again := chosen[oneof]; again {
					out = dropField(out, at)
				}
				chosen[oneof] = len(out)
			}
			out = protowire.AppendBytes(protowire.AppendVarint(out, tag), inner)
		default:
			keep(field, after)
		}
	}
	if differs {
		return out, true
	}
	return b, true
}

// dropField takes the field that begins at an offset out of an encoded message.
func dropField(b []byte, at int) []byte {
	_, _, n := protowire.ConsumeField(b[at:])
	return append(b[:at], b[at+n:]...)
}

// valueSize is the length of a field's value; negative if there is none. A group may be ended by the end mark of any field.
func valueSize(b []byte, typ protowire.Type) int {
	if typ != protowire.StartGroupType {
		if typ == protowire.EndGroupType {
			return -1
		}
		return protowire.ConsumeFieldValue(1, typ, b)
	}
	size := 0
	for depth := 1; depth > 0; {
		tag, n := protowire.ConsumeVarint(b[size:])
		if n < 0 {
			return -1
		}
		size += n
		switch inner := protowire.Type(tag & 7); inner {
		case protowire.StartGroupType:
			depth++
		case protowire.EndGroupType:
			depth--
		default:
			m := protowire.ConsumeFieldValue(1, inner, b[size:])
			if m < 0 {
				return -1
			}
			size += m
		}
	}
	return size
}
