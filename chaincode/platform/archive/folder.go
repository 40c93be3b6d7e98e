package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder packs what is in a project's folder, as Fabric 1.4 does for the languages that have no GOPATH: every file in lexical order below src,
// except that META-INF keeps its place at the top, and that names which contain ".git" are left out. leaveOut is asked about every file, by
// its name relative to the folder, with slashes. A symbolic link is packed as the file it leads to, which must be in the folder.
func Folder(root string, leaveOut func(name string) bool) ([]byte, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("Error writing Chaincode package contents: %w", err)
	}
	var files []File
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if strings.Contains(name, ".git") || leaveOut(name) {
			return nil
		}
		content, err := readInside(root, file)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(name, metadataDir) {
			name = "src/" + name
		}
		files = append(files, File{name, content})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("Error writing Chaincode package contents: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("Error writing Chaincode package contents: no source files found in '%s'", root)
	}
	return Pack(files)
}

// readInside reads a regular file, or the one in root that a link leads to.
func readInside(root, file string) ([]byte, error) {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, err
	}
	if rel, err := filepath.Rel(root, target); err != nil || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("%s is a link to %s, which is not in the chaincode's folder; copy what is needed into it", file, target)
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	return os.ReadFile(target)
}

// CheckFolder says whether path names a folder to pack.
func CheckFolder(path string) error {
	if path == "" {
		return errors.New("ChaincodeSpec's path cannot be empty")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("path to chaincode does not exist: %s", path)
	case err != nil:
		return fmt.Errorf("error validating chaincode path: %w", err)
	case !info.IsDir():
		return fmt.Errorf("path to chaincode is no folder: %s", path)
	}
	return nil
}
