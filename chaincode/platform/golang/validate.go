package golang

import (
	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Validate checks the code package of a deployment spec, reading all of it: see package archive. An empty package is fine, as in Fabric,
// where a package for development mode has none.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error {
	return archive.Validate(spec.GetCodePackage(), nil)
}
