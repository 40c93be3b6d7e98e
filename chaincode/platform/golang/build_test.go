package golang

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// offline is an environment without a home and without a network for the go command. It keeps the test's own build cache, and one place for the
// carried sources, which saves compiling these and the standard library again.
func offline(t testing.TB) []string {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	return []string{"PATH=" + os.Getenv("PATH"), "GOROOT=" + os.Getenv("GOROOT"), "TMPDIR=" + t.TempDir(), "GOCACHE=" + strings.TrimSpace(string(cache)), "GOPROXY=off", "HOME=",
		"XDG_CACHE_HOME=" + filepath.Join(os.TempDir(), "heddle-test-cache")}
}

func request(code []byte, path, cacheDir string) BuildRequest {
	return BuildRequest{CodePackage: code, Path: path, CacheDir: cacheDir, Log: slog.New(slog.DiscardHandler)}
}

// everyImport is a chaincode that imports every path in the table of aliases and what else is carried for chaincode to import.
func everyImport() string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"github.com/hyperledger/fabric-chaincode-go/shim\"\n\t\"github.com/hyperledger/fabric-protos-go/peer\"\n")
	for _, path := range slices.Sorted(maps.Keys(aliases)) {
		fmt.Fprintf(&b, "\t_ %q\n", path)
	}
	for _, path := range []string{"github.com/golang/protobuf/jsonpb", "github.com/golang/protobuf/proto", "github.com/golang/protobuf/ptypes",
		"github.com/golang/protobuf/ptypes/empty", "google.golang.org/protobuf/encoding/protojson", "google.golang.org/protobuf/types/known/structpb"} {
		fmt.Fprintf(&b, "\t_ %q\n", path)
	}
	b.WriteString(`)

type cc struct{}

func (cc) Init(shim.ChaincodeStubInterface) peer.Response   { return shim.Success(nil) }
func (cc) Invoke(shim.ChaincodeStubInterface) peer.Response { return shim.Success(nil) }

func main() { _ = shim.Start(cc{}) }
`)
	return b.String()
}

func TestBuildsEveryImportPathOffline(t *testing.T) {
	cacheDir, env := t.TempDir(), offline(t)
	modulePath := "github.com/org/cc"
	for mode, code := range map[string][]byte{
		"gopath": archiveOf(t, file("src/github.com/org/cc/main.go", everyImport())),
		"module": archiveOf(t, file("src/main.go", everyImport()), file("src/go.mod", `module github.com/org/cc

go 1.14

require (
	github.com/golang/protobuf v1.3.3
	github.com/hyperledger/fabric v1.4.6
	github.com/hyperledger/fabric-chaincode-go v0.0.0-20200128192331-2d899240a7ed
	github.com/hyperledger/fabric-protos-go v0.0.0-20200124220212-e9cfc186ba7b
	google.golang.org/grpc v1.23.0 // indirect
)
`)),
	} {
		t.Run(mode, func(t *testing.T) {
			binary, err := buildIn(t.Context(), request(code, modulePath, cacheDir), env)
			require.NoError(t, err)
			out, err := exec.Command(binary).CombinedOutput()
			require.NoError(t, err, string(out))
		})
	}
}

// TestModulesKeepTheirLanguage builds a chaincode that only compiles as the Go version its go.mod names, although the carried sources need a later one.
func TestModulesKeepTheirLanguage(t *testing.T) {
	code := archiveOf(t,
		file("src/go.mod", "module cc\n\ngo 1.20\n\nrequire github.com/hyperledger/fabric-protos-go v0.0.1\n"),
		file("src/main.go", `package main

import "github.com/hyperledger/fabric-protos-go/peer"

// Up to Go 1.21 a loop's variable is one for all rounds.
func main() {
	var seen []func() int
	for i := 0; i < 2; i++ {
		seen = append(seen, func() int { return i })
	}
	if seen[0]() != 2 {
		panic(peer.Response{}.Status)
	}
}
`))
	binary, err := buildIn(t.Context(), request(code, "cc", t.TempDir()), offline(t))
	require.NoError(t, err)
	require.NoError(t, exec.Command(binary).Run())
}

func TestVendoredModuleIsBuiltAsItIs(t *testing.T) {
	code := archiveOf(t,
		file("src/go.mod", "module example.com/cc\n\ngo 1.20\n\nrequire example.org/dep v1.0.0\n"),
		file("src/vendor/modules.txt", "# example.org/dep v1.0.0\n## explicit; go 1.20\nexample.org/dep\n"),
		file("src/vendor/example.org/dep/dep.go", "package dep\n\nconst Answer = 42\n"),
		file("src/cmd/main.go", "package main\n\nimport \"example.org/dep\"\n\nfunc main() { println(dep.Answer) }\n"))
	binary, err := buildIn(t.Context(), request(code, "example.com/cc/cmd", t.TempDir()), offline(t))
	require.NoError(t, err)
	out, err := exec.Command(binary).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "42\n", string(out))
}

