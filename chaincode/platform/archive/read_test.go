package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entry is one entry of a package under test.
type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Mode: 0o100644, Typeflag: tar.TypeReg}, content}
}

func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, e := range entries {
		e.Size = int64(len(e.content))
		require.NoError(t, w.WriteHeader(&e.Header))
		_, err := io.WriteString(w, e.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, gz.Close())
	return b.Bytes()
}

func TestHostileArchivesAreRefused(t *testing.T) {
	withType := func(typ byte, link string) entry {
		return entry{tar.Header{Name: "src/cc/x.go", Typeflag: typ, Linkname: link, Mode: 0o644}, ""}
	}
	withMode := func(mode int64) entry {
		return entry{tar.Header{Name: "src/cc/x.go", Typeflag: tar.TypeReg, Mode: mode}, "x"}
	}
	var bomb bytes.Buffer
	gz, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	require.NoError(t, err)
	w := tar.NewWriter(gz)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "src/cc/zeros", Mode: 0o644, Size: maxUnpackedBytes + 1}))
	_, err = w.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, gz.Close())
	good := archiveOf(t, file("src/cc/x.go", strings.Repeat("package main\n", 100)))

	for name, c := range map[string]struct {
		code []byte
		want string
	}{
		"not gzip":             {[]byte("hello"), "failure opening codepackage gzip stream"},
		"empty gzip":           {[]byte{0x1f, 0x8b}, "failure opening codepackage gzip stream"},
		"cut off":              {good[:len(good)-20], "reading code package"},
		"bad checksum":         {append(slices.Clone(good[:len(good)-8]), make([]byte, 8)...), "reading code package: gzip: invalid checksum"},
		"not tar":              {gzipped(t, "hello, this is no tar archive"), "reading code package"},
		"elsewhere":            {archiveOf(t, file("pkg/shady.a", "")), `illegal file detected in payload: "pkg/shady.a"`},
		"absolute":             {archiveOf(t, file("/src/cc/x.go", "")), `illegal file detected in payload: "/src/cc/x.go"`},
		"absolute, outside":    {archiveOf(t, file("/etc/passwd", "")), `illegal file detected in payload: "/etc/passwd"`},
		"parent":               {archiveOf(t, file("src/../../x", "")), `illegal file name detected in payload: "src/../../x"`},
		"parent in the middle": {archiveOf(t, file("src/cc/../x", "")), `illegal file name detected in payload: "src/cc/../x"`},
		"unclean":              {archiveOf(t, file("src//x", "")), `illegal file name detected in payload: "src//x"`},
		"backslash":            {archiveOf(t, file(`src/..\x`, "")), "illegal file name detected"},
		"twice":                {archiveOf(t, file("src/cc/x.go", "a"), file("src/cc/x.go", "b")), `"src/cc/x.go" occurs twice`},
		"file as folder":       {archiveOf(t, file("src/cc", "a"), file("src/cc/x.go", "b")), `illegal file name detected in payload: "src/cc/x.go", but "src/cc" is a file`},
		"folder as file":       {archiveOf(t, file("src/cc/x.go", "b"), file("src/cc", "a")), `"src/cc" occurs twice`},
		"symbolic link":        {archiveOf(t, withType(tar.TypeSymlink, "/etc/passwd")), `illegal file type detected for file src/cc/x.go: it is a symbolic link to "/etc/passwd"`},
		"hard link":            {archiveOf(t, withType(tar.TypeLink, "src/cc/y.go")), `file src/cc/x.go: it is a hard link to "src/cc/y.go"`},
		"device":               {archiveOf(t, withType(tar.TypeChar, "")), "file src/cc/x.go: it is the device 0:0"},
		"named pipe":           {archiveOf(t, withType(tar.TypeFifo, "")), "file src/cc/x.go: it is a named pipe"},
		"executable":           {archiveOf(t, withMode(0o100755)), "illegal file mode detected for file src/cc/x.go: 100755"},
		"set user id":          {archiveOf(t, withMode(0o104644)), "illegal file mode detected for file src/cc/x.go: 104644"},
		"bomb":                 {bomb.Bytes(), "code package unpacks to more than"},
		"bad index":            {archiveOf(t, file("META-INF/statedb/couchdb/indexes/i.json", "[]")), "invalid state database artifact: Index metadata file [META-INF/statedb/couchdb/indexes/i.json] is not a valid JSON"},
		"index elsewhere":      {archiveOf(t, file("META-INF/statedb/other/indexes/i.json", "{}")), "metadata file path or name is not supported: META-INF/statedb/other/indexes/i.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "in")
			err := Validate(c.code, nil)
			if err == nil {
				err = Unpack(c.code, dir)
			}
			require.ErrorContains(t, err, c.want)
			entries, err := os.ReadDir(filepath.Dir(dir))
			require.NoError(t, err)
			require.LessOrEqual(t, len(entries), 1, "nothing is written beside the folder")
		})
	}
	require.NoError(t, Validate(nil, nil), "development mode")
	folder := entry{tar.Header{Name: "src/cc/", Typeflag: tar.TypeDir, Mode: 0o040755}, ""}
	require.NoError(t, Validate(archiveOf(t, folder, file("src/cc/x.go", "")), nil), "2.x writes folders")
	require.NoError(t, Validate(archiveOf(t, file("src/cc/x.go", ""), folder, folder), nil), "once or more often")
}

func TestTooManyFiles(t *testing.T) {
	entries := make([]entry, maxFiles+1)
	for i := range entries {
		entries[i] = file(fmt.Sprint("src/", i), "")
	}
	require.ErrorContains(t, Validate(archiveOf(t, entries...), nil), "more than 50000 files")
}

func TestTooManyFolders(t *testing.T) {
	var entries []entry
	for i := range 2 * maxNames / 1000 {
		entries = append(entries, file(fmt.Sprintf("src/%d/%sx", i, strings.Repeat("d/", 1000)), ""))
	}
	require.ErrorContains(t, Validate(archiveOf(t, entries...), nil), "more than 100000 files and folders")
}

func FuzzPackage(f *testing.F) {
	f.Add(archiveOf(f, file("src/cc/main.go", "package main"), file("META-INF/statedb/couchdb/indexes/i.json", `{"index":{"fields":["a"]}}`)))
	f.Add(archiveOf(f, file("src/../x", "")))
	f.Add(gzipped(f, strings.Repeat("\x00", 1024)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, code []byte) {
		valid := Validate(code, nil) == nil
		if len(code) == 0 {
			require.True(t, valid)
			return
		}
		root := t.TempDir()
		if err := Unpack(code, filepath.Join(root, "in")); err == nil && !valid {
			// Only metadata can make a package that unpacks invalid.
			require.DirExists(t, filepath.Join(root, "in", "META-INF", "statedb"))
		}
		entries, err := os.ReadDir(root)
		require.NoError(t, err)
		require.LessOrEqual(t, len(entries), 1)
	})
}

func gzipped(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	_, err := io.WriteString(gz, s)
	require.NoError(t, err)
	require.NoError(t, gz.Close())
	return b.Bytes()
}
