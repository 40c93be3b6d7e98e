// Package platform is what the rest of the house asks about a chaincode's language: collect its sources, check a package, build it, start it.
//
// Each language has a package below this one; this package picks it by the type in the chaincode's spec.
package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/platform/car"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/platform/java"
	"github.com/heddleledger/heddle/chaincode/platform/node"
	"github.com/heddleledger/heddle/chaincode/platform/tool"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Collect packages the sources that path names on this machine. It returns the path to record in the chaincode id and the code package.
// env is the environment to look in ("KEY=value").
func Collect(language peerpb.ChaincodeSpec_Type, path string, env []string) (recorded string, code []byte, err error) {
	switch language {
	case peerpb.ChaincodeSpec_GOLANG:
		if err := golang.ValidatePath(path, env); err != nil {
			return "", nil, err
		}
		if recorded, err = golang.NormalizePath(path, env); err != nil {
			return "", nil, err
		}
		code, err = golang.Collect(path, env)
	case peerpb.ChaincodeSpec_NODE:
		recorded = path
		code, err = node.Collect(path)
	case peerpb.ChaincodeSpec_JAVA:
		recorded = path
		code, err = java.Collect(path)
	case peerpb.ChaincodeSpec_CAR:
		recorded = path
		code, err = car.Collect(path)
	default:
		return "", nil, unknown(language)
	}
	return recorded, code, err
}

// Validate checks the code package of a deployment spec.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error {
	switch language := spec.GetChaincodeSpec().GetType(); language {
	case peerpb.ChaincodeSpec_GOLANG:
		return golang.Validate(spec)
	case peerpb.ChaincodeSpec_NODE:
		return node.Validate(spec.GetCodePackage())
	case peerpb.ChaincodeSpec_JAVA:
		return java.Validate(spec.GetCodePackage())
	case peerpb.ChaincodeSpec_CAR:
		return car.Validate(spec.GetCodePackage())
	default:
		return unknown(language)
	}
}

// Missing says which languages, beyond Go, this machine cannot run, and what to install.
func Missing(env []string) []error {
	return slices.DeleteFunc([]error{node.Ready(env), java.Ready(env)}, func(err error) bool { return err == nil })
}

// Build makes of a code package what Command can start, and returns its path. env is the peer's environment, where the tools are looked for.
// With limits, tools that a package could make do something are confined: see package tool.
func Build(ctx context.Context, language peerpb.ChaincodeSpec_Type, r golang.BuildRequest, env []string, limits *confine.Limits) (string, error) {
	switch language {
	case peerpb.ChaincodeSpec_GOLANG:
		return golang.Build(ctx, r)
	case peerpb.ChaincodeSpec_NODE:
		return node.Build(ctx, r.CodePackage, r.CacheDir, env, limits, r.Log)
	case peerpb.ChaincodeSpec_JAVA:
		return java.Build(ctx, r.CodePackage, r.CacheDir, env, limits, r.Log)
	case peerpb.ChaincodeSpec_CAR:
		source, err := car.Source(r.CodePackage)
		if err != nil {
			return "", err
		}
		r.CodePackage, r.Path = source, car.MainPackage
		return golang.Build(ctx, r)
	default:
		return "", unknown(language)
	}
}

// Sweep removes from the folder of a build cache what a peer left there that was killed while it built. Nothing may be building there.
func Sweep(cacheDir string) error {
	left, _ := filepath.Glob(filepath.Join(cacheDir, "build-*")) // the pattern is fine; every language begins the names of its folders so
	var errs []error
	for _, dir := range left {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// Command says how to start, as a process of this machine, what Build has made. address is the peer's, host:port.
func Command(language peerpb.ChaincodeSpec_Type, built, address string, env []string) (runtime.Executable, error) {
	switch language {
	case peerpb.ChaincodeSpec_GOLANG, peerpb.ChaincodeSpec_CAR:
		return runtime.Executable{Path: built, Args: []string{"-peer.address=" + address}}, nil
	case peerpb.ChaincodeSpec_NODE:
		p, err := node.Command(built, address, env)
		return runtime.Executable{Path: p.Path, Args: p.Args, Dir: p.Dir, Env: p.Env, Read: append(tool.Toolchain(p.Path), built), Launcher: p.Launcher}, err
	case peerpb.ChaincodeSpec_JAVA:
		program, args, err := java.Command(built, address, env)
		return runtime.Executable{Path: program, Args: args, Read: append(tool.Toolchain(program), built)}, err
	default:
		return runtime.Executable{}, unknown(language)
	}
}

func unknown(language peerpb.ChaincodeSpec_Type) error {
	return fmt.Errorf("Unknown chaincodeType: %s; this peer runs GOLANG, NODE, JAVA and CAR", language)
}