func TestBuildIsRemembered(t *testing.T) {
	cacheDir, env := t.TempDir(), append(offline(t), "XDG_CACHE_HOME=")
	code := archiveOf(t, file("src/cc/main.go", "package main\n\nfunc main() {}\n"))
	first, err := buildIn(t.Context(), request(code, "cc", cacheDir), env)
	require.NoError(t, err)
	before, err := os.Stat(first)
	require.NoError(t, err)
	second, err := buildIn(t.Context(), request(code, "cc", cacheDir), env)
	require.NoError(t, err)
	require.Equal(t, first, second)
	after, err := os.Stat(second)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime())
	other, err := buildIn(t.Context(), request(archiveOf(t, file("src/cc/main.go", "package main\n\nfunc main() { println() }\n")), "cc", cacheDir), env)
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	left, err := filepath.Glob(filepath.Join(cacheDir, "build-*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing temporary is left")
}

func TestBuildFailures(t *testing.T) {
	env := offline(t)
	contract := `package main

import _ "github.com/hyperledger/fabric-contract-api-go/contractapi"

func main() {}
`
	for name, c := range map[string]struct {
		code []byte
		path string
		want []string
	}{
		"no code":             {nil, "cc", []string{"development mode"}},
		"not a package":       {[]byte("x"), "cc", []string{"gzip"}},
		"other path":          {archiveOf(t, file("src/cc/main.go", "")), "dd", []string{"building chaincode dd", "holds no src/dd"}},
		"flag as path":        {archiveOf(t, file("src/cc/main.go", "")), "-o=/tmp/x", []string{"is not an import path"}},
		"wildcard":            {archiveOf(t, file("src/cc/main.go", "")), "...", []string{"is not an import path"}},
		"does not compile":    {archiveOf(t, file("src/cc/main.go", "package main\n\nfunc main() { undefined() }\n")), "cc", []string{"gopath mode", "src/cc/main.go:3:15: undefined: undefined"}},
		"no main":             {archiveOf(t, file("src/cc/lib.go", "package lib\n")), "cc", []string{"no main packages to build"}},
		"missing":             {archiveOf(t, file("src/cc/main.go", contract)), "cc", []string{"contractapi", "in a vendor folder"}},
		"missing, module":     {archiveOf(t, file("src/main.go", contract), file("src/go.mod", "module cc\n")), "cc", []string{"contractapi", "go mod vendor"}},
		"bad go.mod":          {archiveOf(t, file("src/main.go", contract), file("src/go.mod", "nonsense here\n")), "cc", []string{"reading go.mod"}},
		"newer than the tool": {archiveOf(t, file("src/main.go", contract), file("src/go.mod", "module cc\n\ngo 1.99\n")), "cc", []string{"requires go >= 1.99"}},
		"cgo":                 {archiveOf(t, file("src/cc/main.go", "package main\n\n// #include <stdio.h>\nimport \"C\"\n\nfunc main() { C.puts(nil) }\n")), "cc", []string{"build constraints exclude all Go files"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := buildIn(t.Context(), request(c.code, c.path, t.TempDir()), env)
			for _, w := range c.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
}

func TestBuildWithoutToolchain(t *testing.T) {
	code := archiveOf(t, file("src/cc/main.go", "package main\n\nfunc main() {}\n"))
	_, err := buildIn(t.Context(), request(code, "cc", t.TempDir()), []string{"PATH=" + t.TempDir()})
	require.ErrorContains(t, err, "building Go chaincode needs the go command, which is not on PATH: install Go 1.24 or later")

	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho '{\"GOVERSION\":\"go1.21.3\"}'\n"), 0o755))
	_, err = buildIn(t.Context(), request(code, "cc", t.TempDir()), []string{"PATH=" + bin})
	require.ErrorContains(t, err, "needs Go 1.24 or later, "+filepath.Join(bin, "go")+" is go1.21.3")
}

func TestBuildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	env := offline(t)
	for i := range env {
		if strings.HasPrefix(env[i], "GOCACHE=") {
			env[i] = "GOCACHE=" + t.TempDir() // everything has to be compiled
		}
	}
	start := time.Now()
	_, err := buildIn(ctx, request(archiveOf(t, file("src/cc/main.go", everyImport())), "cc", t.TempDir()), env)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 10*time.Second)
}

func FuzzImportPath(f *testing.F) {
	for _, s := range []string{"example.com/cc", "-o=/x", "../x", "a/../b", "https://example.com/cc/", "...", "a//b", "a b", "@latest", "a.../b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := cleanImportPath(s)
		if err != nil {
			return
		}
		require.NotEmpty(t, p)
		require.False(t, strings.HasPrefix(p, "-"))
		require.True(t, filepath.IsLocal(p))
		require.NotContains(t, p, "...")
	})
}
