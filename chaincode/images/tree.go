package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
)

// tree is a root file system to be: entries by path, without a leading slash. Folders that are only implied are added when it is written.
type tree struct {
	entries map[string]entry
	changes []string // instructions of a Dockerfile, such as "ENV KEY=value", for the image made of it
}

// entry is a folder, a link, a file of this machine, or a file with given content.
type entry struct {
	mode    fs.FileMode
	link    string // target
	source  string // file of this machine
	content []byte
	bytes   int64
}

func newTree() *tree { return &tree{entries: map[string]entry{}} }

func (t *tree) folder(name string, mode fs.FileMode) {
	t.entries[local(name)] = entry{mode: fs.ModeDir | mode}
}
func (t *tree) symlink(name, target string) {
	t.entries[local(name)] = entry{mode: fs.ModeSymlink | 0o777, link: target}
}
func (t *tree) text(name, content string) {
	t.entries[local(name)] = entry{mode: 0o644, content: []byte(content), bytes: int64(len(content))}
}

// script adds an executable file with given content.
func (t *tree) script(name, content string) {
	t.entries[local(name)] = entry{mode: 0o755, content: []byte(content), bytes: int64(len(content))}
}

func (t *tree) has(name string) bool {
	_, ok := t.entries[local(name)]
	return ok
}

// file adds a file of this machine, following links, readable by all and executable if it is so here.
func (t *tree) file(name, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", source)
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	t.entries[local(name)] = entry{mode: mode, source: source, bytes: info.Size()}
	return nil
}

// copyFolder adds a folder of this machine with what is in it, but for names that skip tells of, relative to source. Links are followed, and those
// that lead nowhere are left out.
func (t *tree) copyFolder(name, source string, skip func(rel string, d fs.DirEntry) bool) error {
	source, err := filepath.EvalSymlinks(source)
	if err != nil {
		return err
	}
	return filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		target := path.Join(name, filepath.ToSlash(rel))
		switch {
		case rel != "." && skip != nil && skip(filepath.ToSlash(rel), d):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			t.folder(target, 0o755)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			info, err := os.Stat(file)
			if err != nil {
				return nil
			}
			if info.IsDir() {
				return t.copyFolder(target, file, skip)
			}
		case !d.Type().IsRegular():
			return nil
		}
		return t.file(target, file)
	})
}

// size is the sum of the files' bytes.
func (t *tree) size() (n int64) {
	for _, e := range t.entries {
		n += e.bytes
	}
	return n
}

// write writes the tree as a tar, which is the same for the same files.
func (t *tree) write(w io.Writer) error {
	all := maps.Clone(t.entries)
	for name := range t.entries {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir]; !ok {
				all[dir] = entry{mode: fs.ModeDir | 0o755}
			}
		}
	}
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := writeEntry(out, name, all[name]); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeEntry(w *tar.Writer, name string, e entry) error {
	h := &tar.Header{Name: name, Mode: int64(e.mode.Perm()), Format: tar.FormatPAX}
	if e.mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
		return w.WriteHeader(h)
	case e.mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		return w.WriteHeader(h)
	}
	content := io.Reader(bytes.NewReader(e.content))
	if e.source != "" {
		f, err := os.Open(e.source)
		if err != nil {
			return err
		}
		defer f.Close()
		content = f
	}
	h.Typeflag, h.Size = tar.TypeReg, e.bytes
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if _, err := io.Copy(w, content); err != nil {
		return fmt.Errorf("%s: %w", e.source, err)
	}
	return nil
}

// plain takes apart the two streams of a container's output.
func plain(r io.Reader) (string, error) {
	var said strings.Builder
	_, err := stdcopy.StdCopy(&said, &said, r)
	return strings.TrimSpace(said.String()), err
}
