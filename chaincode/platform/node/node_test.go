package node

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const vectors = "../../../testdata/fabric-1.4/packages"

// TestCollectsWhatFabricCollects packages the project that the 1.4.12 tools packaged, and expects their bytes.
func TestCollectsWhatFabricCollects(t *testing.T) {
	spec := &peerpb.ChaincodeDeploymentSpec{}
	b, err := os.ReadFile(filepath.Join(vectors, "kv-node.pkg"))
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, spec))
	require.NoError(t, Validate(spec.CodePackage))
	mine, err := Collect(filepath.Join(vectors, "src", "node") + "/")
	require.NoError(t, err)
	require.Equal(t, spec.CodePackage, mine)
}

func TestCollectRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := Collect("")
	require.EqualError(t, err, "ChaincodeSpec's path cannot be empty")
	_, err = Collect(filepath.Join(dir, "nowhere"))
	require.ErrorContains(t, err, "path to chaincode does not exist: ")
	_, err = Collect(dir)
	require.ErrorContains(t, err, "no source files found in")
	write(t, dir, map[string]string{"p/package.json": "{}", "p/.gitignore": "", "p/sub/node_modules/x.js": "", "secret": "s"})
	require.NoError(t, os.Symlink("package.json", filepath.Join(dir, "p", "link.json")))
	code, err := Collect(filepath.Join(dir, "p"))
	require.NoError(t, err)
	var names []string
	require.NoError(t, archive.Walk(code, func(name string, _ int64, _ io.Reader) error {
		names = append(names, name)
		return nil
	}))
	require.Equal(t, []string{"src/link.json", "src/package.json", "src/sub/node_modules/x.js"}, names)
	require.NoError(t, os.Symlink("../secret", filepath.Join(dir, "p", "out")))
	_, err = Collect(filepath.Join(dir, "p"))
	require.ErrorContains(t, err, "is a link to")
	require.ErrorContains(t, err, "not in the chaincode's folder")
}

func TestValidate(t *testing.T) {
	require.NoError(t, Validate(nil), "development mode")
	require.ErrorIs(t, Validate(pack(t, map[string]string{"src/lib/package.json": "{}"})), errNoManifest)
	require.ErrorContains(t, Validate(pack(t, map[string]string{"src/package.json": "{}", "bin/x": ""})), `illegal file detected in payload: "bin/x"`)
	require.ErrorContains(t, Validate([]byte("junk")), "gzip")
	require.NoError(t, Validate(pack(t, map[string]string{"src/package.json": "{}"})))
}

func FuzzManifest(f *testing.F) {
	for _, s := range []string{`{"scripts":{"start":"node index.js"}}`, `{"scripts":{"start":"a b"},"bin":{"a":"b"}}`, `{"bin":"x","name":"@a/x"}`, "null", "[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dir := t.TempDir()
		write(t, dir, map[string]string{"package.json": s, "node_modules/m/package.json": s})
		if p, err := Command(dir, "host:1", os.Environ()); err == nil {
			require.NotEmpty(t, p.Path)
		}
	})
}

func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var list []archive.File
	for name, content := range files {
		list = append(list, archive.File{Name: name, Content: []byte(content)})
	}
	slices.SortFunc(list, func(a, b archive.File) int { return strings.Compare(a.Name, b.Name) })
	b, err := archive.Pack(list)
	require.NoError(t, err)
	return b
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
}
