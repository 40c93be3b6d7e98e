package wire

import (
	"fmt"

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
	t := &translation{dropped: map[int]int{}}
	size, ok := t.message(b, d, depth)
	if !ok {
		return nil, false
	}
	if t.left == 0 {
		return b, true
	}
	out := make([]byte, 0, size)
	for i := 0; i < len(t.pieces); {
		if to, ok := t.dropped[i]; ok {
			i = to
			continue
		}
		out = append(out, t.pieces[i]...)
		i++
	}
	return out, true
}

// translation is a message in pieces, most of them of the original. They are put together once, in the end: what it costs must not grow with
// the depth at which something is left out, which is the sender's to choose.
type translation struct {
	pieces  [][]byte
	dropped map[int]int // pieces from the one to the other that a later field has replaced
	left    int         // how many fields were left out
}

// span is where the pieces of a field are, and how many bytes they have.
type span struct{ from, to, size int }

// message appends a message's pieces and returns their size.
func (t *translation) message(b []byte, d protoreflect.MessageDescriptor, depth int) (size int, ok bool) {
	if depth == 0 {
		return 0, false
	}
	run := b // begins with what is not in a piece yet
	take := func(rest []byte) {
		if n := len(run) - len(rest); n > 0 {
			t.pieces, size = append(t.pieces, run[:n]), size+n
		}
		run = rest
	}
	leave := func(field, rest []byte) {
		take(field)
		run = rest
		t.left++
	}
	chosen := map[protoreflect.OneofDescriptor]span{} // the last message of each oneof
	for rest := b; len(rest) > 0; {
		tag, n := protowire.ConsumeVarint(rest)
		if n < 0 || tag>>3 == 0 {
			return 0, false
		}
		typ := protowire.Type(tag & 7)
		length := valueSize(rest[n:], typ)
		if length < 0 {
			return 0, false
		}
		field := rest
		rest = rest[n+length:]
		var f protoreflect.FieldDescriptor
		if tag>>3 <= uint64(protowire.MaxValidNumber) {
			f = d.Fields().ByNumber(protowire.Number(tag >> 3))
		}
		switch {
		case f != nil && f.FullName() == "common.StaticCollectionConfig.endorsement_policy": // of Fabric 2
			leave(field, rest)
		case f == nil || typ == protowire.StartGroupType:
			if protowire.ConsumeFieldValue(protowire.Number(min(tag>>3, 1<<31-1)), typ, field[n:]) != length || tag>>3 > uint64(protowire.MaxValidNumber) {
				leave(field, rest)
			}
		case f.IsMap() && typ != protowire.BytesType:
			return 0, false
		case f.Message() != nil && !f.IsMap() && typ == protowire.BytesType:
			mark, before, sized := len(t.pieces), run, size
			take(field)
			whole, changed, ok := t.nested(field[:n+length], tag, n, f.Message(), depth-1)
			if !ok {
				return 0, false
			}
			oneof := f.ContainingOneof()
			if !changed && oneof == nil {
				t.pieces, run, size = t.pieces[:mark], before, sized
				continue
			}
			run, size = rest, size+whole.size
			if oneof != nil {
				if earlier, again := chosen[oneof]; again {
					t.dropped[earlier.from] = earlier.to
					size -= earlier.size
					t.left++
				}
				chosen[oneof] = whole
			}
		}
	}
	take(nil)
	return size, true
}

// nested appends the pieces of a field that holds a message; n is the length of its tag. What has not changed is one piece.
func (t *translation) nested(field []byte, tag uint64, n int, d protoreflect.MessageDescriptor, depth int) (whole span, changed, ok bool) {
	content, _ := protowire.ConsumeBytes(field[n:])
	from, left := len(t.pieces), t.left
	t.pieces = append(t.pieces, nil) // for tag and length
	size, ok := t.message(content, d, depth)
	if !ok {
		return span{}, false, false
	}
	if t.left == left {
		t.pieces = append(t.pieces[:from], field)
		return span{from, from + 1, len(field)}, false, true
	}
	head := protowire.AppendVarint(protowire.AppendVarint(nil, tag), uint64(size))
	t.pieces[from] = head
	return span{from, len(t.pieces), len(head) + size}, true, true
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
