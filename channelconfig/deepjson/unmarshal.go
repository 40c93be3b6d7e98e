package deepjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire"
)

// Unmarshal reads deep JSON into m, which should be empty. Keys that m's type does not have are errors.
func Unmarshal(data []byte, m proto.Message) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return fmt.Errorf("error unmarshaling intermediate JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("error unmarshaling intermediate JSON: something follows the object")
	}
	return fold(tree, m, scope{}, 0)
}

// fold fills a message from its JSON tree. Fields that tell what other fields hold are read first.
func fold(tree any, m proto.Message, s scope, depth int) error {
	r := m.ProtoReflect()
	name := r.Descriptor().FullName()
	if depth > maxDepth {
		return fmt.Errorf("%s: messages nest deeper than %d", name, maxDepth)
	}
	if t, ok := m.(*timestamppb.Timestamp); ok {
		return foldTime(tree, t)
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: expected an object, got %s", name, kindOf(tree))
	}
	fields := r.Descriptor().Fields()
	var later []protoreflect.FieldDescriptor
	values := map[protoreflect.FieldNumber]any{}
	for _, key := range sortedKeys(object) {
		field := fields.ByName(protoreflect.Name(key))
		if field == nil {
			field = fields.ByJSONName(key)
		}
		if field == nil {
			if object[key] == nil && gone[name] == key {
				continue
			}
			return fmt.Errorf("%s: unknown field %q", name, key)
		}
		if object[key] == nil {
			continue
		}
		if _, twice := values[field.Number()]; twice {
			return fmt.Errorf("%s: field %s is given twice", name, field.Name())
		}
		values[field.Number()] = object[key]
		if one := field.ContainingOneof(); one != nil && r.WhichOneof(one) != nil {
			return fmt.Errorf("%s: only one of the fields of %s may be set", name, one.Name())
		}
		if waits(field) {
			later = append(later, field)
			continue
		}
		if err := foldField(object[key], r, field, s, depth); err != nil {
			return fmt.Errorf("%s: field %s: %w", name, field.Name(), err)
		}
	}
	for _, field := range later {
		if err := foldField(values[field.Number()], r, field, s, depth); err != nil {
			return fmt.Errorf("%s: field %s: %w", name, field.Name(), err)
		}
	}
	return nil
}

// waits tells whether what a field holds depends on its siblings.
func waits(field protoreflect.FieldDescriptor) bool {
	_, ok := dependsOn[field.FullName()]
	return ok || field.FullName() == "rwset.TxReadWriteSet.ns_rwset"
}

func foldField(tree any, r protoreflect.Message, field protoreflect.FieldDescriptor, s scope, depth int) error {
	switch {
	case field.IsMap():
		return foldMap(tree, r, field, s, depth)
	case field.IsList():
		items, ok := tree.([]any)
		if !ok {
			return fmt.Errorf("expected a list, got %s", kindOf(tree))
		}
		list := r.Mutable(field).List()
		for i, item := range items {
			v, err := foldValue(item, r, field, field, "", list.NewElement(), s, depth)
			if err != nil {
				return fmt.Errorf("index %d: %w", i, err)
			}
			list.Append(v)
		}
		return nil
	}
	v, err := foldValue(tree, r, field, field, "", r.NewField(field), s, depth)
	if err != nil {
		return err
	}
	r.Set(field, v)
	return nil
}

func foldMap(tree any, r protoreflect.Message, field protoreflect.FieldDescriptor, s scope, depth int) error {
	object, ok := tree.(map[string]any)
	if !ok {
		return fmt.Errorf("expected an object, got %s", kindOf(tree))
	}
	m := r.Mutable(field).Map()
	for _, key := range sortedKeys(object) {
		k, err := scalar(key, field.MapKey())
		if err != nil {
			return fmt.Errorf("key %s: %w", key, err)
		}
		v, err := foldValue(object[key], r, field, field.MapValue(), key, m.NewValue(), s, depth)
		if err != nil {
			return fmt.Errorf("key %s: %w", key, err)
		}
		m.Set(k.MapKey(), v)
	}
	return nil
}

