package golang

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
)

// aliases maps the import paths chaincode uses to the carried packages they stand for, which are paths below heddleModule. The last element of an
// import path, or the one before a version, is the package's name.
var aliases = map[string]string{
	// Fabric 1.4
	"github.com/hyperledger/fabric/core/chaincode/shim":                "shim",
	"github.com/hyperledger/fabric/core/chaincode/shim/ext/cid":        "shim/cid",
	"github.com/hyperledger/fabric/core/chaincode/shim/ext/attrmgr":    "shim/attrmgr",
	"github.com/hyperledger/fabric/core/chaincode/shim/ext/statebased": "shim/statebased",
	"github.com/hyperledger/fabric/core/chaincode/shim/shimtest":       "shim/shimtest",
	"github.com/hyperledger/fabric/core/chaincode/lib/cid":             "shim/cid",
	"github.com/hyperledger/fabric/common/attrmgr":                     "shim/attrmgr",
	"github.com/hyperledger/fabric/common/util":                        "shim/util",
	"github.com/hyperledger/fabric/protos/common":                      "wire/commonpb",
	"github.com/hyperledger/fabric/protos/msp":                         "wire/msppb",
	"github.com/hyperledger/fabric/protos/peer":                        "wire/peerpb",
	"github.com/hyperledger/fabric/protos/ledger/queryresult":          "wire/querypb",
	"github.com/hyperledger/fabric/protos/ledger/rwset":                "wire/rwsetpb",
	"github.com/hyperledger/fabric/protos/ledger/rwset/kvrwset":        "wire/kvrwsetpb",
	// Fabric 2.x
	"github.com/hyperledger/fabric-chaincode-go/shim":              "shim",
	"github.com/hyperledger/fabric-chaincode-go/shimtest":          "shim/shimtest",
	"github.com/hyperledger/fabric-chaincode-go/pkg/cid":           "shim/cid",
	"github.com/hyperledger/fabric-chaincode-go/pkg/attrmgr":       "shim/attrmgr",
	"github.com/hyperledger/fabric-chaincode-go/pkg/statebased":    "shim/statebased",
	"github.com/hyperledger/fabric-protos-go/common":               "wire/commonpb",
	"github.com/hyperledger/fabric-protos-go/msp":                  "wire/msppb",
	"github.com/hyperledger/fabric-protos-go/peer":                 "wire/peerpb",
	"github.com/hyperledger/fabric-protos-go/ledger/queryresult":   "wire/querypb",
	"github.com/hyperledger/fabric-protos-go/ledger/rwset":         "wire/rwsetpb",
	"github.com/hyperledger/fabric-protos-go/ledger/rwset/kvrwset": "wire/kvrwsetpb",
	// Fabric 3.x
	"github.com/hyperledger/fabric-chaincode-go/v2/shim":                 "shim/v2",
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid":              "shim/cid",
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr":          "shim/attrmgr",
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/statebased":       "shim/statebased",
	"github.com/hyperledger/fabric-protos-go-apiv2/common":               "wire/commonpb",
	"github.com/hyperledger/fabric-protos-go-apiv2/msp":                  "wire/msppb",
	"github.com/hyperledger/fabric-protos-go-apiv2/peer":                 "wire/peerpb",
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult":   "wire/querypb",
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset":         "wire/rwsetpb",
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset": "wire/kvrwsetpb",
}

// addAliases adds to files a package of aliases for every entry of the table. Packages that several entries stand for are parsed once.
func addAliases(files map[string][]byte) error {
	exported := map[string]*exports{}
	for alias, target := range aliases {
		from := heddleModule + "/" + target
		if exported[from] == nil {
			e, err := exportsOf(files, from)
			if err != nil {
				return err
			}
			exported[from] = e
		}
		name := path.Base(alias)
		src, err := exported[from].aliasFile(name, from)
		if err != nil {
			return fmt.Errorf("aliases of %s: %w", alias, err)
		}
		files[alias+"/"+name+".go"] = src
	}
	return nil
}

// exports are the exported identifiers a package declares, in order.
type exports struct{ types, consts, vars []string }

// exportsOf parses the package at importPath. Functions count as variables: a variable that holds one is called in the same way.
func exportsOf(files map[string][]byte, importPath string) (*exports, error) {
	e := &exports{}
	found := false
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != importPath || !strings.HasSuffix(name, ".go") {
			continue
		}
		found = true
		f, err := parser.ParseFile(token.NewFileSet(), name, files[name], parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parsing carried source: %w", err)
		}
		for _, d := range f.Decls {
			e.add(d)
		}
	}
	if !found {
		return nil, fmt.Errorf("carried sources hold no package %s", importPath)
	}
	return e, nil
}

func (e *exports) add(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.IsExported() {
			e.vars = append(e.vars, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					e.types = append(e.types, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					switch {
					case !n.IsExported() || strings.HasPrefix(n.Name, "File_"): // descriptors of .proto files, named by our paths
					case d.Tok == token.CONST:
						e.consts = append(e.consts, n.Name)
					default:
						e.vars = append(e.vars, n.Name)
					}
				}
			}
		}
	}
}

// aliasFile is the source of a package called name whose identifiers are those of the package at from.
func (e *exports) aliasFile(name, from string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Package %s is %s under an import path that chaincode knows. Generated.\npackage %s\n\nimport of %q\n", name, from, name, from)
	for _, group := range []struct {
		keyword string
		names   []string
	}{{"type", e.types}, {"const", e.consts}, {"var", e.vars}} {
		if len(group.names) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s (\n", group.keyword)
		for _, n := range group.names {
			fmt.Fprintf(&b, "%s = of.%s\n", n, n)
		}
		b.WriteString(")\n")
	}
	return format.Source(b.Bytes())
}
