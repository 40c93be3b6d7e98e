package golang

import (
	"errors"
	"fmt"
	"go/build"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// goPackage is a package below a GOPATH.
type goPackage struct{ importPath, dir string }

// provided are the packages that every Fabric 1.4 peer's build environment holds and that are therefore never packaged when the chaincode itself
// imports them.
var provided = map[string]bool{
	"github.com/hyperledger/fabric/core/chaincode/shim": true,
	"github.com/hyperledger/fabric/protos/peer":         true,
}

// dependencies are the packages to put beside the chaincode's own: what it imports, and what these import in turn, as far as they are in GOPATH.
// Like Fabric it follows an import that GOPATH lacks no further: it may be carried, and if not the build says so. Only when the chaincode itself
// imports what nobody has is that an error here.
func dependencies(s *source) ([]goPackage, error) {
	ctx := build.Default
	ctx.CgoEnabled = true // whatever CGO_ENABLED says: the same sources make the same package for everybody
	r := &resolver{gopaths: s.gopaths, ctx: ctx, found: map[string]goPackage{}}
	imports, err := r.imports(goPackage{s.importPath, s.dir})
	if err != nil {
		return nil, fmt.Errorf("Error obtaining imports: %w", err)
	}
	carriedTree, err := carried()
	if err != nil {
		return nil, err
	}
	own := goPackage{s.importPath, s.dir}
	for _, i := range imports {
		if provided[i] || r.isStandard(own, i) {
			continue
		}
		p, ok := r.find(own, i)
		switch {
		case ok:
			r.follow(p)
		case !carriedTree.has(i):
			return nil, fmt.Errorf("Error obtaining dependencies for %s: cannot find package %q in %s or in a vendor folder",
				i, i, strings.Join(s.gopaths, string(filepath.ListSeparator)))
		}
	}
	deps := make([]goPackage, 0, len(r.found))
	for _, p := range r.found {
		deps = append(deps, p)
	}
	return deps, nil
}

// resolver finds packages as the go command does in GOPATH mode.
type resolver struct {
	gopaths []string
	ctx     build.Context
	found   map[string]goPackage // by import path, vendor folders included
}

// imports are the import paths in the package's files for this platform, tests left out.
func (r *resolver) imports(p goPackage) ([]string, error) {
	pkg, err := r.ctx.ImportDir(p.dir, 0)
	if err != nil {
		return nil, err
	}
	imports := pkg.Imports[:0]
	for _, i := range pkg.Imports {
		if i != "C" {
			imports = append(imports, i)
		}
	}
	return imports, nil
}

// follow adds p and all it imports. A package that cannot be read is left for the build to complain about.
func (r *resolver) follow(p goPackage) {
	if _, ok := r.found[p.importPath]; ok {
		return
	}
	r.found[p.importPath] = p
	imports, err := r.imports(p)
	if err != nil {
		return
	}
	for _, i := range imports {
		if r.isStandard(p, i) {
			continue
		}
		if dep, ok := r.find(p, i); ok {
			r.follow(dep)
		}
	}
}

// find looks in the vendor folders from the importing package upwards, then in GOPATH.
func (r *resolver) find(from goPackage, importPath string) (goPackage, bool) {
	for dir := from.importPath; ; dir = path.Dir(dir) {
		if dir == "." {
			return r.inGopath(importPath)
		}
		if p, ok := r.inGopath(path.Join(dir, "vendor", importPath)); ok {
			return p, true
		}
	}
}

func (r *resolver) inGopath(importPath string) (goPackage, bool) {
	for _, g := range r.gopaths {
		dir := filepath.Join(g, "src", filepath.FromSlash(importPath))
		if hasGoFiles(dir) {
			return goPackage{importPath, dir}, true
		}
	}
	return goPackage{}, false
}

// isStandard asks the toolchain's folder if this program knows it. One built with -trimpath does not; then a path without a dot in its first
// element is of the standard library unless the importing package finds it elsewhere.
func (r *resolver) isStandard(from goPackage, importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	if strings.Contains(first, ".") {
		return false
	}
	if r.ctx.GOROOT != "" && isDir(filepath.Join(r.ctx.GOROOT, "src", "fmt")) {
		return isDir(filepath.Join(r.ctx.GOROOT, "src", filepath.FromSlash(importPath))) || importPath == "unsafe"
	}
	_, elsewhere := r.find(from, importPath)
	return !elsewhere
}

func hasGoFiles(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false
	}
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".go") {
			return true
		}
	}
	return false
}
