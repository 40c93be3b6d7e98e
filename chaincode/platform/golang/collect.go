package golang

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// sourceFile is a file to package.
type sourceFile struct {
	name     string // in the tar
	path     string // on this machine
	metadata bool   // below META-INF
}

// packedExtensions are the kinds of files that Fabric 1.4 takes from a GOPATH.
var packedExtensions = map[string]bool{".c": true, ".h": true, ".s": true, ".go": true, ".yaml": true, ".json": true}

// Collect packages the sources at path: a tar.gz that depends on nothing but the files' names and contents. env is the environment, as for
// ValidatePath.
func Collect(path string, env []string) ([]byte, error) {
	s, err := locate(path, env)
	if err != nil {
		return nil, err
	}
	var files []sourceFile
	if s.moduleDir != "" {
		files, err = s.moduleFiles()
	} else {
		files, err = s.gopathFiles()
	}
	if err != nil {
		return nil, err
	}
	return pack(files)
}

// gopathFiles are the package's own files and those of what it imports, sorted by the names they have before metadata moves to the top.
func (s *source) gopathFiles() ([]sourceFile, error) {
	deps, err := dependencies(s)
	if err != nil {
		return nil, err
	}
	byName := map[string]sourceFile{}
	for _, p := range append([]goPackage{{importPath: s.importPath, dir: s.dir}}, deps...) {
		if err := addPackage(byName, p); err != nil {
			return nil, err
		}
	}
	files := make([]sourceFile, 0, len(byName))
	for _, f := range byName {
		f.name = s.vendored(f.name)
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b sourceFile) int { return cmp.Compare(a.name, b.name) })
	for i := range files {
		if !files[i].metadata {
			continue
		}
		rel, err := filepath.Rel(path.Join("src", s.importPath), files[i].name)
		if err != nil {
			return nil, err
		}
		files[i].name = filepath.ToSlash(rel)
	}
	return files, nil
}

// vendored moves a file from outside the package under the package's vendor folder. As in Fabric, what begins with the package's path, or with that
// of a vendor folder at or above it, counts as inside; for a/b so does a/bc.
func (s *source) vendored(name string) string {
	own := path.Join("src", s.importPath)
	inside := strings.HasPrefix(name, own)
	for dir := own; dir != "src" && !inside; dir = path.Dir(dir) {
		inside = strings.HasPrefix(name, path.Join(dir, "vendor"))
	}
	if inside {
		return name
	}
	return path.Join(own, "vendor", strings.TrimPrefix(name, "src/"))
}

// addPackage adds the files in the package's own folder, and all below its META-INF.
func addPackage(files map[string]sourceFile, p goPackage) error {
	return filepath.WalkDir(p.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("Error walking directory: %w", err)
		}
		metadata := strings.HasPrefix(file, filepath.Join(p.dir, "META-INF"))
		if d.IsDir() {
			if file != p.dir && !metadata {
				return fs.SkipDir
			}
			return nil
		}
		if !packedExtensions[filepath.Ext(file)] {
			return nil
		}
		rel, err := filepath.Rel(p.dir, file)
		if err != nil {
			return err
		}
		name := path.Join("src", p.importPath, filepath.ToSlash(rel))
		files[name] = sourceFile{name: name, path: file, metadata: metadata}
		return nil
	})
}

// moduleFiles are all files of the module outside hidden folders, below src, and the package's META-INF.
func (s *source) moduleFiles() ([]sourceFile, error) {
	var files []sourceFile
	metaInf := filepath.Join(s.dir, "META-INF")
	err := filepath.WalkDir(s.moduleDir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("Error walking directory: %w", err)
		}
		if d.IsDir() {
			if file != s.moduleDir && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		root, prefix, metadata := s.moduleDir, "src", false
		if strings.HasPrefix(file, metaInf+string(filepath.Separator)) {
			root, prefix, metadata = metaInf, "META-INF", true
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		files = append(files, sourceFile{name: path.Join(prefix, filepath.ToSlash(rel)), path: file, metadata: metadata})
		return nil
	})
	slices.SortFunc(files, func(a, b sourceFile) int { return cmp.Compare(a.name, b.name) })
	return files, err
}

// pack reads the files and packs them.
func pack(files []sourceFile) ([]byte, error) {
	packed := make([]archive.File, len(files))
	for i, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return nil, fmt.Errorf("Error writing %s to tar: %w", f.name, err)
		}
		packed[i] = archive.File{Name: f.name, Content: content}
	}
	return archive.Pack(packed)
}
