package car

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

const sample = "../../../samples/_car/account"

// project is a small project; edit changes one of its files, or takes it away.
func project(edit ...string) []archive.File {
	files := map[string]string{
		configName:                          "Schema: 1\nName: com.example.cc\nVersion: 0.1-SNAPSHOT\nPlatform:\n  Name: org.hyperledger.chaincode.golang\n  Version: 1\nProvides: [[self]]\n",
		"src/chaincode/main.go":             "package main\n",
		"src/interfaces/appinit.cci":        "message Init {}",
		"src/interfaces/com.example.cc.cci": "message A { string a = 1; }\nfunctions { A Get(A) = 1; }",
	}
	for i := 0; i+1 < len(edit); i += 2 {
		files[edit[i]] = edit[i+1]
		if edit[i+1] == "" {
			delete(files, edit[i])
		}
	}
	var list []archive.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, archive.File{Name: name, Content: []byte(files[name])})
	}
	return list
}

func archiveOf(t testing.TB, files []archive.File) []byte {
	t.Helper()
	b, err := write(files)
	require.NoError(t, err)
	return b
}

func TestCollect(t *testing.T) {
	code, err := Collect(sample)
	require.NoError(t, err)
	again, err := Collect(sample + "/")
	require.NoError(t, err)
	require.Equal(t, code, again)
	files, err := read(code)
	require.NoError(t, err)
	require.Equal(t, []string{
		"chaincode.yaml", "src/chaincode/main.go", "src/interfaces/appinit.cci", "src/interfaces/com.example.account.cci",
	}, slices.Sorted(maps.Keys(files)))

	file := filepath.Join(t.TempDir(), "account.car")
	require.NoError(t, os.WriteFile(file, code, 0o644))
	read, err := Collect(file)
	require.NoError(t, err)
	require.Equal(t, code, read, "an archive is taken as it is")
	_, err = Collect(filepath.Dir(file))
	require.ErrorContains(t, err, "the folder holds no chaintool project")
	_, err = Collect("nowhere")
	require.ErrorContains(t, err, "path to chaincode does not exist")
	require.NoError(t, Validate(nil), "development mode")
}

func TestSource(t *testing.T) {
	code := archiveOf(t, append(project(),
		archive.File{Name: "autodeps/src/example.org/dep/dep.go", Content: []byte("package dep")},
		archive.File{Name: "autodeps/src/chaincode/main.go", Content: []byte("not the project's")},
		archive.File{Name: "autodeps/src/github.com/golang/protobuf/proto/lib.go", Content: []byte("old")},
		archive.File{Name: "src/github.com/golang/protobuf/proto/lib.go", Content: []byte("old")},
		archive.File{Name: "META-INF/anything", Content: []byte("left out")},
	))
	source, err := Source(code)
	require.NoError(t, err)
	again, err := Source(code)
	require.NoError(t, err)
	require.Equal(t, source, again)
	changes, err := archive.Diff(nil, source)
	require.NoError(t, err)
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{
		"src/chaincode/main.go", "src/example.org/dep/dep.go",
		"src/hyperledger/cci/appinit/interface.pb.go", "src/hyperledger/cci/appinit/server-stub.go",
		"src/hyperledger/cci/com/example/cc/interface.pb.go", "src/hyperledger/cci/com/example/cc/server-stub.go",
		"src/hyperledger/cci/org/hyperledger/chaintool/meta/interface.pb.go", "src/hyperledger/cci/org/hyperledger/chaintool/meta/server-stub.go",
		"src/hyperledger/ccs/api/api.go", "src/hyperledger/ccs/ccs.go", "src/hyperledger/ccs/metadata.go",
		"src/interfaces/appinit.cci", "src/interfaces/com.example.cc.cci",
	}, names)
}

