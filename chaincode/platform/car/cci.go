package car

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// function is one function of an interface.
type function struct {
	name, param, result string // messages; param and result may be empty
	index               int
}

// maxNesting bounds how deep messages lie in messages.
const maxNesting = 32

// tokens are white space, comments, words, numbers, texts and signs.
var tokens = regexp.MustCompile(`^(?:[ \t\r\n]+|//[^\n]*|#[^\n]*|[A-Za-z_.][A-Za-z0-9_.]*|[0-9][0-9A-Za-z.+-]*|"[^"\n]*"|'[^'\n]*'|[{}()=;<>,\[\]-])`)

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	typeName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
)

var scalars = map[string]descriptorpb.FieldDescriptorProto_Type{
	"double": descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, "float": descriptorpb.FieldDescriptorProto_TYPE_FLOAT,
	"int32": descriptorpb.FieldDescriptorProto_TYPE_INT32, "int64": descriptorpb.FieldDescriptorProto_TYPE_INT64,
	"uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32, "uint64": descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	"sint32": descriptorpb.FieldDescriptorProto_TYPE_SINT32, "sint64": descriptorpb.FieldDescriptorProto_TYPE_SINT64,
	"fixed32": descriptorpb.FieldDescriptorProto_TYPE_FIXED32, "fixed64": descriptorpb.FieldDescriptorProto_TYPE_FIXED64,
	"sfixed32": descriptorpb.FieldDescriptorProto_TYPE_SFIXED32, "sfixed64": descriptorpb.FieldDescriptorProto_TYPE_SFIXED64,
	"bool": descriptorpb.FieldDescriptorProto_TYPE_BOOL, "string": descriptorpb.FieldDescriptorProto_TYPE_STRING,
	"bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES,
}

// parser reads an interface file: messages and enums as in proto3, and a block of functions. The first error ends it: from then on it is at
// the end of its words, so that every loop ends.
type parser struct {
	words     []string
	lines     []int // of the words
	next      int
	err       error
	functions []function
}

// parseInterface returns the messages of an interface file, whose types are not resolved yet, and its functions in order.
func parseInterface(src string) (*descriptorpb.FileDescriptorProto, []function, error) {
	p := &parser{}
	p.scan(src)
	file := &descriptorpb.FileDescriptorProto{Syntax: proto.String("proto3")}
	for p.more() {
		switch word := p.word(); word {
		case "message":
			file.MessageType = append(file.MessageType, p.message(0))
		case "enum":
			file.EnumType = append(file.EnumType, p.enum())
		case "functions":
			p.block(p.function)
		default:
			p.fail("want message, enum or functions, found %q", word)
		}
	}
	return file, p.functions, p.err
}

func (p *parser) scan(src string) {
	for line := 1; src != ""; {
		token := tokens.FindString(src)
		if token == "" {
			p.err = fmt.Errorf("line %d: unexpected %q", line, src[:1])
			p.words = nil
			return
		}
		if !strings.ContainsAny(token[:1], " \t\r\n#") && !strings.HasPrefix(token, "//") {
			p.words, p.lines = append(p.words, token), append(p.lines, line)
		}
		line += strings.Count(token, "\n")
		src = src[len(token):]
	}
}

func (p *parser) more() bool { return p.err == nil && p.next < len(p.words) }

func (p *parser) fail(format string, args ...any) {
	if p.err != nil {
		return
	}
	line := 1
	if len(p.lines) > 0 {
		line = p.lines[min(max(p.next-1, 0), len(p.lines)-1)]
	}
	p.err = fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
}

// word takes the next word; empty at the end.
func (p *parser) word() string {
	if !p.more() {
		p.fail("unexpected end")
		return ""
	}
	p.next++
	return p.words[p.next-1]
}

// take takes the next word if it is this one.
func (p *parser) take(word string) bool {
	if p.more() && p.words[p.next] == word {
		p.next++
		return true
	}
	return false
}

func (p *parser) want(word string) {
	if got := p.word(); got != word {
		p.fail("want %q, found %q", word, got)
	}
}

