package car

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"go/format"
	"slices"
	"strings"

	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/heddleledger/heddle/template"
)

// metaInterface is the interface by which every chaincode made with chaintool tells what it is.
const metaInterface = "org.hyperledger.chaintool.meta"

const metaSource = `
message InterfaceDescriptor { string name = 1; bytes data = 2; }
message Interfaces { repeated InterfaceDescriptor descriptors = 1; }
message GetInterfacesParams { bool IncludeContent = 1; }
message GetInterfaceParams { string name = 1; }
message GetFactsParams {}
message Facts {
	message Fact { string name = 1; string value = 2; }
	repeated Fact facts = 1;
}
functions {
	Interfaces GetInterfaces(GetInterfacesParams) = 1;
	InterfaceDescriptor GetInterface(GetInterfaceParams) = 2;
	Facts GetFacts(GetFactsParams) = 3;
}
`

// generate makes the packages below hyperledger that a project imports, by file name. source returns an interface file.
func generate(c *config, source func(name string) ([]byte, bool)) (map[string][]byte, error) {
	generated := map[string][]byte{}
	names := slices.Concat(c.provides, c.consumes, []string{metaInterface})
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		src, ok := source(name)
		if name == metaInterface {
			src, ok = []byte(metaSource), true
		}
		if !ok {
			return nil, fmt.Errorf("the archive holds no src/interfaces/%s.cci", name)
		}
		i, err := newInterface(name, string(src))
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", name, err)
		}
		dir := i.Dir + "/"
		generated[dir+"interface.pb.go"] = i.messages
		if name == metaInterface || slices.Contains(c.provides, name) {
			if generated[dir+"server-stub.go"], err = render("server", serverTemplate, i); err != nil {
				return nil, fmt.Errorf("interface %s: %w", name, err)
			}
		}
		if slices.Contains(c.consumes, name) {
			if generated[dir+"client-stub.go"], err = render("client", clientTemplate, i); err != nil {
				return nil, fmt.Errorf("interface %s: %w", name, err)
			}
		}
	}
	generated["ccs/api/api.go"] = []byte(apiSource)
	generated["ccs/ccs.go"] = []byte(ccsSource)
	metadata, err := describe(c, source)
	if err == nil {
		generated["ccs/metadata.go"], err = render("metadata", metadataTemplate, metadata)
	}
	return generated, err
}

// iface is one interface as the templates see it.
type iface struct {
	Name, Dir, Package string
	Functions          []goFunction
	messages           []byte
}

// goFunction has Go's names of a function and of its messages.
type goFunction struct {
	Name, Param, Result string
	Index               int
}

func newInterface(name, src string) (*iface, error) {
	file, functions, err := parseInterface(src)
	if err != nil {
		return nil, err
	}
	if name == initInterface { // it has the one function, declared or not
		functions = []function{{name: "Init", param: "Init", index: 1}}
	}
	i := &iface{Name: name, Dir: "cci/" + strings.ReplaceAll(name, ".", "/")}
	file.Name = proto.String("hyperledger/" + i.Dir + "/interface.proto")
	file.Package = proto.String(name)
	file.Options = &descriptorpb.FileOptions{GoPackage: proto.String("hyperledger/" + i.Dir)}
	if err := resolve(file); err != nil {
		return nil, err
	}
	f, err := i.compile(file)
	if err != nil {
		return nil, err
	}
	goNames := map[string]string{"": ""}
	for _, m := range f.Messages {
		goNames[string(m.Desc.Name())] = m.GoIdent.GoName
	}
	i.Package = string(f.GoPackageName)
	for _, fn := range functions {
		param, known := goNames[fn.param]
		result, knownToo := goNames[fn.result]
		if !known || !knownToo {
			return nil, fmt.Errorf("function %s: %s or %s is no message of the interface", fn.name, fn.param, fn.result)
		}
		i.Functions = append(i.Functions, goFunction{fn.name, param, result, fn.index})
	}
	slices.SortFunc(i.Functions, func(a, b goFunction) int { return a.Index - b.Index })
	return i, nil
}