func TestInterfaces(t *testing.T) {
	for src, want := range map[string]string{
		"message Init { map<string, Sub> m = 1 [default = 1]; repeated E e = 2; oneof o { string a = 3; Sub b = 4; } message Sub { Init.Sub s = 1; E e = 2; } enum E { X = 0; Y = -1; } }": "",
		"enum E { ZERO = 0x0; } # comment\n// another\nmessage Init { E e = 1; ; }":                                                                                                        "",
		"message Init { Nothing n = 1; }":              `type "Nothing" for field "n" is not defined`,
		"message Init {\n required string n = 1; }":    "line 2: required fields do not exist",
		"message Init { string n = 1; string m = 1; }": "conflicting",
		"message Init { string n = 1;":                 "unexpected end",
		"message Init { string n; }":                   `want "=", found ";"`,
		"message Init { string n = x; }":               "want a number",
		"message Init {} message Init {}":              "already declared",
		"message Init { map<Init, string> m = 1; }":    "invalid map",
		"package x;": `want message, enum or functions, found "package"`,
		"message Init {} functions { X Get(Init) = 1; Init Get() = 2; }": "have the same name or number",
		"message \x00":                    "line 1: unexpected",
		"message Other {}":                "Init or  is no message of the interface",
		strings.Repeat("message A {", 40): "nested deeper than",
	} {
		_, err := Source(archiveOf(t, project("src/interfaces/appinit.cci", src)))
		if want == "" {
			require.NoError(t, err, src)
		} else {
			require.Error(t, err, src)
			require.Regexp(t, "(?s)interface appinit: .*"+want, strings.ReplaceAll(err.Error(), "\u00a0", " "), src)
		}
	}
}

func TestProjectsThatAreRefused(t *testing.T) {
	config := string(project()[0].Content)
	for want, files := range map[string][]archive.File{
		"chaincode.yaml: the archive holds none":                      project(configName, ""),
		"unsupported configuration schema (read: 2":                   project(configName, strings.Replace(config, "Schema: 1", "Schema: 2", 1)),
		`platform "org.hyperledger.chaincode.system" version 1`:       project(configName, strings.Replace(config, "golang", "system", 1)),
		`"a/../b" is no interface name`:                               project(configName, config+"Consumes: [a/../b]\n"),
		"holds no src/interfaces/com.example.cc.cci":                  project("src/interfaces/com.example.cc.cci", ""),
		"function Get: B or A is no message":                          project("src/interfaces/com.example.cc.cci", "message A {} functions { A Get(B) = 1; }"),
		`illegal file name detected in payload: "../x"`:               project("../x", "y"),
		`illegal file name detected in payload: "/etc/passwd"`:        project("/etc/passwd", "y"),
		`illegal file name detected in payload: "src/chaincode/../x"`: project("src/chaincode/../x", "y"),
	} {
		require.ErrorContains(t, Validate(archiveOf(t, files)), want)
	}
	_, err := Source(nil)
	require.ErrorContains(t, err, "development mode")
}

func TestArchivesThatAreRefused(t *testing.T) {
	good := archiveOf(t, project())
	entry := func(name, sum string, data []byte) []byte {
		e := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
		e = protowire.AppendString(protowire.AppendTag(e, 3, protowire.BytesType), sum)
		return protowire.AppendBytes(protowire.AppendTag(e, 16, protowire.BytesType), data)
	}
	custom := func(compression string, entries ...[]byte) []byte {
		c := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), compression)
		payload := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), c)
		for _, e := range entries {
			payload = protowire.AppendBytes(protowire.AppendTag(payload, 16, protowire.BytesType), e)
		}
		_, n := protowire.ConsumeBytes(good)
		return protowire.AppendBytes(slices.Clone(good[:n]), protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), payload))
	}
	sum := func(b string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(b))) }
	plain, err := read(custom("none", entry("a", sum("x"), []byte("x"))))
	require.NoError(t, err)
	require.Equal(t, "x", string(plain["a"]))
	for want, code := range map[string][]byte{
		"header: unexpected EOF":        {0x20},
		"this is no chaintool archive":  {0x02, 0x0a, 0x00, 0x00},
		"archive: unexpected EOF":       good[:len(good)-1],
		"hash verification failure":     custom("none", entry("a", sum("y"), []byte("x"))),
		`compression "xz" is not known`: custom("xz", entry("a", sum("x"), []byte("x"))),
		"gzip: invalid header":          custom("gzip", entry("a", sum("x"), bytes.Repeat([]byte("x"), 100))),
		`"a" occurs twice`:              custom("none", entry("a", sum("x"), []byte("x")), entry("a", sum("x"), []byte("x"))),
	} {
		_, err := Source(code)
		require.ErrorContains(t, err, want)
	}
}

func FuzzSource(f *testing.F) {
	f.Add(archiveOf(f, project()))
	f.Add([]byte{})
	f.Add([]byte{0x02, 0x0a, 0x00, 0x00})
	f.Fuzz(func(_ *testing.T, code []byte) { _, _ = Source(code) })
}

func FuzzInterface(f *testing.F) {
	for _, s := range []string{"message Init { map<string, int32> m = 1; }", "functions { void A() = 1; }", "enum E { A = 0; } message Init { E e = 1; oneof o { string a = 2; } }"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, src string) { _, _ = newInterface("appinit", src) })
}
