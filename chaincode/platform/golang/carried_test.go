package golang

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/shimdeps/collect"
)

// TestArchiveIsWhatGoModPins fails when go.mod has moved on and deps.tar.gz has not: run make shim-deps.
func TestArchiveIsWhatGoModPins(t *testing.T) {
	pinned, err := collect.Files()
	require.NoError(t, err)
	packed, err := unpackDeps(depsArchive)
	require.NoError(t, err)
	require.Len(t, packed, len(pinned))
	for name, content := range pinned {
		require.Equal(t, string(content), string(packed[name]), "%s: run make shim-deps", name)
	}
	require.Less(t, len(depsArchive), 500_000)
}

func TestArchiveIsDeterministic(t *testing.T) {
	files, err := unpackDeps(depsArchive)
	require.NoError(t, err)
	a, err := collect.Archive(files)
	require.NoError(t, err)
	b, err := collect.Archive(files)
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestDamagedTreeIsReplaced(t *testing.T) {
	src, err := carried()
	require.NoError(t, err)
	dir := t.TempDir()
	gopath, err := src.materialize(dir)
	require.NoError(t, err)
	broken := filepath.Join(gopath, "src", heddleModule, "shim", "start.go")
	require.NoError(t, os.WriteFile(broken, []byte("package evil"), 0o644))
	again, err := src.materialize(dir)
	require.NoError(t, err)
	require.Equal(t, gopath, again)
	require.True(t, src.matches(gopath))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary is left")
}

func TestTreeLeavesOutTestsAndServices(t *testing.T) {
	src, err := carried()
	require.NoError(t, err)
	for name := range src.files {
		require.NotRegexp(t, `_test\.go$|_grpc\.pb\.go$|testdata`, name)
	}
	require.True(t, src.has("github.com/hyperledger/fabric/core/chaincode/shim"))
	require.False(t, src.has("github.com/hyperledger/fabric"))
}
