// Package collect finds the third-party sources that heddle carries for chaincode, and packs them.
package collect

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	// What chaincode of the time imports, so that go.mod and go.sum pin it.
	_ "github.com/golang/protobuf/jsonpb"
	_ "github.com/golang/protobuf/proto"
	_ "github.com/golang/protobuf/ptypes"
	_ "github.com/golang/protobuf/ptypes/empty"
	_ "github.com/golang/protobuf/ptypes/struct"
	_ "github.com/golang/protobuf/ptypes/wrappers"
)

// roots are the packages chaincode may import; what they import comes with them.
var roots = []string{
	"github.com/golang/protobuf/jsonpb",
	"github.com/golang/protobuf/proto",
	"github.com/golang/protobuf/ptypes",
	"github.com/golang/protobuf/ptypes/any",
	"github.com/golang/protobuf/ptypes/duration",
	"github.com/golang/protobuf/ptypes/empty",
	"github.com/golang/protobuf/ptypes/struct",
	"github.com/golang/protobuf/ptypes/timestamp",
	"github.com/golang/protobuf/ptypes/wrappers",
	"google.golang.org/protobuf/encoding/protojson",
	"google.golang.org/protobuf/encoding/prototext",
	"google.golang.org/protobuf/encoding/protowire",
	"google.golang.org/protobuf/proto",
	"google.golang.org/protobuf/types/descriptorpb",
	"google.golang.org/protobuf/types/known/anypb",
	"google.golang.org/protobuf/types/known/durationpb",
	"google.golang.org/protobuf/types/known/emptypb",
	"google.golang.org/protobuf/types/known/fieldmaskpb",
	"google.golang.org/protobuf/types/known/structpb",
	"google.golang.org/protobuf/types/known/timestamppb",
	"google.golang.org/protobuf/types/known/wrapperspb",
}

// licences are the files of a module that must go where its sources go.
var licences = []string{"LICENSE", "PATENTS"}

// Files returns the contents of all files to carry by "<import path>/<file>". It asks the go command, which needs no network as long as the
// module cache holds what go.mod pins.
func Files() (map[string][]byte, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,IgnoredGoFiles,EmbedFiles"}, roots...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	files := map[string][]byte{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir                     string
			Standard                            bool
			Module                              struct{ Path, Dir string }
			GoFiles, IgnoredGoFiles, EmbedFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		if p.Standard {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.EmbedFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			if files[p.ImportPath+"/"+name], err = os.ReadFile(filepath.Join(p.Dir, name)); err != nil {
				return nil, err
			}
		}
		for _, name := range licences {
			b, err := os.ReadFile(filepath.Join(p.Module.Dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			files[p.Module.Path+"/"+name] = b
		}
	}
}

// Archive packs files, in order of their names and without times or owners.
func Archive(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(gz)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
