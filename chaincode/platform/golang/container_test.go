package golang

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inContainer runs a container build on this machine, in a folder that stands for the container's /chaincode and /tmp.
func inContainer(t *testing.T, b *ContainerBuild, env ...string) (binary, output string, err error) {
	t.Helper()
	root := t.TempDir()
	var input bytes.Buffer
	require.NoError(t, b.WriteInput(&input))
	for r := tar.NewReader(&input); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, writeFile(filepath.Join(root, "chaincode/input", h.Name), content))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(root, "chaincode/output"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "tmp"), 0o755))
	moved := strings.NewReplacer("/chaincode/input", root+"/chaincode/input", "/chaincode/output", root+"/chaincode/output", "/tmp/", root+"/tmp/")
	for name, content := range b.files {
		require.NoError(t, writeFile(filepath.Join(root, "chaincode/input", name), []byte(moved.Replace(string(content)))))
	}
	cmd := exec.Command("/bin/sh", "-c", moved.Replace(b.Command))
	cmd.Env = append(offline(t), env...)
	out, err := cmd.CombinedOutput()
	return filepath.Join(root, containerOutput), string(out), err
}

func TestContainerBuilds(t *testing.T) {
	chaincode := everyImport()
	for name, c := range map[string]struct {
		code []byte
		path string
	}{
		"gopath":        {archiveOf(t, file("src/github.com/org/cc/main.go", chaincode)), "github.com/org/cc"},
		"module":        {archiveOf(t, file("src/main.go", chaincode), file("src/go.mod", "module github.com/org/cc\n\ngo 1.14\n\nrequire github.com/hyperledger/fabric v1.4.6\nrequire example.org/out/of/reach v1.0.0\n"), file("src/go.sum", "")), "github.com/org/cc"},
		"nested module": {archiveOf(t, file("src/github.com/org/cc/main.go", chaincode), file("src/github.com/org/cc/go.mod", "module cc\n")), "github.com/org/cc"},
		"vendor": {archiveOf(t,
			file("src/go.mod", "module example.com/cc\n\ngo 1.20\n\nrequire example.org/dep v1.0.0\n"),
			file("src/vendor/modules.txt", "# example.org/dep v1.0.0\n## explicit; go 1.20\nexample.org/dep\n"),
			file("src/vendor/example.org/dep/dep.go", "package dep\n\nconst Answer = 42\n"),
			file("src/cmd/main.go", "package main\n\nimport \"example.org/dep\"\n\nfunc main() { println(dep.Answer) }\n")), "example.com/cc/cmd"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Container(ContainerRequest{CodePackage: c.code, Path: c.path})
			require.NoError(t, err)
			binary, out, err := inContainer(t, b)
			require.NoError(t, err, out)
			ran, err := exec.Command(binary).CombinedOutput()
			require.NoError(t, err, "%s", ran)
		})
	}
}

func TestContainerBuildWarmsUp(t *testing.T) {
	_, out, err := inContainer(t, WarmUp())
	require.NoError(t, err, out)
}

// TestContainerWithAnOldGo uses the image's own shim, as Fabric does.
func TestContainerWithAnOldGo(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n[ $1 = env ] && exit 0\necho go \"$@\" in $GOPATH\n"), 0o755))
	old := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "GOPATH=/opt/gopath"}
	code := archiveOf(t, file("src/cc/main.go", "package main\n\nfunc main() {}\n"))
	for dynamic, want := range map[bool]string{
		false: "go build -ldflags -linkmode external -extldflags '-static' -o ",
		true:  "go build -o ",
	} {
		b, err := Container(ContainerRequest{CodePackage: code, Path: "cc", DynamicLink: dynamic})
		require.NoError(t, err)
		_, out, err := inContainer(t, b, old...)
		require.NoError(t, err, out)
		require.Contains(t, out, want)
		require.Contains(t, out, "/chaincode/output/chaincode cc in ")
		require.Contains(t, out, "/chaincode/input:/opt/gopath\n")
	}
	b, err := Container(ContainerRequest{CodePackage: archiveOf(t, file("src/main.go", ""), file("src/go.mod", "module cc\n")), Path: "cc"})
	require.NoError(t, err)
	_, out, err := inContainer(t, b, old...)
	require.Error(t, err)
	require.Contains(t, out, "the package is a Go module, which needs Go 1.24 or later in the builder image; it has an older one")
}

func TestContainerBuildFailures(t *testing.T) {
	for name, c := range map[string]struct {
		code []byte
		path string
		want string
	}{
		"no code":           {nil, "cc", "development mode"},
		"not a package":     {[]byte("x"), "cc", "gzip"},
		"other path":        {archiveOf(t, file("src/cc/main.go", "")), "dd", "holds no src/dd"},
		"shell in the path": {archiveOf(t, file("src/cc/main.go", "")), "cc;reboot", "is not an import path"},
		"twice":             {archiveOf(t, file("src/cc/main.go", ""), file("src/cc/main.go", "")), "cc", "occurs twice"},
		"file as folder":    {archiveOf(t, file("src/cc", ""), file("src/cc/main.go", "")), "cc", `but "src/cc" is a file`},
		"bad go.mod":        {archiveOf(t, file("src/main.go", ""), file("src/go.mod", "nonsense here\n")), "cc", "reading go.mod"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Container(ContainerRequest{CodePackage: c.code, Path: c.path})
			require.ErrorContains(t, err, c.want)
		})
	}
	b, err := Container(ContainerRequest{CodePackage: archiveOf(t, file("src/cc/main.go", "package main\n\nimport _ \"example.org/x\"\n\nfunc main() {}\n")), Path: "cc"})
	require.NoError(t, err)
	_, out, err := inContainer(t, b)
	require.Error(t, err)
	require.Contains(t, out, "src/cc/main.go:3:8: cannot find package")
	require.Contains(t, b.Hint(out), "in a vendor folder")
	require.Empty(t, b.Hint("undefined: x"))
}
