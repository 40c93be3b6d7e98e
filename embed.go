package heddle

import (
	"embed"
	"io/fs"
	"strings"
)

// shimFiles are the shim and the messages chaincode uses. Patterns cannot leave files out; ShimSources does.
//
//go:embed shim/*.go shim/*/*.go
//go:embed wire/commonpb/*.pb.go wire/msppb/*.pb.go wire/peerpb/*.pb.go wire/querypb/*.pb.go wire/rwsetpb/*.pb.go wire/kvrwsetpb/*.pb.go
var shimFiles embed.FS

// ShimSources returns the Go sources of the shim and of what it imports within this module, by their paths in it. Tests are left out, and so are
// gRPC's generated services, which the shim does not use and which would make every chaincode compile grpc-go.
func ShimSources() (map[string][]byte, error) {
	sources := map[string][]byte{}
	err := fs.WalkDir(shimFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_grpc.pb.go") {
			return err
		}
		sources[path], err = shimFiles.ReadFile(path)
		return err
	})
	return sources, err
}

// sampleFiles are chaincodes written for Fabric 1.4 and 2.x, laid out as a GOPATH: the import paths they use are not this module's to resolve, and
// the underscore keeps the go command from trying.
//
//go:embed all:samples/_gopath
var sampleFiles embed.FS

// Samples returns a GOPATH with sample chaincodes: src/example.com/asset, asset2 (its next version), marbles, counter, load and notes.
func Samples() (fs.FS, error) { return fs.Sub(sampleFiles, "samples/_gopath") }