func (p *parser) name(kind *regexp.Regexp) string {
	word := p.word()
	if !kind.MatchString(word) {
		p.fail("want a name, found %q", word)
	}
	return word
}

func (p *parser) number() int32 {
	minus := p.take("-")
	word := p.word()
	n, err := strconv.ParseInt(word, 0, 32)
	if err != nil {
		p.fail("want a number, found %q", word)
	}
	if minus {
		n = -n
	}
	return int32(n)
}

// block reads what is in braces, entry by entry; stray semicolons are fine.
func (p *parser) block(entry func()) {
	p.want("{")
	for p.err == nil && !p.take("}") {
		if !p.take(";") {
			entry()
		}
	}
}

func (p *parser) message(depth int) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(p.name(identifier))}
	if depth > maxNesting {
		p.fail("messages are nested deeper than %d", maxNesting)
	}
	p.block(func() {
		switch {
		case p.take("message"):
			m.NestedType = append(m.NestedType, p.message(depth+1))
		case p.take("enum"):
			m.EnumType = append(m.EnumType, p.enum())
		case p.take("oneof"):
			index := int32(len(m.OneofDecl))
			m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String(p.name(identifier))})
			p.block(func() { p.field(m).OneofIndex = proto.Int32(index) })
		default:
			p.field(m)
		}
	})
	return m
}

// field reads a field into m and returns it.
func (p *parser) field(m *descriptorpb.DescriptorProto) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	m.Field = append(m.Field, f)
	switch {
	case p.take("repeated"):
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	case p.take("required"):
		p.fail("required fields do not exist in proto3, which chaintool makes of an interface")
	}
	if p.take("map") {
		p.mapField(m, f)
	} else {
		p.fieldType(f)
		f.Name = proto.String(p.name(identifier))
	}
	p.want("=")
	f.Number = proto.Int32(p.number())
	if p.take("[") { // options, which chaintool reads and ignores
		for p.err == nil && !p.take("]") {
			p.word()
		}
	}
	p.want(";")
	return f
}

func (p *parser) fieldType(f *descriptorpb.FieldDescriptorProto) {
	name := p.name(typeName)
	if t, ok := scalars[name]; ok {
		f.Type = t.Enum()
		return
	}
	f.TypeName = proto.String(name)
}

// mapField reads a map, which is a repeated message of a key and a value.
func (p *parser) mapField(m *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto) {
	optional := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	key := &descriptorpb.FieldDescriptorProto{Name: proto.String("key"), Number: proto.Int32(1), Label: optional}
	value := &descriptorpb.FieldDescriptorProto{Name: proto.String("value"), Number: proto.Int32(2), Label: optional}
	p.want("<")
	p.fieldType(key)
	p.want(",")
	p.fieldType(value)
	p.want(">")
	f.Name = proto.String(p.name(identifier))
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	entry := mapEntryName(f.GetName())
	f.TypeName = proto.String(entry)
	m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{
		Name: proto.String(entry), Field: []*descriptorpb.FieldDescriptorProto{key, value},
		Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
	})
}

// mapEntryName is the name that protoc gives the entries of a map.
func mapEntryName(field string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(field, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String() + "Entry"
}

func (p *parser) enum() *descriptorpb.EnumDescriptorProto {
	e := &descriptorpb.EnumDescriptorProto{Name: proto.String(p.name(identifier))}
	p.block(func() {
		v := &descriptorpb.EnumValueDescriptorProto{Name: proto.String(p.name(identifier))}
		p.want("=")
		v.Number = proto.Int32(p.number())
		p.want(";")
		e.Value = append(e.Value, v)
	})
	return e
}

// function reads `Result Name(Param) = 1;`.
func (p *parser) function() {
	f := function{result: p.name(identifier), name: p.name(identifier)}
	if f.result == "void" {
		f.result = ""
	}
	p.want("(")
	if !p.take(")") {
		f.param = p.name(identifier)
		p.want(")")
	}
	p.want("=")
	f.index = int(p.number())
	p.want(";")
	for _, g := range p.functions {
		if g.index == f.index || g.name == f.name {
			p.fail("functions %s and %s have the same name or number", g.name, f.name)
		}
	}
	p.functions = append(p.functions, f)
}
