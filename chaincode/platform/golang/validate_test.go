package golang

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestValidate(t *testing.T) {
	const main = "src/example.com/cc/main.go"
	for name, c := range map[string]struct {
		path  string
		files []string // name, content, name, content, …
		want  string
	}{
		"in GOPATH":       {"example.com/cc", []string{main, "package main"}, ""},
		"a URL as a path": {"https://example.com/cc/", []string{main, "package main"}, ""},
		"a module":        {"example.com/cc/cmd", []string{"src/go.mod", "module example.com/cc"}, ""},
		"a module inside": {"example.com/cc", []string{"src/example.com/cc/go.mod", "module x"}, ""},
		"text like PE":    {"example.com/cc", []string{main, "package main", "src/example.com/cc/x.json", "MZ"}, ""},
		"elsewhere": {"example.com/other", []string{main, "package main"},
			"the package holds no Go sources in src/example.com/other, where its path says they are"},
		"Node.js": {"cc", []string{"src/index.js", "", "src/package.json", "{}"},
			"the package says that it is Go, but holds no Go sources in src/cc: with src/package.json it looks like NODE; package it with -l node"},
		"Java":          {"cc", []string{"src/src/A.java", "", "src/pom.xml", ""}, "with src/pom.xml it looks like JAVA"},
		"a program":     {"example.com/cc", []string{main, "package main", "src/example.com/cc/cc", "\x7fELF\x02"}, `illegal file detected in payload: "src/example.com/cc/cc": it is compiled (ELF)`},
		"for Windows":   {"example.com/cc", []string{main, "package main", "src/cc.exe", "MZ\x90\x00"}, "it is compiled (PE)"},
		"a library":     {"example.com/cc", []string{main, "package main", "src/cc.go", "!<arch>\nx"}, "it is compiled (archive of objects)"},
		"for macOS":     {"example.com/cc", []string{main, "package main", "src/cc", "\xcf\xfa\xed\xfe"}, "it is compiled (Mach-O)"},
		"an object":     {"example.com/cc", []string{main, "package main", "src/cc", "go object linux"}, "it is compiled (Go object)"},
		"linked unseen": {"example.com/cc", []string{main, "package main", "src/example.com/cc/x.syso", "d"}, "the Go linker would take it for an object"},
		"no path":       {"../cc", []string{main, "package main"}, `chaincode path "../cc" is not an import path`},
	} {
		t.Run(name, func(t *testing.T) {
			var files []archive.File
			for i := 0; i < len(c.files); i += 2 {
				files = append(files, archive.File{Name: c.files[i], Content: []byte(c.files[i+1])})
			}
			code, err := archive.Pack(files)
			require.NoError(t, err)
			err = Validate(specOf(c.path, code))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	require.NoError(t, Validate(&peerpb.ChaincodeDeploymentSpec{}), "development mode")
}

func specOf(path string, code []byte) *peerpb.ChaincodeDeploymentSpec {
	return &peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{ChaincodeId: &peerpb.ChaincodeID{Path: path}}, CodePackage: code}
}
