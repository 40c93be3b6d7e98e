// Package node knows what Node.js chaincode needs: how a project's files are collected into a code package, what a code package may hold, how
// its modules are put beside it, and how it is started.
//
// # Building
//
// Build unpacks a package into a folder of the build cache and, unless the package brings a node_modules folder of its own, has npm install what
// package.json asks for in production. npm runs with --ignore-scripts: nothing that comes with a package or with one of its modules is executed
// by a build. The folder's name is made of the package and of the versions of Node.js and of npm; a folder with that name is complete.
//
// # Starting
//
// What Fabric starts is `npm start -- --peer.address HOST:PORT` in the project's folder. Where package.json's start script is nothing but a
// program and its arguments (`node index.js`, `fabric-chaincode-node start`), Command runs that under node itself: it saves a shell, npm's start,
// and the memory of both. Programs are found through the modules' own package.json, as a code package cannot hold the links of node_modules/.bin.
package node

import (
	"errors"
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// Collect packages the project in the folder at path as Fabric 1.4 does: all of it but its node_modules.
func Collect(path string) ([]byte, error) {
	if err := archive.CheckFolder(path); err != nil {
		return nil, err
	}
	return archive.Folder(path, func(name string) bool { return strings.HasPrefix(name, "node_modules/") })
}

// Validate checks a code package, reading all of it. An empty package is fine, as in Fabric, where a package for development mode has none.
func Validate(code []byte) error {
	found := len(code) == 0
	err := archive.Validate(code, func(name string, _ []byte) error {
		found = found || name == "src/package.json"
		return nil
	})
	if err == nil && !found {
		return errNoManifest
	}
	return err
}

// errNoManifest begins with Fabric's text.
var errNoManifest = errors.New("no package.json found at the root of the chaincode package")

// Program is how to start a built chaincode.
type Program struct {
	Path string   // of an executable
	Args []string // the peer's address is the last
	Dir  string   // to start it in
	Env  []string // what it needs beyond what the peer gives, "KEY=value"

	Launcher bool // it is npm, under which the chaincode runs
}

func fail(what string, err error, output string) error {
	return fmt.Errorf("%s: %w\n%s", what, err, output)
}
