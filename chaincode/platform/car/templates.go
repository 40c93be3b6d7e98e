package car

// apiSource is the package by which the interfaces' packages and ccs know each other.
const apiSource = `// Package api ties the interfaces of a chaincode to what implements them. Generated.
package api

import (
	"fmt"

	"github.com/hyperledger/fabric/core/chaincode/shim"
)

// Function is a function of an interface, on encoded messages.
type Function func(stub shim.ChaincodeStubInterface, params []byte) ([]byte, error)

// Binder makes the functions of an interface, by number, of what implements it.
type Binder func(implementation interface{}) (map[int]Function, error)

var binders = map[string]Binder{}

// Provide makes an interface known.
func Provide(name string, b Binder) { binders[name] = b }

// Bind makes the functions of the interface called name.
func Bind(name string, implementation interface{}) (map[int]Function, error) {
	b, ok := binders[name]
	if !ok {
		return nil, fmt.Errorf("interface %s is not provided; add it to chaincode.yaml", name)
	}
	return b(implementation)
}
`

// ccsSource is the package that a chaincode's main function starts.
const ccsSource = `// Package ccs runs a chaincode that is made of interfaces. Generated.
package ccs

import (
	"regexp"
	"strconv"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	pb "github.com/hyperledger/fabric/protos/peer"
	"hyperledger/ccs/api"
)

// Interfaces are what implements each interface, by its name.
type Interfaces map[string]interface{}

// Start runs the chaincode until its peer ends it.
func Start(interfaces Interfaces) error {
	c, err := New(interfaces)
	if err != nil {
		return err
	}
	return shim.Start(c)
}

// New makes a chaincode of the interfaces. They may replace the one that tells about the chaincode.
func New(interfaces Interfaces) (shim.Chaincode, error) {
	c := chaincode{}
	for name, implementation := range interfaces {
		functions, err := api.Bind(name, implementation)
		if err != nil {
			return nil, err
		}
		c[name] = functions
	}
	if c[metaInterface] == nil {
		functions, err := api.Bind(metaInterface, &ChaincodeMetaData{})
		if err != nil {
			return nil, err
		}
		c[metaInterface] = functions
	}
	return c, nil
}

// chaincode has the functions of every interface by number.
type chaincode map[string]map[int]api.Function

// Init runs function 1 of appinit.
func (c chaincode) Init(stub shim.ChaincodeStubInterface) pb.Response {
	args := stub.GetArgs()
	if len(args) != 2 {
		return shim.Error("Expected exactly two arguments")
	}
	if string(args[0]) != "init" {
		return shim.Error("Function must be \"init\"")
	}
	if c["appinit"] == nil {
		return shim.Error("Init interface not found: Please define \"appinit\"")
	}
	return run(c["appinit"], 1, stub, args[1])
}

var functionName = regexp.MustCompile("([a-zA-Z0-9._]*)/fcn/([0-9]+)")

// Invoke runs the function that the first argument names, such as com.example.account/fcn/2; appinit is not among them.
func (c chaincode) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	args := stub.GetArgs()
	if len(args) == 0 {
		return shim.Error("Could not parse function name")
	}
	name := functionName.FindStringSubmatch(string(args[0]))
	if name == nil {
		return shim.Error("Could not parse function name")
	}
	functions, ok := c[name[1]]
	if !ok || name[1] == "appinit" {
		return shim.Error("Interface not found")
	}
	index, err := strconv.Atoi(name[2])
	if err != nil {
		return shim.Error("Could not convert function index")
	}
	var params []byte
	if len(args) > 1 {
		params = args[1]
	}
	return run(functions, index, stub, params)
}

func run(functions map[int]api.Function, index int, stub shim.ChaincodeStubInterface, params []byte) pb.Response {
	f, ok := functions[index]
	if !ok {
		return shim.Error("Received unknown function invocation")
	}
	result, err := f(stub, params)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(result)
}
`

