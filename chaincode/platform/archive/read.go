package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// What a code package may unpack to. Fabric's own limit is that of a gRPC message, 100 MB, on the compressed package.
const (
	maxFiles         = 50_000
	maxNames         = 2 * maxFiles // with the folders that files lie in, named or not: a long path has thousands
	maxUnpackedBytes = 512 << 20
	maxNameBytes     = 4096
	maxTarBytes      = maxUnpackedBytes + 2048*maxFiles // with headers and padding
	maxIndexBytes    = 1 << 20                          // of an index definition; real ones have a few hundred bytes
)

// metadataDir is where a package keeps what is not code.
const metadataDir = "META-INF"

// Walk calls visit for every regular file of a code package, in order, having checked name, type, mode and size. The reader is valid during the
// call. Nothing after the first illegal entry is read.
func Walk(code []byte, visit func(name string, size int64, content io.Reader) error) error {
	return walk(code, func(h *tar.Header, content io.Reader) error { return visit(h.Name, h.Size, content) })
}

func walk(code []byte, visit func(h *tar.Header, content io.Reader) error) error {
	gz, err := gzip.NewReader(bytes.NewReader(code))
	if err != nil {
		return fmt.Errorf("failure opening codepackage gzip stream: %w", err)
	}
	limited := &io.LimitedReader{R: gz, N: maxTarBytes}
	r := tar.NewReader(limited)
	taken := names{}
	var files, total int64
	for {
		h, err := r.Next()
		ended := errors.Is(err, io.EOF)
		if ended {
			_, err = io.Copy(io.Discard, limited) // gzip's checksum comes last
		}
		switch {
		case limited.N <= 0:
			return fmt.Errorf("code package unpacks to more than %d bytes", int64(maxTarBytes))
		case err != nil:
			return fmt.Errorf("reading code package: %w", err)
		case ended:
			return nil
		}
		if err := checkEntry(h); err != nil {
			return err
		}
		if err := taken.take(h); err != nil {
			return err
		}
		if len(taken) > maxNames {
			return fmt.Errorf("code package holds more than %d files and folders", maxNames)
		}
		if files++; files > maxFiles {
			return fmt.Errorf("code package holds more than %d files", maxFiles)
		}
		if h.Size > maxUnpackedBytes-total { // the sum could overflow
			return fmt.Errorf("code package unpacks to more than %d bytes", maxUnpackedBytes)
		}
		total += h.Size
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if err := visit(h, r); err != nil {
			return err
		}
	}
}

// checkEntry accepts regular files and folders below src and META-INF that nobody may execute. The texts about place and mode are Fabric's.
func checkEntry(h *tar.Header) error {
	name := strings.TrimSuffix(h.Name, "/")
	if !strings.HasPrefix(name, "src/") && !strings.HasPrefix(name, metadataDir+"/") {
		return fmt.Errorf("illegal file detected in payload: %q", h.Name)
	}
	allowed := int64(0o100666)
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		allowed = 0o040777
	default:
		return fmt.Errorf("illegal file type detected for file %s: it is %s, and a package holds files and folders only", h.Name, typeOf(h))
	}
	switch {
	case h.Mode&^allowed != 0:
		return fmt.Errorf("illegal file mode detected for file %s: %o", h.Name, h.Mode)
	case len(name) > maxNameBytes || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00"):
		return fmt.Errorf("illegal file name detected in payload: %q", h.Name)
	}
	return nil
}

func typeOf(h *tar.Header) string {
	switch h.Typeflag {
	case tar.TypeSymlink:
		return fmt.Sprintf("a symbolic link to %q", h.Linkname)
	case tar.TypeLink:
		return fmt.Sprintf("a hard link to %q", h.Linkname)
	case tar.TypeChar, tar.TypeBlock:
		return fmt.Sprintf("the device %d:%d", h.Devmajor, h.Devminor)
	case tar.TypeFifo:
		return "a named pipe"
	}
	return fmt.Sprintf("of type %q", h.Typeflag)
}

// names are those that an archive's entries have taken; the value tells whether it is a folder's.
type names map[string]bool

// take refuses a file's name that is taken, and one below a file. Folders may be named again, and need not be.
func (n names) take(h *tar.Header) error {
	name, isDir := strings.TrimSuffix(h.Name, "/"), h.Typeflag == tar.TypeDir
	if wasDir, taken := n[name]; taken && !(isDir && wasDir) {
		return fmt.Errorf("illegal file name detected in payload: %q occurs twice", h.Name)
	}
	n[name] = isDir
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		isFolder, taken := n[dir]
		if taken && !isFolder {
			return fmt.Errorf("illegal file name detected in payload: %q, but %q is a file", h.Name, dir)
		}
		if taken {
			break
		}
		n[dir] = true
	}
	return nil
}

// Unpack writes the package below dir, which must be empty.
func Unpack(code []byte, dir string) error {
	return Walk(code, func(name string, size int64, content io.Reader) error {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = io.CopyN(f, content, size)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("unpacking %s: %w", name, err)
		}
		return nil
	})
}
