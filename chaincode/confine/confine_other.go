//go:build !linux

package confine

import (
	"fmt"
	"io"
)

// Self is empty: only Linux confines.
const Self = ""

// Missing names what this system cannot enforce.
func Missing(*Spec) []string {
	return []string{"anything: chaincode is confined on Linux only"}
}

// Exec fails: only Linux confines.
func Exec(_ []string, stderr io.Writer) int {
	fmt.Fprintln(stderr, Verb+": only Linux confines")
	return failed
}
