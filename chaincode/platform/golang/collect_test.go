package golang

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

const vectors = "../../../testdata/fabric-1.4/packages"

// TestCollectsWhatFabricCollects packages the sources that the 1.4.12 tools packaged, and expects their tar.
func TestCollectsWhatFabricCollects(t *testing.T) {
	gopath := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(gopath, "src"), os.DirFS(filepath.Join(vectors, "src", "go"))))
	for pkg, path := range map[string]string{
		"kv.unsigned.pkg":       "example.com/kv",
		"kv.unsigned.again.pkg": "example.com/kv/",
		"kv.otherpath.pkg":      "example.com/other/kv",
	} {
		spec := &peerpb.ChaincodeDeploymentSpec{}
		b, err := os.ReadFile(filepath.Join(vectors, pkg))
		require.NoError(t, err)
		require.NoError(t, proto.Unmarshal(b, spec))
		require.NoError(t, Validate(spec), pkg)
		mine, err := Collect(path, []string{"GOPATH=" + gopath})
		require.NoError(t, err, pkg)
		require.Equal(t, gunzip(t, spec.CodePackage), gunzip(t, mine), pkg)
		require.Equal(t, spec.CodePackage, mine, pkg)
		recorded, err := NormalizePath(path, []string{"GOPATH=" + gopath})
		require.NoError(t, err)
		require.Equal(t, spec.ChaincodeSpec.ChaincodeId.Path, recorded)
	}
}

func TestCollectDependsOnNamesAndContentsOnly(t *testing.T) {
	one := writeTree(t, map[string]string{"src/cc/main.go": "package main\n", "src/cc/a.json": "{}"})
	two := writeTree(t, map[string]string{"src/cc/a.json": "{}", "src/cc/main.go": "package main\n"})
	require.NoError(t, os.Chtimes(filepath.Join(two, "src/cc/main.go"), time.Unix(1, 0), time.Unix(1, 0)))
	require.NoError(t, os.Chmod(filepath.Join(two, "src/cc/main.go"), 0o700))
	a, err := Collect("cc", []string{"GOPATH=" + one})
	require.NoError(t, err)
	b, err := Collect("cc", []string{"GOPATH=" + two})
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestCollectsDependenciesAsFabricDoes(t *testing.T) {
	cgo := build.Default.CgoEnabled
	build.Default.CgoEnabled = false // as in a process that was started with CGO_ENABLED=0
	t.Cleanup(func() { build.Default.CgoEnabled = cgo })
	gopath := writeTree(t, map[string]string{
		"src/a/b/main.go": `package main
			import (
				_ "C"
				_ "fmt"
				_ "a/b/sub"
				_ "a/bc"
				_ "d"
				_ "e/inside"
				_ "github.com/hyperledger/fabric/core/chaincode/shim"
				_ "github.com/hyperledger/fabric/core/chaincode/shim/ext/cid"
			)`,
		"src/a/b/main_test.go":                            `package main; import _ "testonly"`,
		"src/a/b/notes.txt":                               "not packed",
		"src/a/b/conf.yaml":                               "packed",
		"src/a/b/unused/x.go":                             "package unused",
		"src/a/b/sub/x.go":                                `package sub; import _ "v"`,
		"src/a/b/vendor/v/v.go":                           "package v",
		"src/a/b/vendor/unused/v.go":                      "package unused",
		"src/a/bc/x.go":                                   "package bc",
		"src/a/vendor/e/inside/x.go":                      "package inside",
		"src/d/x.go":                                      `package d; import (_ "transitive"; _ "nowhere.example/x"; _ "net/http")`,
		"src/d/deep/x.go":                                 "package deep",
		"src/transitive/x.go":                             "package transitive",
		"src/testonly/x.go":                               "package testonly",
		"src/v/x.go":                                      "package shadowed",
		"src/a/b/META-INF/.hidden.json":                   "{}",
		"src/a/b/META-INF/ignored.txt":                    "",
		"src/a/b/META-INF/statedb/couchdb/indexes/i.json": `{"index":{"fields":["owner",{"size":"desc"}]},"ddoc":"d","name":"n","type":"json"}`,
		"src/github.com/hyperledger/fabric/core/chaincode/shim/shim.go": "package shim",
	})
	b, err := Collect("a/b", []string{"GOPATH=" + gopath})
	require.NoError(t, err)
	require.Equal(t, []string{
		"META-INF/statedb/couchdb/indexes/i.json",
		"src/a/b/conf.yaml",
		"src/a/b/main.go",
		"src/a/b/main_test.go",
		"src/a/b/sub/x.go",
		"src/a/b/vendor/d/x.go",
		"src/a/b/vendor/transitive/x.go",
		"src/a/b/vendor/v/v.go",
		"src/a/bc/x.go",
		"src/a/vendor/e/inside/x.go",
	}, names(t, b))
	require.NoError(t, Validate(specOf("a/b", b)))
}

func TestCollectsModules(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"go.mod":                  "// a module\nmodule  example.com/m // yes\n\ngo 1.20\n",
		"go.sum":                  "",
		"lib/lib.go":              "package lib",
		"cmd/cc/main.go":          "package main",
		"vendor/modules.txt":      "",
		"vendor/x.example/y/y.go": "package y",
		".git/config":             "",
		"cmd/cc/META-INF/statedb/couchdb/collections/c/indexes/i.json": `{"index":{"fields":["owner"]}}`,
	})
	env := []string{"GOPATH=" + t.TempDir()}
	recorded, err := NormalizePath(filepath.Join(dir, "cmd", "cc"), env)
	require.NoError(t, err)
	require.Equal(t, "example.com/m/cmd/cc", recorded)
	b, err := Collect(filepath.Join(dir, "cmd", "cc"), env)
	require.NoError(t, err)
	require.Equal(t, []string{
		"META-INF/statedb/couchdb/collections/c/indexes/i.json",
		"src/cmd/cc/main.go",
		"src/go.mod",
		"src/go.sum",
		"src/lib/lib.go",
		"src/vendor/modules.txt",
		"src/vendor/x.example/y/y.go",
	}, names(t, b))
	require.NoError(t, Validate(specOf(recorded, b)))
	t.Chdir(dir)
	recorded, err = NormalizePath(".", env)
	require.NoError(t, err)
	require.Equal(t, "example.com/m", recorded)
}

