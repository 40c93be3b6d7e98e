package golang

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// source is where the Go sources of a path are.
type source struct {
	importPath string // of the chaincode's main package
	dir        string // the main package's folder
	gopaths    []string
	moduleDir  string // root of the module; empty for a package below GOPATH/src
}

// ValidatePath says whether path names Go sources on this machine: a folder below GOPATH/src, or one inside a module.
// env is the environment ("KEY=value"), of which GOPATH and HOME are read.
func ValidatePath(path string, env []string) error {
	if u, err := url.Parse(path); err != nil {
		return fmt.Errorf("invalid path: %w", err)
	} else if u.Scheme != "" {
		return fmt.Errorf("invalid path: %s: sources must be on this machine, a scheme like %s is not supported", path, u.Scheme)
	}
	_, err := locate(path, env)
	return err
}

// NormalizePath returns the path to record in the chaincode's id: the import path of its package.
func NormalizePath(path string, env []string) (string, error) {
	s, err := locate(path, env)
	if err != nil {
		return "", err
	}
	return s.importPath, nil
}

// locate looks below GOPATH/src first, as Fabric 1.4 does, and then for a module.
func locate(path string, env []string) (*source, error) {
	if path == "" {
		return nil, errors.New("Cannot collect files from empty chaincode path")
	}
	gopaths := gopathList(env)
	if len(gopaths) > 0 {
		dir := filepath.Join(gopaths[0], "src", path)
		if isDir(dir) {
			rel, err := filepath.Rel(filepath.Join(gopaths[0], "src"), dir)
			if err != nil || !filepath.IsLocal(rel) || rel == "." {
				return nil, fmt.Errorf("path to chaincode is not below %s: %s", filepath.Join(gopaths[0], "src"), path)
			}
			// 1.4 records the path as it was given, and a path like a//b would be in the package's names: give its clean form to both.
			return &source{importPath: filepath.ToSlash(rel), dir: dir, gopaths: gopaths}, nil
		}
	}
	if isDir(path) {
		return locateModule(path)
	}
	if len(gopaths) == 0 {
		return nil, fmt.Errorf("path to chaincode does not exist: %s; GOPATH and HOME are not set, so there is no GOPATH to look in", path)
	}
	return nil, fmt.Errorf("path to chaincode does not exist: %s", filepath.Join(gopaths[0], "src", path))
}

// locateModule finds the go.mod above dir.
func locateModule(dir string) (*source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for root := dir; ; root = filepath.Dir(root) {
		b, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if errors.Is(err, os.ErrNotExist) {
			if root == filepath.Dir(root) {
				return nil, fmt.Errorf("%s is neither below GOPATH/src nor in a module: name the package by its import path, or add a go.mod", dir)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		module := modulePath(b)
		if module == "" {
			return nil, fmt.Errorf("%s names no module", filepath.Join(root, "go.mod"))
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, err
		}
		importPath := module
		if rel != "." {
			importPath += "/" + filepath.ToSlash(rel)
		}
		return &source{importPath: importPath, dir: dir, moduleDir: root}, nil
	}
}

var moduleLine = regexp.MustCompile(`(?m)^[ \t]*module[ \t]+(?:"([^"\n]+)"|([^\s/"]\S*))`)

// modulePath returns the module path in a go.mod file, empty if there is none.
func modulePath(goMod []byte) string {
	m := moduleLine.FindSubmatch(goMod)
	if m == nil {
		return ""
	}
	return string(m[1]) + string(m[2])
}

// gopathList returns the elements of GOPATH; without one, the folder the go command takes.
func gopathList(env []string) []string {
	gopath := getenv(env, "GOPATH")
	if gopath == "" {
		if home := getenv(env, "HOME"); home != "" {
			gopath = filepath.Join(home, "go")
		}
	}
	return filepath.SplitList(gopath)
}

// getenv returns the last value of key in env, as the operating system would.
func getenv(env []string, key string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, key+"="); ok {
			value = v
		}
	}
	return value
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
