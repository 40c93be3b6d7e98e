package archive

import (
	"archive/tar"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiff(t *testing.T) {
	plain := func(files ...File) []byte {
		b, err := Pack(files)
		require.NoError(t, err)
		return b
	}
	f := func(name, content string) File { return File{name, []byte(content)} }
	a := plain(f("src/cc/gone.go", "gone"), f("src/cc/main.go", "main"), f("src/cc/old.go", "moved"), f("src/cc/same.go", ""))
	b := plain(f("src/cc/main.go", "other main"), f("src/cc/new.go", "moved"), f("src/cc/more.go", "more"), f("src/cc/same.go", ""))
	changes, err := Diff(a, b)
	require.NoError(t, err)
	require.Equal(t, []Change{
		{"removed", "src/cc/gone.go", "4 bytes"},
		{"changed", "src/cc/main.go", "4 bytes, 10 bytes"},
		{"added", "src/cc/more.go", "4 bytes"},
		{"moved", "src/cc/old.go", "to src/cc/new.go"},
	}, changes)

	own := entry{tar.Header{Name: "src/x", Mode: 0o100644, Typeflag: tar.TypeReg, Uid: 500, Gid: 500, Uname: "anna", Gname: "staff"}, "x"}
	changes, err = Diff(plain(f("src/x", "x")), archiveOf(t, own))
	require.NoError(t, err)
	require.Equal(t, []Change{{"header", "src/x", "100644 500:500 root:root @0, 100644 500:500 anna:staff @0"}}, changes)

	changes, err = Diff(plain(f("src/x", ""), f("src/y", "")), plain(f("src/y", ""), f("src/x", "")))
	require.NoError(t, err)
	require.Empty(t, changes)
	_, err = Diff(a, []byte("junk"))
	require.ErrorContains(t, err, "gzip")
	changes, err = Diff(nil, plain(f("src/x", "")))
	require.NoError(t, err)
	require.Len(t, changes, 1)
}
