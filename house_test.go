package heddle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/heddleledger/heddle/"

// storeys are the layers of the house from the cellar to the roof. A package may import packages of its own storey and of those below.
// A folder stands for everything in it, unless a longer path names a part of it.
var storeys = [][]string{
	{"wire", "shim"},
	{"config", "logging", "template", "version"},
	{"msp"},
	{"policy"},
	{"channelconfig", "comm"},
	{"ledger", "cryptogen"},
	{"chaincode", "plugin", "validation", "acl"},
	{"blocksync", "deliver"},
	{"channel"},
	{"admin", "chaincode/system", "endorser", "orderer", "operations"},
	{"client"},
	{"node"},
	{"localnet", "bench"},
	{"cli"},
	{"cmd"},
}

// outside lists folders that hold tests' helpers and generators, which may import anything and which only tests may import.
var outside = []string{"internal", "test", "samples", "testdata"}

// TestImportsOnlyGoDown keeps the layers that ARCHITECTURE.md describes.
func TestImportsOnlyGoDown(t *testing.T) {
	eachFile(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		from, ok := storeyOf(t, filepath.ToSlash(filepath.Dir(path)))
		if !ok {
			return
		}
		for _, i := range file.Imports {
			imported, _ := strconv.Unquote(i.Path.Value)
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to, ok := storeyOf(t, strings.TrimPrefix(imported, module))
			switch {
			case !ok:
				t.Errorf("%s imports %s, which is for tests only", path, imported)
			case to > from:
				t.Errorf("%s imports %s: imports only go down (storey %d to storey %d)", path, imported, from, to)
			}
		}
	})
}

// TestEveryPackageIsDocumented asks for one package doc per package, no more and no less.
func TestEveryPackageIsDocumented(t *testing.T) {
	docs := map[string][]string{}
	eachFile(t, func(path string, file *ast.File) {
		dir := filepath.Dir(path)
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(dir, "pb") {
			return
		}
		if _, ok := docs[dir]; !ok {
			docs[dir] = nil
		}
		if file.Doc != nil {
			docs[dir] = append(docs[dir], path)
		}
	})
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("package %s: want one package doc, found %d %v", dir, len(files), files)
		}
	}
}

func storeyOf(t *testing.T, dir string) (int, bool) {
	t.Helper()
	for _, o := range outside {
		if within(dir, o) {
			return 0, false
		}
	}
	best, storey := "", -1
	for n, names := range storeys {
		for _, name := range names {
			if within(dir, name) && len(name) > len(best) {
				best, storey = name, n
			}
		}
	}
	if dir == "." {
		return 0, true
	}
	if storey < 0 {
		t.Errorf("package %s has no storey: add it to the list above and to ARCHITECTURE.md", dir)
	}
	return storey, true
}

func within(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

func eachFile(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		visit(path, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
