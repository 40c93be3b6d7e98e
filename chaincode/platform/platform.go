// Package platform is what the rest of the house asks about a chaincode's language: collect its sources, check a package, build it.
//
// Each language has a package below this one; this package picks it by the type in the chaincode's spec.
package platform

import (
	"context"
	"fmt"

	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Collect packages the sources that path names on this machine. It returns the path to record in the chaincode id and the code package.
// env is the environment to look in ("KEY=value").
func Collect(language peerpb.ChaincodeSpec_Type, path string, env []string) (recorded string, code []byte, err error) {
	if err := supported(language); err != nil {
		return "", nil, err
	}
	if err := golang.ValidatePath(path, env); err != nil {
		return "", nil, err
	}
	if recorded, err = golang.NormalizePath(path, env); err != nil {
		return "", nil, err
	}
	code, err = golang.Collect(path, env)
	return recorded, code, err
}

// Validate checks the code package of a deployment spec.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error {
	if err := supported(spec.GetChaincodeSpec().GetType()); err != nil {
		return err
	}
	return golang.Validate(spec)
}

// Build makes an executable of a code package and returns its path.
func Build(ctx context.Context, language peerpb.ChaincodeSpec_Type, r golang.BuildRequest) (string, error) {
	if err := supported(language); err != nil {
		return "", err
	}
	return golang.Build(ctx, r)
}

func supported(language peerpb.ChaincodeSpec_Type) error {
	if language != peerpb.ChaincodeSpec_GOLANG {
		return fmt.Errorf("Unknown chaincodeType: %s; this peer runs GOLANG", language)
	}
	return nil
}
