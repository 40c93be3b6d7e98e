package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/metadata"
)

// File is a file to pack. Metadata is what has a name that begins with META-INF.
type File struct {
	Name    string // in the archive, with slashes
	Content []byte
}

// Pack writes the files in the given order: see the package documentation. Hidden metadata files are left out, all other metadata is checked.
func Pack(files []File) ([]byte, error) {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range files {
		if strings.HasPrefix(f.Name, metadataDir) {
			if strings.HasPrefix(path.Base(f.Name), ".") {
				continue
			}
			if err := metadata.Check(f.Name, f.Content); err != nil {
				return nil, err
			}
		}
		// Fabric takes the owner's name from the file. Everyone who runs its tools in their container is root, and with one name the same
		// sources have the same hash for all.
		err := w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Content)), Mode: 0o100644, Uid: 500, Gid: 500, Uname: "root", Gname: "root",
		})
		if err != nil {
			return nil, fmt.Errorf("Error writing %s to tar: %w", f.Name, err)
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, fmt.Errorf("Error writing %s to tar: %w", f.Name, err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		return nil, fmt.Errorf("failed to create tar for chaincode: %w", err)
	}
	return b.Bytes(), nil
}