// serverTemplate is what a provided interface asks of its implementation, and how it is called.
const serverTemplate = `// Generated.

package {{.Package}}

import (
	"fmt"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric/core/chaincode/shim"
	"hyperledger/ccs/api"
)

// CCInterface is {{.Name}}.
type CCInterface interface {
{{- range .Functions}}
	{{.Name}}(shim.ChaincodeStubInterface{{if .Param}}, *{{.Param}}{{end}}) {{if .Result}}(*{{.Result}}, error){{else}}error{{end}}
{{- end}}
}

func init() {
	api.Provide("{{.Name}}", func(implementation interface{}) (map[int]api.Function, error) {
		i, ok := implementation.(CCInterface)
		if !ok {
			return nil, fmt.Errorf("%T does not have the functions of interface {{.Name}}", implementation)
		}
		return functionsOf(i), nil
	})
}

func functionsOf(i CCInterface) map[int]api.Function {
	return map[int]api.Function{
{{- range .Functions}}
		{{.Index}}: func(stub shim.ChaincodeStubInterface, params []byte) ([]byte, error) {
			{{- if .Param}}
			in := &{{.Param}}{}
			if err := proto.Unmarshal(params, in); err != nil {
				return nil, fmt.Errorf("protobuf unmarshal error: %s", err)
			}
			{{- end}}
			{{- if .Result}}
			out, err := i.{{.Name}}(stub{{if .Param}}, in{{end}})
			if err != nil || out == nil {
				return nil, err
			}
			return proto.Marshal(out)
			{{- else}}
			return nil, i.{{.Name}}(stub{{if .Param}}, in{{end}})
			{{- end}}
		},
{{- end}}
	}
}

var _ = proto.Marshal // used by functions that take or return something
`

// clientTemplate calls a consumed interface of another chaincode.
const clientTemplate = `// Generated.

package {{.Package}}

import (
	"fmt"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric/core/chaincode/shim"
)

{{$name := .Name}}
{{range .Functions}}
// {{.Name}} calls the function of that name of the chaincode chaincodeName.
func {{.Name}}(stub shim.ChaincodeStubInterface, chaincodeName string{{if .Param}}, params *{{.Param}}{{end}}) {{if .Result}}(*{{.Result}}, error){{else}}error{{end}} {
	{{- if .Result}}
	result := &{{.Result}}{}
	if err := call(stub, chaincodeName, "{{$name}}/fcn/{{.Index}}", {{if .Param}}params{{else}}nil{{end}}, result); err != nil {
		return nil, err
	}
	return result, nil
	{{- else}}
	return call(stub, chaincodeName, "{{$name}}/fcn/{{.Index}}", {{if .Param}}params{{else}}nil{{end}}, nil)
	{{- end}}
}
{{end}}

func call(stub shim.ChaincodeStubInterface, chaincodeName, function string, params, result proto.Message) error {
	args := [][]byte{[]byte(function)}
	if params != nil {
		encoded, err := proto.Marshal(params)
		if err != nil {
			return err
		}
		args = append(args, encoded)
	}
	response := stub.InvokeChaincode(chaincodeName, args, "")
	if response.Status >= shim.ERROR {
		if response.Message == "" { // a call that did not get there is told in the payload
			response.Message = string(response.Payload)
		}
		return fmt.Errorf("RPC failure: %s", response.Message)
	}
	if result == nil {
		return nil
	}
	if err := proto.Unmarshal(response.Payload, result); err != nil {
		return fmt.Errorf("Error unmarshalling return value: %s", err)
	}
	return nil
}
`

// metadataTemplate answers what a chaincode is and which interfaces it has.
const metadataTemplate = `// Generated.

package ccs

import (
	"errors"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	"hyperledger/cci/org/hyperledger/chaintool/meta"
)

const metaInterface = "` + metaInterface + `"

// interfaces are the interface files, gzip.
var interfaces = []*meta.InterfaceDescriptor{
{{- range .Interfaces}}
	{Name: {{printf "%q" .Name}}, Data: []byte({{printf "%+q" (print (printf "%s" .Data))}})},
{{- end}}
}

var facts = &meta.Facts{Facts: []*meta.Facts_Fact{
{{- range .Facts}}
	{Name: {{printf "%q" .Name}}, Value: {{printf "%q" .Value}}},
{{- end}}
}}

// ChaincodeMetaData answers the meta interface.
type ChaincodeMetaData struct{}

// GetInterfaces lists the interfaces.
func (*ChaincodeMetaData) GetInterfaces(_ shim.ChaincodeStubInterface, params *meta.GetInterfacesParams) (*meta.Interfaces, error) {
	answer := &meta.Interfaces{}
	for _, i := range interfaces {
		d := &meta.InterfaceDescriptor{Name: i.Name}
		if params.IncludeContent {
			d.Data = i.Data
		}
		answer.Descriptors = append(answer.Descriptors, d)
	}
	return answer, nil
}

// GetInterface returns the file of one interface.
func (*ChaincodeMetaData) GetInterface(_ shim.ChaincodeStubInterface, params *meta.GetInterfaceParams) (*meta.InterfaceDescriptor, error) {
	for _, i := range interfaces {
		if i.Name == params.Name {
			return &meta.InterfaceDescriptor{Data: i.Data}, nil
		}
	}
	return nil, errors.New("Interface " + params.Name + " not found")
}

// GetFacts tells the name and the version of the chaincode.
func (*ChaincodeMetaData) GetFacts(shim.ChaincodeStubInterface, *meta.GetFactsParams) (*meta.Facts, error) {
	return facts, nil
}
`
