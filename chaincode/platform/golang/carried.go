package golang

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/heddleledger/heddle"
)

const heddleModule = "github.com/heddleledger/heddle"

// depsArchive holds third-party sources by import path; see internal/shimdeps.
//
//go:embed deps.tar.gz
var depsArchive []byte

// carriedModules are the modules whose packages the carried tree holds, each with the version under which the others require it. Their go.mod files
// name an old language version, so that putting them into a chaincode's module changes nothing about how the chaincode itself is compiled;
// they themselves are compiled as the toolchain's own version (see languageFlags).
var carriedModules = map[string]string{
	heddleModule:                                    "v0.0.0",
	"google.golang.org/protobuf":                    "v1.0.0",
	"github.com/golang/protobuf":                    "v1.0.0",
	"github.com/hyperledger/fabric":                 "v1.4.12",
	"github.com/hyperledger/fabric-chaincode-go":    "v0.0.0",
	"github.com/hyperledger/fabric-chaincode-go/v2": "v2.0.0",
	"github.com/hyperledger/fabric-protos-go":       "v0.0.0",
	"github.com/hyperledger/fabric-protos-go-apiv2": "v0.0.0",
}

// tree is the carried sources.
type tree struct {
	files map[string][]byte // by path below GOPATH/src
	hash  string            // of names and contents, hex
}

// assembled is the tree, which is a constant of the binary. Being some megabytes that only builds need, it is kept while somebody has it; its hash,
// which every launch asks for, is kept for good.
var assembled struct {
	mu   sync.Mutex
	tree weak.Pointer[tree]
	hash string
}

// carried is the tree that this binary carries.
func carried() (*tree, error) {
	assembled.mu.Lock()
	defer assembled.mu.Unlock()
	if t := assembled.tree.Value(); t != nil {
		return t, nil
	}
	t, err := assemble()
	if err != nil {
		return nil, err
	}
	assembled.tree, assembled.hash = weak.Make(t), t.hash
	return t, nil
}

// carriedHash is the hash of the tree that this binary carries.
func carriedHash() (string, error) {
	assembled.mu.Lock()
	hash := assembled.hash
	assembled.mu.Unlock()
	if hash != "" {
		return hash, nil
	}
	t, err := carried()
	if err != nil {
		return "", err
	}
	return t.hash, nil
}

func assemble() (*tree, error) {
	shim, err := heddle.ShimSources()
	if err != nil {
		return nil, fmt.Errorf("reading the embedded shim: %w", err)
	}
	files, err := unpackDeps(depsArchive)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded dependencies: %w", err)
	}
	for name, content := range shim {
		files[heddleModule+"/"+name] = content
	}
	if err := addAliases(files); err != nil {
		return nil, err
	}
	for module := range carriedModules {
		files[module+"/go.mod"] = goMod(module)
	}
	return &tree{files: files, hash: hashFiles(files)}, nil
}

// goMod is the go.mod of a carried module: it requires every other one.
func goMod(module string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "module %s\n\ngo 1.16\n\nrequire (\n", module)
	for _, other := range slices.Sorted(maps.Keys(carriedModules)) {
		if other != module {
			fmt.Fprintf(&b, "\t%s %s\n", other, carriedModules[other])
		}
	}
	b.WriteString(")\n")
	return b.Bytes()
}

func unpackDeps(archive []byte) (map[string][]byte, error) {
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

func hashFiles(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		writeSized(h, []byte(name))
		writeSized(h, files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeSized writes b after its length, so that what is hashed can be taken apart in one way only.
func writeSized(w io.Writer, b []byte) {
	_, _ = w.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b)))) // a hash takes everything
	_, _ = w.Write(b)
}

// has says whether the tree holds the package.
func (t *tree) has(importPath string) bool {
	for name := range t.files {
		if rest, ok := strings.CutPrefix(name, importPath+"/"); ok && strings.HasSuffix(rest, ".go") && !strings.Contains(rest, "/") {
			return true
		}
	}
	return false
}

// materialize writes the tree below dir, unless it is there and whole, and returns the folder that serves as a GOPATH.
func (t *tree) materialize(dir string) (string, error) {
	gopath := filepath.Join(dir, "carried-"+t.hash[:16])
	if t.matches(gopath) {
		return gopath, nil
	}
	tmp, err := os.MkdirTemp(dir, "carried-tmp-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for name, content := range t.files {
		if err := writeFile(filepath.Join(tmp, "src", filepath.FromSlash(name)), content); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, gopath); err == nil || t.matches(gopath) {
		return gopath, nil
	}
	// What is there is damaged. Another process may be doing the same.
	if err := os.RemoveAll(gopath); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, gopath); err != nil && !t.matches(gopath) {
		return "", err
	}
	return gopath, nil
}

// matches says whether gopath holds the tree as it is here.
func (t *tree) matches(gopath string) bool {
	for name, content := range t.files {
		b, err := os.ReadFile(filepath.Join(gopath, "src", filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(b, content) {
			return false
		}
	}
	return true
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, fs.FileMode(0o644))
}