// compile has protobuf's own generator make Go of the messages. It is not made for input from outside: a panic of it is an error here.
func (i *iface) compile(file *descriptorpb.FileDescriptorProto) (f *protogen.File, err error) {
	defer func() {
		if e := recover(); e != nil {
			f, err = nil, fmt.Errorf("generating protobuf code: %v", e)
		}
	}()
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file.GetName()}, ProtoFile: []*descriptorpb.FileDescriptorProto{file}, Parameter: proto.String("paths=source_relative"),
	})
	if err != nil {
		return nil, err
	}
	f = plugin.FilesByPath[file.GetName()]
	internal_gengo.GenerateFile(plugin, f)
	answer := plugin.Response()
	if answer.Error != nil {
		return nil, errors.New(answer.GetError())
	}
	i.messages = []byte(answer.File[0].GetContent())
	return f, nil
}

// resolve finds the messages and enums that fields name, from the innermost message outwards.
func resolve(file *descriptorpb.FileDescriptorProto) error {
	known := map[string]descriptorpb.FieldDescriptorProto_Type{}
	for _, e := range file.EnumType {
		known[e.GetName()] = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	}
	_ = each(file.MessageType, "", func(m *descriptorpb.DescriptorProto, name string) error {
		known[name] = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		for _, e := range m.EnumType {
			known[name+"."+e.GetName()] = descriptorpb.FieldDescriptorProto_TYPE_ENUM
		}
		return nil
	})
	return each(file.MessageType, "", func(m *descriptorpb.DescriptorProto, scope string) error {
		for _, f := range m.Field {
			if f.TypeName == nil {
				continue
			}
			name, ok := lookUp(known, scope, f.GetTypeName())
			if !ok {
				return fmt.Errorf("type %q for field %q is not defined", f.GetTypeName(), f.GetName())
			}
			f.Type, f.TypeName = known[name].Enum(), proto.String("."+file.GetPackage()+"."+name)
		}
		return nil
	})
}

// lookUp finds the full name of what a message calls name.
func lookUp(known map[string]descriptorpb.FieldDescriptorProto_Type, scope, name string) (string, bool) {
	for {
		candidate := strings.TrimPrefix(scope+"."+name, ".")
		if _, ok := known[candidate]; ok {
			return candidate, true
		}
		if scope == "" {
			return "", false
		}
		scope = scope[:max(strings.LastIndex(scope, "."), 0)]
	}
}

// each visits all messages with their full names.
func each(messages []*descriptorpb.DescriptorProto, scope string, visit func(m *descriptorpb.DescriptorProto, name string) error) error {
	for _, m := range messages {
		name := strings.TrimPrefix(scope+"."+m.GetName(), ".")
		if err := visit(m, name); err != nil {
			return err
		}
		if err := each(m.NestedType, name, visit); err != nil {
			return err
		}
	}
	return nil
}

// metadata is what the meta interface answers.
type metadata struct {
	Interfaces []described
	Facts      []fact
}

type fact struct{ Name, Value string }

type described struct {
	Name string
	Data []byte // the interface file, gzip
}

func describe(c *config, source func(string) ([]byte, bool)) (*metadata, error) {
	m := &metadata{Facts: []fact{
		{"Application Name", c.Name}, {"Application Version", c.Version}, {"Platform", fmt.Sprintf("%s version %d", c.Platform.Name, c.Platform.Version)},
	}}
	for _, name := range c.provides {
		src, _ := source(name)
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(src)
		if err := errors.Join(err, w.Close()); err != nil {
			return nil, err
		}
		m.Interfaces = append(m.Interfaces, described{name, b.Bytes()})
	}
	return m, nil
}

// render fills in a template of Go's code.
func render(name, text string, data any) ([]byte, error) {
	t, err := template.Parse(name, text, nil)
	if err != nil {
		return nil, err
	}
	source, err := t.Execute(data)
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(source))
}