func TestCollectRefuses(t *testing.T) {
	gopath := writeTree(t, map[string]string{
		"src/empty/readme.txt":       "",
		"src/broken/main.go":         "package",
		"src/missing/main.go":        `package main; import _ "github.com/nobody/nothing"`,
		"src/meta/main.go":           "package main",
		"src/meta/META-INF/x/y.json": "{}",
	})
	env := []string{"GOPATH=" + gopath}
	for path, want := range map[string]string{
		"":                    "Cannot collect files from empty chaincode path",
		"nowhere":             "path to chaincode does not exist: " + filepath.Join(gopath, "src", "nowhere"),
		"..":                  "path to chaincode is not below " + filepath.Join(gopath, "src"),
		gopath:                "neither below GOPATH/src nor in a module",
		"http://x.example/cc": "not supported",
		"empty":               "Error obtaining imports: no buildable Go source files",
		"broken":              "Error obtaining imports",
		"missing":             `Error obtaining dependencies for github.com/nobody/nothing: cannot find package`,
		"meta":                "metadata file path or name is not supported: META-INF/x/",
	} {
		err := ValidatePath(path, env)
		if err == nil {
			_, err = Collect(path, env)
		}
		require.ErrorContains(t, err, want, path)
	}
	_, err := Collect("x", nil)
	require.ErrorContains(t, err, "there is no GOPATH to look in")
}

// writeTree writes files into a new folder.
func writeTree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, writeFile(filepath.Join(dir, name), []byte(content)))
	}
	return dir
}

func gunzip(t testing.TB, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return out
}

// names are the names in a package, and checks that they are in order once metadata is left out.
func names(t testing.TB, code []byte) []string {
	t.Helper()
	var got []string
	for r := tar.NewReader(bytes.NewReader(gunzip(t, code))); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		got = append(got, h.Name)
	}
	last := ""
	for _, n := range got {
		if !strings.HasPrefix(n, "META-INF/") {
			require.Less(t, last, n)
			last = n
		}
	}
	return got
}
