// Package car reads and writes the archives of chaintool and makes Go chaincode of them.
//
// A CAR holds a project: chaincode.yaml, Go sources whose main package is src/chaincode, packages it needs from elsewhere below autodeps, and
// interface files (src/interfaces/*.cci) that declare messages and functions. Source turns it into a Go code package as package golang builds:
// the sources, and what chaintool would have generated of the interface files (the messages as protobuf, a CCInterface per provided interface, a
// function to call per function of a consumed one, and hyperledger/ccs, which ties them to the shim). Nothing but this program is needed for that.
//
// Invariants: a CAR comes from outside. Names, sizes, counts and hashes are checked while it is read; what is generated depends on the archive
// alone.
package car

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// MainPackage is the import path of a CAR's main package.
const MainPackage = "chaincode"

// Collect reads the archive at path, as Fabric does, or packs the project in the folder at path: chaincode.yaml and src, as chaintool does for a
// project that needs nothing from elsewhere.
func Collect(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("path to chaincode does not exist: %w", err)
	case info.IsDir():
		return collectFolder(path)
	}
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return code, Validate(code)
}

func collectFolder(root string) ([]byte, error) {
	config, err := os.ReadFile(filepath.Join(root, configName))
	if err != nil {
		return nil, fmt.Errorf("the folder holds no chaintool project: %w", err)
	}
	files := []archive.File{{Name: configName, Content: config}}
	err = filepath.WalkDir(filepath.Join(root, "src"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", rel)
		}
		content, err := os.ReadFile(file)
		files = append(files, archive.File{Name: filepath.ToSlash(rel), Content: content})
		return err
	})
	if err != nil {
		return nil, err
	}
	code, err := write(files)
	if err != nil {
		return nil, err
	}
	return code, Validate(code)
}

// Validate checks an archive, reading all of it. An empty package is fine, as in Fabric, where a package for development mode has none.
func Validate(code []byte) error {
	if len(code) == 0 {
		return nil
	}
	_, err := Source(code)
	return err
}

// Source makes a Go code package of an archive; its main package is MainPackage.
func Source(code []byte) ([]byte, error) {
	if len(code) == 0 {
		return nil, errors.New("the chaincode's package holds no code: it was made for a peer in development mode")
	}
	files, err := read(code)
	if err != nil {
		return nil, fmt.Errorf("reading CAR: %w", err)
	}
	c, err := parseConfig(files[configName])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	generated, err := generate(c, func(name string) ([]byte, bool) {
		content, ok := files["src/interfaces/"+name+".cci"]
		return content, ok
	})
	if err != nil {
		return nil, err
	}
	sources := map[string][]byte{}
	for _, root := range []string{"autodeps/src/", "src/"} { // the project's own come last, and stay
		for name, content := range files {
			if rest, ok := strings.CutPrefix(name, root); ok && !carried(rest) {
				sources["src/"+rest] = content
			}
		}
	}
	for name, content := range generated {
		sources["src/hyperledger/"+name] = content
	}
	return packSorted(sources)
}

// carried tells whether a file that came with a project is of a package that every build has: those are newer, and fit each other.
func carried(name string) bool {
	for _, p := range []string{"github.com/hyperledger/fabric/", "github.com/golang/protobuf/", "google.golang.org/"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
