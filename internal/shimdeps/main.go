// Command shimdeps writes the archive of third-party sources that heddle carries for building chaincode offline: the packages of
// google.golang.org/protobuf and github.com/golang/protobuf that the shim needs or that chaincode uses, at the versions go.mod pins.
//
// Usage, from the module's root: go run ./internal/shimdeps <archive>, or make shim-deps. The archive's tar is a function of go.mod alone; a test
// of package chaincode/platform/golang fails when it is out of date.
package main

import (
	"fmt"
	"os"

	"github.com/heddleledger/heddle/internal/shimdeps/collect"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shimdeps:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the archive to write; got %d", len(args))
	}
	files, err := collect.Files()
	if err != nil {
		return err
	}
	b, err := collect.Archive(files)
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0], b, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d files, %d bytes\n", args[0], len(files), len(b))
	return nil
}
