package golang

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// Where a builder container has its input and leaves its output.
const (
	containerInput  = "/chaincode/input"
	containerOutput = "/chaincode/output/chaincode"
)

// ContainerRequest is one code package to build in a container.
type ContainerRequest struct {
	CodePackage []byte // tar.gz, as Collect makes it
	Path        string // import path of the main package: ChaincodeID.path
	DynamicLink bool   // let the builder link with its C library
}

// ContainerBuild builds a code package in a container of a builder image.
type ContainerBuild struct {
	Command string // for /bin/sh -c; it leaves the executable at /chaincode/output/chaincode

	code  []byte
	files map[string][]byte // further input
}

// Container prepares the build of a code package in a container. In an image with a Go that can compile the carried sources it is built as Build does
// it, in the same modes and as much without network; in an older one, such as Fabric's own, in GOPATH mode with the shim of that image.
func Container(r ContainerRequest) (*ContainerBuild, error) {
	if len(r.CodePackage) == 0 {
		return nil, errors.New("the chaincode's package holds no code: it was made for a peer in development mode")
	}
	importPath, err := cleanImportPath(r.Path)
	if err != nil {
		return nil, err
	}
	nested := "src/" + importPath
	c, err := readContents(r.CodePackage, "src", nested)
	if err != nil {
		return nil, err
	}
	b := &ContainerBuild{code: r.CodePackage, files: map[string][]byte{}}
	var script strings.Builder
	fmt.Fprintf(&script, containerProbe, oldestMinor)
	switch {
	case c.goMods["src"] != nil:
		err = b.inModule(&script, c, "src", importPath, r.DynamicLink)
	case c.goMods[nested] != nil:
		err = b.inModule(&script, c, nested, ".", r.DynamicLink)
	case !c.folders[nested]:
		err = fmt.Errorf("the package holds no %s", nested)
	default:
		b.inGopath(&script, importPath, r.DynamicLink)
	}
	b.Command = script.String()
	return b, err
}

// containerProbe sets old to a word if the image's Go cannot compile the carried sources, and makes the go command look nowhere but here.
const containerProbe = `set -e
version=$(go env GOVERSION 2>/dev/null || true)
minor=${version#*go1.}
minor=${minor%%%%[!0-9]*}
old=
[ "${minor:-0}" -ge %d ] || old=yes
newer() {
  export GOENV=off GOFLAGS= GOWORK=off GOTOOLCHAIN=local GOPROXY=off GOSUMDB=off GOVCS='*:off'
  mkdir -p /tmp/built
  go build -o /tmp/built/ -buildvcs=false -trimpath -ldflags='-s -w' "$@"
  mv /tmp/built/* ` + containerOutput + `
}
`

func (b *ContainerBuild) inGopath(script *strings.Builder, importPath string, dynamic bool) {
	ldflags := ` -ldflags "-linkmode external -extldflags '-static'"`
	if dynamic {
		ldflags = ""
	}
	fmt.Fprintf(script, `cd %[1]s
if [ -n "$old" ]; then
  GOPATH=%[1]s:$GOPATH exec go build%[2]s -o %[3]s %[4]s
fi
export GO111MODULE=off GOPATH=%[1]s:%[1]s/carried%[5]s
newer -- %[4]s
`, containerInput, ldflags, containerOutput, importPath, cgo(dynamic))
}

func (b *ContainerBuild) inModule(script *strings.Builder, c *contents, root, pkg string, dynamic bool) error {
	fmt.Fprintf(script, `cd %s/%s
if [ -n "$old" ]; then
  echo "the package is a Go module, which needs Go 1.%d or later in the builder image; it has ${version:-an older one}" >&2
  exit 1
fi
export GO111MODULE=on GOPATH=/tmp/gopath%s
`, containerInput, root, oldestMinor, cgo(dynamic))
	if c.vendored[root] {
		fmt.Fprintf(script, "newer -mod=vendor -- %s\n", pkg)
		return nil
	}
	overlay, err := overlayMod(c.goMods[root], containerInput+"/carried/src", func(string, string) bool { return false })
	if err != nil {
		return err
	}
	b.files["overlay.mod"] = overlay
	if sums := c.goSums[root]; sums != nil {
		b.files["overlay.sum"] = sums
	}
	script.WriteString("newer -mod=mod -modfile=" + containerInput + "/overlay.mod")
	for _, module := range languageModules {
		fmt.Fprintf(script, " -gcflags=%s/...=-lang=go1.$minor", module)
	}
	fmt.Fprintf(script, " -- %s\n", pkg)
	return nil
}

