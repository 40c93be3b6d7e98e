// Package version says which Heddle this is.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Number is Heddle's version.
const Number = "0.1.0"

// Fabric is the release whose clients, chaincodes and tools this version is compatible with.
const Fabric = "1.4.12"

// FabricBase is the version of the base images that go with that release.
const FabricBase = "0.4.22"

// Text is what the version commands print. The first lines are those of Fabric's tools.
func Text(program string) string {
	return fmt.Sprintf("%s:\n Version: %s\n Commit SHA: %s\n Go version: %s\n OS/Arch: %s/%s\n Heddle: %s\n",
		program, Fabric, Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, Number)
}

// Commit is the revision the binary was built from, or "development build".
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "development build"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "development build"
}
