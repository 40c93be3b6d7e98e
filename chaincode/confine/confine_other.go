//go:build !linux

package confine

import (
	"fmt"
	"io"
	"os/exec"
)

// Self is empty: only Linux confines.
const Self = ""

// Missing names what this system cannot enforce.
func Missing(*Spec) []string {
	return []string{"anything: chaincode is confined on Linux only"}
}

// Supervise leaves a command as it is: only Linux knows descendants. Closing the pipe ends nothing.
func Supervise(cmd *exec.Cmd) (lifeline io.Closer, err error) { return cmd.StdinPipe() }

// Exec fails: only Linux confines.
func Exec(_ []string, stderr io.Writer) int {
	fmt.Fprintln(stderr, Verb+": only Linux confines")
	return failed
}
