package deepjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// maxDepth bounds how many messages may stand inside each other.
const maxDepth = 200

// Marshal gives the deep JSON of a message: keys sorted, indented with tabs, ending in a newline.
func Marshal(m proto.Message) ([]byte, error) { return marshal(m, scope{}) }

// MarshalOrg gives the deep JSON of an organization's group alone, as configtxgen -printOrg does.
func MarshalOrg(g *commonpb.ConfigGroup) ([]byte, error) {
	return marshal(g, scope{group: consortiumOrg})
}

// New makes an empty message of the named type, such as "common.Block".
func New(name string) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("message of type %s unknown", name)
	}
	return t.New().Interface(), nil
}

// Names lists the messages that New knows, sorted, but for Google's own.
func Names() []string {
	var names []string
	protoregistry.GlobalTypes.RangeMessages(func(t protoreflect.MessageType) bool {
		if d := t.Descriptor(); d.ParentFile().Package().Parent() != "google" && !d.IsMapEntry() {
			names = append(names, string(d.FullName()))
		}
		return true
	})
	slices.Sort(names)
	return names
}

func marshal(m proto.Message, s scope) ([]byte, error) {
	tree, err := expand(m, s, 0)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "\t")
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("encoding %s as JSON: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return b.Bytes(), nil
}

// expand makes the JSON tree of a message.
func expand(m proto.Message, s scope, depth int) (any, error) {
	r := m.ProtoReflect()
	name := r.Descriptor().FullName()
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: messages nest deeper than %d", name, maxDepth)
	}
	if t, ok := m.(*timestamppb.Timestamp); ok {
		return timeText(t)
	}
	tree := map[string]any{}
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !r.Has(field) && (field.ContainingOneof() != nil || sinceV2[field.FullName()]) {
			continue
		}
		v, err := expandField(r, field, s, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: field %s: %w", name, field.Name(), err)
		}
		tree[string(field.Name())] = v
	}
	if field, ok := gone[name]; ok {
		tree[field] = nil
	}
	return tree, nil
}

func expandField(r protoreflect.Message, field protoreflect.FieldDescriptor, s scope, depth int) (any, error) {
	v := r.Get(field)
	switch {
	case field.IsMap():
		out := map[string]any{}
		var failed error
		v.Map().Range(func(k protoreflect.MapKey, item protoreflect.Value) bool {
			out[k.String()], failed = expandValue(r, field, field.MapValue(), k.String(), item, s, depth)
			if failed != nil {
				failed = fmt.Errorf("key %s: %w", k.String(), failed)
			}
			return failed == nil
		})
		return out, failed
	case field.IsList():
		out := make([]any, v.List().Len())
		for i := range out {
			item, err := expandValue(r, field, field, "", v.List().Get(i), s, depth)
			if err != nil {
				return nil, fmt.Errorf("index %d: %w", i, err)
			}
			out[i] = item
		}
		return out, nil
	case field.Message() != nil && !r.Has(field):
		return nil, nil
	}
	return expandValue(r, field, field, "", v, s, depth)
}

// expandValue makes the JSON of one value. field is where it stands in r; kind describes the value (field itself, or a map's values).
func expandValue(r protoreflect.Message, field, kind protoreflect.FieldDescriptor, key string, v protoreflect.Value, s scope, depth int) (any, error) {
	switch kind.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		below, err := s.below(r.Interface(), field, key)
		if err != nil {
			return nil, err
		}
		return expand(v.Message().Interface(), below, depth+1)
	case protoreflect.BytesKind:
		return expandBytes(r, field, key, v.Bytes(), s, depth)
	case protoreflect.EnumKind:
		if value := kind.Enum().Values().ByNumber(v.Enum()); value != nil {
			return string(value.Name()), nil
		}
		return int32(v.Enum()), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return strconv.FormatInt(v.Int(), 10), nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return v.Interface(), nil
}

func expandBytes(r protoreflect.Message, field protoreflect.FieldDescriptor, key string, b []byte, s scope, depth int) (any, error) {
	if len(b) == 0 && !field.IsList() {
		if field.IsMap() || field.ContainingOneof() != nil {
			return "", nil
		}
		return nil, nil
	}
	held, err := s.holds(r.Interface(), field, key)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return base64.StdEncoding.EncodeToString(b), nil
	}
	m := held.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("its bytes are no %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return expand(m, scope{}, depth+1)
}

// timeText is a timestamp in RFC 3339 with 0, 3, 6 or 9 digits of fraction.
func timeText(t *timestamppb.Timestamp) (string, error) {
	if err := t.CheckValid(); err != nil {
		return "", err
	}
	at := t.AsTime()
	for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.000000Z"} {
		text := at.Format(layout)
		if back, err := time.Parse(time.RFC3339Nano, text); err == nil && back.Equal(at) {
			return text, nil
		}
	}
	return at.Format("2006-01-02T15:04:05.000000000Z"), nil
}