func cgo(dynamic bool) string {
	if dynamic {
		return ""
	}
	return " CGO_ENABLED=0"
}

// WriteInput writes a tar of what to unpack below /chaincode/input: the code package's files, and the carried sources.
func (b *ContainerBuild) WriteInput(w io.Writer) error {
	src, err := carried()
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	if b.code != nil {
		err = writePackage(t, b.code)
	}
	if err != nil {
		return err
	}
	if err := writeTar(t, "", b.files); err != nil {
		return err
	}
	if err := writeTar(t, "carried/src/", src.files); err != nil {
		return err
	}
	return t.Close()
}

// writePackage copies the files of a code package.
func writePackage(t *tar.Writer, code []byte) error {
	return archive.Walk(code, func(name string, size int64, content io.Reader) error {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}); err != nil {
			return err
		}
		_, err := io.CopyN(t, content, size)
		return err
	})
}

// Hint says what to do about a failed build, given its output; empty if there is nothing to say.
func (b *ContainerBuild) Hint(output string) string { return strings.TrimPrefix(hint(output), "\n") }

// WarmUp is a build of the carried packages, without any chaincode, that leaves them compiled in the cache of a builder image.
func WarmUp() *ContainerBuild {
	var script strings.Builder
	fmt.Fprintf(&script, containerProbe, oldestMinor)
	fmt.Fprintf(&script, "cd %[1]s\nexport GO111MODULE=off GOPATH=%[1]s:%[1]s/carried CGO_ENABLED=0\nnewer -- warmup\n", containerInput)
	main := "package main\n\nimport (\n\t_ \"github.com/hyperledger/fabric/core/chaincode/shim\"\n\t_ \"github.com/hyperledger/fabric/protos/peer\"\n)\n\nfunc main() {}\n"
	return &ContainerBuild{Command: script.String(), files: map[string][]byte{"src/warmup/main.go": []byte(main)}}
}

func writeTar(t *tar.Writer, prefix string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: prefix + name, Size: int64(len(files[name])), Mode: 0o644}); err != nil {
			return err
		}
		if _, err := t.Write(files[name]); err != nil {
			return err
		}
	}
	return nil
}

// contents is what must be known of a code package to choose how to build it.
type contents struct {
	folders        map[string]bool
	goMods, goSums map[string][]byte // by folder, of those where a module may begin
	vendored       map[string]bool   // folders with a vendor folder that the go command made
}

// maxModBytes bounds go.mod and go.sum; they are held in memory.
const maxModBytes = 16 << 20

func readContents(code []byte, roots ...string) (*contents, error) {
	c := &contents{folders: map[string]bool{}, goMods: map[string][]byte{}, goSums: map[string][]byte{}, vendored: map[string]bool{}}
	err := archive.Walk(code, func(name string, size int64, content io.Reader) error {
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		for d := dir; d != "." && !c.folders[d]; d = path.Dir(d) {
			c.folders[d] = true
		}
		switch into := map[string]map[string][]byte{"go.mod": c.goMods, "go.sum": c.goSums}[base]; {
		case strings.HasSuffix(name, "/vendor/modules.txt"):
			c.vendored[strings.TrimSuffix(name, "/vendor/modules.txt")] = true
		case into == nil || !slices.Contains(roots, dir):
		case size > maxModBytes:
			return fmt.Errorf("%s has %d bytes, more than %d", name, size, maxModBytes)
		default:
			b, err := io.ReadAll(content)
			if err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
			into[dir] = b
		}
		return nil
	})
	return c, err
}
