package wire_test

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	_ "github.com/heddleledger/heddle/wire/etcdraftpb"
	_ "github.com/heddleledger/heddle/wire/kvrwsetpb"
	_ "github.com/heddleledger/heddle/wire/msppb"
	_ "github.com/heddleledger/heddle/wire/ordererpb"
	_ "github.com/heddleledger/heddle/wire/peerpb"
	_ "github.com/heddleledger/heddle/wire/querypb"
	_ "github.com/heddleledger/heddle/wire/rwsetpb"
)

// TestNamesAndNumbersStay holds everything that shows on the wire against testdata/schema.txt. A line that changes or goes is a break with
// every client, chaincode and ledger there is; new lines are for -rewrite.
func TestNamesAndNumbersStay(t *testing.T) {
	datadriven.RunTest(t, "testdata/schema.txt", func(t *testing.T, d *datadriven.TestData) string {
		require.Equal(t, "schema", d.Cmd)
		var lines []string
		for _, f := range files(t) {
			lines = append(lines, describe(f)...)
			for i := range f.Services().Len() {
				lines = append(lines, describeService(f.Services().Get(i))...)
			}
		}
		sort.Strings(lines)
		return strings.Join(lines, "\n") + "\n"
	})
}

func TestMarshalRefusesBadStrings(t *testing.T) {
	bad := &commonpb.ChannelHeader{ChannelId: "\xff"}
	_, err := wire.Marshal(bad)
	require.ErrorContains(t, err, "encoding common.ChannelHeader: ")
	require.Panics(t, func() { wire.MustMarshal(bad) })
}

// FuzzMessages decodes bytes as every message there is. What decodes has one encoding, which stays the same through another round.
func FuzzMessages(f *testing.F) {
	types := messageTypes(f)
	for _, m := range types {
		f.Add(wire.MustMarshal(filled(m, 4).Interface()))
	}
	f.Add(vectors.Read(f, "fabric-1.4", "chain", "5.block"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range types {
			once, ok := recode(t, m, raw)
			if !ok {
				continue
			}
			again, _ := recode(t, m, raw)
			require.Equal(t, once, again, "%s encodes in two ways", m.Descriptor().FullName())
			next, ok := recode(t, m, once)
			require.True(t, ok, "%s does not decode what it encoded", m.Descriptor().FullName())
			require.Equal(t, once, next, "%s changes its encoding", m.Descriptor().FullName())
		}
	})
}

// recode decodes raw and encodes the message twice; false if raw is not one.
func recode(t *testing.T, m protoreflect.MessageType, raw []byte) ([]byte, bool) {
	t.Helper()
	message := m.New().Interface()
	if proto.Unmarshal(raw, message) != nil {
		return nil, false
	}
	a, err := wire.Marshal(message)
	require.NoError(t, err)
	b, err := wire.Marshal(message)
	require.NoError(t, err)
	require.Equal(t, a, b, "%s encodes in two ways", m.Descriptor().FullName())
	return a, true
}

// filled is a message with something in every field, down to a depth.
func filled(t protoreflect.MessageType, depth int) protoreflect.Message {
	m := t.New()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch field := fields.Get(i); {
		case field.IsMap():
			if element := sample(field.MapValue(), func() protoreflect.Value { return m.Mutable(field).Map().NewValue() }, depth); element.IsValid() {
				m.Mutable(field).Map().Set(sample(field.MapKey(), nil, depth).MapKey(), element)
			}
		case field.IsList():
			element := func() protoreflect.Value { return m.Mutable(field).List().NewElement() }
			for range 2 {
				if v := sample(field, element, depth); v.IsValid() {
					m.Mutable(field).List().Append(v)
				}
			}
		default:
			if v := sample(field, func() protoreflect.Value { return m.NewField(field) }, depth); v.IsValid() {
				m.Set(field, v)
			}
		}
	}
	return m
}

// sample is a value for a field, made from its zero value where that is a message; not valid below the depth.
func sample(field protoreflect.FieldDescriptor, zero func() protoreflect.Value, depth int) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.MessageKind:
		if depth == 0 {
			return protoreflect.Value{}
		}
		return protoreflect.ValueOfMessage(filled(zero().Message().Type(), depth-1))
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(field.Name()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{0, 1, 0xff})
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-1)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-1)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(1 << 31)
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(1 << 63)
	}
	panic(fmt.Sprintf("no sample for fields of kind %s, such as %s", field.Kind(), field.FullName()))
}

// files are the descriptors of all .proto files below this folder.
func files(t testing.TB) []protoreflect.FileDescriptor {
	paths, err := filepath.Glob("*/*.proto")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var found []protoreflect.FileDescriptor
	for _, path := range paths {
		f, err := protoregistry.GlobalFiles.FindFileByPath("wire/" + filepath.ToSlash(path))
		require.NoError(t, err, "this test must import the package of every .proto file")
		found = append(found, f)
	}
	return found
}

func messageTypes(t testing.TB) []protoreflect.MessageType {
	var found []protoreflect.MessageType
	var walk func(protoreflect.MessageDescriptors)
	walk = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			d := messages.Get(i)
			if d.IsMapEntry() {
				continue
			}
			m, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
			require.NoError(t, err)
			found = append(found, m)
			walk(d.Messages())
		}
	}
	for _, f := range files(t) {
		walk(f.Messages())
	}
	return found
}

// container is what holds messages and enums: a file or a message.
type container interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
}

// describe gives a line per message, field and enum value.
func describe(c container) []string {
	var lines []string
	for i := range c.Messages().Len() {
		m := c.Messages().Get(i)
		if m.IsMapEntry() {
			continue
		}
		lines = append(lines, fmt.Sprintf("message %s", m.FullName()))
		for j := range m.Fields().Len() {
			lines = append(lines, describeField(m.Fields().Get(j)))
		}
		lines = append(lines, describe(m)...)
	}
	for i := range c.Enums().Len() {
		e := c.Enums().Get(i)
		for j := range e.Values().Len() {
			v := e.Values().Get(j)
			lines = append(lines, fmt.Sprintf("value %s.%s = %d", e.FullName(), v.Name(), v.Number()))
		}
	}
	return lines
}

func describeField(f protoreflect.FieldDescriptor) string {
	line := fmt.Sprintf("field %s.%s = %d: ", f.Parent().FullName(), f.Name(), f.Number())
	if f.IsMap() {
		return line + fmt.Sprintf("map of %s to %s", kind(f.MapKey()), kind(f.MapValue()))
	}
	line += fmt.Sprintf("%s %s", f.Cardinality(), kind(f))
	if f.IsPacked() {
		line += ", packed"
	}
	if o := f.ContainingOneof(); o != nil {
		line += fmt.Sprintf(", oneof %s", o.Name())
	}
	return line
}

func kind(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return fmt.Sprintf("message %s", f.Message().FullName())
	case protoreflect.EnumKind:
		return fmt.Sprintf("enum %s", f.Enum().FullName())
	default:
		return f.Kind().String()
	}
}

func describeService(s protoreflect.ServiceDescriptor) []string {
	stream := map[bool]string{true: "stream "}
	var lines []string
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		lines = append(lines, fmt.Sprintf("method %s.%s(%s%s) returns (%s%s)", s.FullName(), m.Name(),
			stream[m.IsStreamingClient()], m.Input().FullName(), stream[m.IsStreamingServer()], m.Output().FullName()))
	}
	return lines
}
