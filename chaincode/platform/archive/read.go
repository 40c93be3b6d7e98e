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

	"github.com/heddleledger/heddle/chaincode/platform/metadata"
)

// What a code package may unpack to. Fabric's own limit is that of a gRPC message, 100 MB, on the compressed package.
const (
	maxFiles         = 50_000
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
	var files, total int64
	for {
		h, err := r.Next()
		switch {
		case limited.N <= 0:
			return fmt.Errorf("code package unpacks to more than %d bytes", int64(maxTarBytes))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading code package: %w", err)
		}
		if err := checkEntry(h); err != nil {
			return err
		}
		if files++; files > maxFiles {
			return fmt.Errorf("code package holds more than %d files", maxFiles)
		}
		if total += h.Size; total > maxUnpackedBytes {
			return fmt.Errorf("code package unpacks to more than %d bytes", maxUnpackedBytes)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if err := visit(h, r); err != nil {
			return err
		}
	}
}

// checkEntry accepts regular files and folders below src and META-INF that nobody may execute. The first two texts are Fabric's.
func checkEntry(h *tar.Header) error {
	name := strings.TrimSuffix(h.Name, "/")
	if !strings.HasPrefix(h.Name, "src/") && !strings.HasPrefix(h.Name, metadataDir+"/") {
		return fmt.Errorf("illegal file detected in payload: %q", h.Name)
	}
	allowed := int64(0o100666)
	if h.Typeflag == tar.TypeDir {
		allowed = 0o040777
	}
	if h.Mode&^allowed != 0 {
		return fmt.Errorf("illegal file mode detected for file %s: %o", h.Name, h.Mode)
	}
	switch {
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir:
		return fmt.Errorf("illegal file type detected for file %s: %q is neither a regular file nor a folder", h.Name, h.Typeflag)
	case len(name) > maxNameBytes || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00"):
		return fmt.Errorf("illegal file name detected in payload: %q", h.Name)
	}
	return nil
}

// Unpack writes the package below dir, which must be empty. A name that occurs twice, or as a file and as a folder, is refused.
func Unpack(code []byte, dir string) error {
	return Walk(code, func(name string, size int64, content io.Reader) error {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("illegal file name detected in payload: %q: %w", name, err)
		}
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("illegal file name detected in payload: %q occurs twice", name)
		}
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

// Validate reads all of a code package and checks its metadata. allow, if there is one, is asked about every file's name. An empty package is
// fine, as in Fabric, where a package for development mode has none.
func Validate(code []byte, allow func(name string) error) error {
	if len(code) == 0 {
		return nil
	}
	return Walk(code, func(name string, size int64, content io.Reader) error {
		if allow != nil {
			if err := allow(name); err != nil {
				return err
			}
		}
		if !strings.HasPrefix(name, metadataDir+"/statedb/") {
			return nil
		}
		if size > maxIndexBytes {
			return fmt.Errorf("invalid state database artifact: %s has %d bytes, more than %d", name, size, maxIndexBytes)
		}
		b, err := io.ReadAll(content)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if err := metadata.Check(name, b); err != nil {
			return fmt.Errorf("invalid state database artifact: %w", err)
		}
		return nil
	})
}
