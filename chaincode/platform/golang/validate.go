package golang

import (
	"fmt"
	"io"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/metadata"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// maxIndexBytes bounds an index definition; real ones have a few hundred bytes.
const maxIndexBytes = 1 << 20

// Validate checks the code package of a deployment spec, reading all of it: see the package documentation. An empty package is fine, as in Fabric,
// where a package for development mode has none.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error {
	if len(spec.GetCodePackage()) == 0 {
		return nil
	}
	return walkPackage(spec.CodePackage, func(name string, size int64, content io.Reader) error {
		if !strings.HasPrefix(name, "META-INF/statedb/") {
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