// foldValue reads one value; empty is a new, mutable value of the kind wanted.
func foldValue(tree any, r protoreflect.Message, field, kind protoreflect.FieldDescriptor, key string, empty protoreflect.Value, s scope, depth int) (protoreflect.Value, error) {
	switch kind.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		below, err := s.below(r.Interface(), field, key)
		if err != nil {
			return empty, err
		}
		return empty, fold(tree, empty.Message().Interface(), below, depth+1)
	case protoreflect.BytesKind:
		b, err := foldBytes(tree, r, field, key, s, depth)
		return protoreflect.ValueOfBytes(b), err
	}
	return scalar(tree, kind)
}

func foldBytes(tree any, r protoreflect.Message, field protoreflect.FieldDescriptor, key string, s scope, depth int) ([]byte, error) {
	if text, ok := tree.(string); ok && text == "" {
		return nil, nil
	}
	held, err := s.holds(r.Interface(), field, key)
	if err != nil {
		return nil, err
	}
	if held == nil {
		text, ok := tree.(string)
		if !ok {
			return nil, fmt.Errorf("expected base64 text, got %s", kindOf(tree))
		}
		return base64.StdEncoding.DecodeString(text)
	}
	m := held.ProtoReflect().New().Interface()
	if err := fold(tree, m, scope{}, depth+1); err != nil {
		return nil, err
	}
	return wire.Marshal(m)
}

// scalar reads a number, text, truth value or enum value.
func scalar(tree any, kind protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	var none protoreflect.Value
	switch kind.Kind() {
	case protoreflect.BoolKind:
		if b, ok := tree.(bool); ok {
			return protoreflect.ValueOfBool(b), nil
		}
		return none, fmt.Errorf("expected true or false, got %s", kindOf(tree))
	case protoreflect.StringKind:
		if text, ok := tree.(string); ok {
			return protoreflect.ValueOfString(text), nil
		}
		return none, fmt.Errorf("expected text, got %s", kindOf(tree))
	case protoreflect.EnumKind:
		if text, ok := tree.(string); ok {
			if value := kind.Enum().Values().ByName(protoreflect.Name(text)); value != nil {
				return protoreflect.ValueOfEnum(value.Number()), nil
			}
			return none, fmt.Errorf("unknown value %q for enum %s", text, kind.Enum().FullName())
		}
		n, err := integer(tree, 32)
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)), err
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := integer(tree, 32)
		return protoreflect.ValueOfInt32(int32(n)), err
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, err := integer(tree, 64)
		return protoreflect.ValueOfInt64(n), err
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := natural(tree, 32)
		return protoreflect.ValueOfUint32(uint32(n)), err
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := natural(tree, 64)
		return protoreflect.ValueOfUint64(n), err
	}
	return none, fmt.Errorf("fields of kind %s are not supported", kind.Kind())
}

func integer(tree any, bits int) (int64, error) {
	text, err := digits(tree)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, bits)
}

func natural(tree any, bits int) (uint64, error) {
	text, err := digits(tree)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(text, 10, bits)
}

// digits takes a number, or the text of one.
func digits(tree any) (string, error) {
	switch v := tree.(type) {
	case json.Number:
		return v.String(), nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("expected a number, got %s", kindOf(tree))
}

func foldTime(tree any, t *timestamppb.Timestamp) error {
	text, ok := tree.(string)
	if !ok {
		return fmt.Errorf("expected a time, got %s", kindOf(tree))
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return err
	}
	t.Seconds, t.Nanos = at.Unix(), int32(at.Nanosecond())
	return t.CheckValid()
}

func kindOf(tree any) string {
	switch tree.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return "a truth value"
	}
	return "a number"
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
