// Package golang knows what Go chaincode needs: how its sources are collected into a code package, what a code package may hold, and how it is
// built on this machine without any network.
//
// # Collecting
//
// Collect takes a path below GOPATH/src, as Fabric 1.4 does, and then makes the tar that the 1.4.12 tools make, entry for entry: the package's own
// folder under src/<import path>/, what it imports from elsewhere in GOPATH under its vendor folder, META-INF at the top. For a folder inside a
// module it takes the module whole, as 2.x does.
//
// # What is carried
//
// The heddle binary holds the sources of the shim (package heddle, ShimSources) and of the protobuf runtime (deps.tar.gz, made by make shim-deps).
// Build writes them once into its cache folder, laid out as a GOPATH, together with packages under the import paths that chaincode knows:
// those are generated and hold nothing but aliases (aliases.go lists them).
//
// # Building
//
// A package with a go.mod is built in module mode, with -mod=vendor if it has a vendor folder and else with the carried modules in place of those it
// names; any other is built in GOPATH mode. In both, GOPROXY=off: a build either finds everything on this machine or fails, naming what
// is missing. cgo is off. The executable is kept under a key made of the code package, its path, the toolchain and the carried sources.
//
// A code package comes from outside; package archive checks it while it is read, before anything is written.
package golang

import "log/slog"

// BuildRequest is one code package to build.
type BuildRequest struct {
	CodePackage []byte // tar.gz, as Collect makes it
	Path        string // import path of the main package: ChaincodeID.path
	CacheDir    string // keeps the carried sources and built executables; made if absent
	Debug       bool   // for a debugger: with symbols, the chaincode's own packages as they are written, files named by import path
	Log         *slog.Logger
}
