// Package golang knows what Go chaincode needs: how its sources are collected into a code package, what a code package may hold, and how it is
// built on this machine without any network.
package golang

import (
	"context"
	"errors"
	"log/slog"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// BuildRequest is one code package to build.
type BuildRequest struct {
	CodePackage []byte // tar.gz, as Collect makes it
	Path        string // import path of the main package: ChaincodeID.path
	CacheDir    string // keeps the carried sources and built binaries; made if absent
	Log         *slog.Logger
}

// ValidatePath says whether path names Go sources on this machine: a directory below GOPATH/src, or one inside a module.
// env is the process environment ("KEY=value"), of which GOPATH, HOME and PATH are read.
func ValidatePath(path string, env []string) error { return errors.New("not built yet") }

// NormalizePath returns the ChaincodeID.path to record for path: the import path of the package.
func NormalizePath(path string, env []string) (string, error) {
	return "", errors.New("not built yet")
}

// Collect packages the sources at path, and what they need that is neither standard library nor carried, as Fabric 1.4.12 does.
func Collect(path string, env []string) ([]byte, error) { return nil, errors.New("not built yet") }

// Validate checks the code package of a deployment spec. An empty one is fine.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error { return errors.New("not built yet") }

// Build returns the path of the chaincode's executable, building it if no earlier Build of the same package did.
func Build(ctx context.Context, r BuildRequest) (binary string, err error) {
	return "", errors.New("not built yet")
}
