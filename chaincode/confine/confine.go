// Package confine runs a program with little more than what it needs, as far as the kernel can see to that.
//
// A confined program is started by way of this binary: the parent starts itself under the verb Verb with a Spec; that process gives up what
// the Spec does not grant, one thing after the other, and becomes the program. So nothing of the parent's is ever held by the program, and the
// parent itself stays as it is.
//
// On Linux, in this order:
//
//   - resource limits;
//   - capabilities: a root user's are dropped, for good;
//   - Landlock: of the file system only the program, its directories, its toolchain and a few files that every program reads; of TCP only
//     connections to the named ports; signals and abstract sockets stay within the program's own processes;
//   - a seccomp filter for what Landlock leaves open: sockets of other kinds, and other ways to use one;
//   - the end with the parent, which must come last as the kernel forgets it when privileges change.
//
// A program that starts others runs under a supervisor (Supervise), since the kernel ends with the parent only what the parent itself has started.
//
// Invariant: best effort is decided by what the kernel has, never by what goes wrong: where it has a means and that fails, nothing is run.
// Missing tells what it has not.
package confine

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// Verb is the first argument under which a binary must call Exec with the arguments that follow.
const Verb = "chaincode-exec"

// Spec is what a program is granted.
type Spec struct {
	Dir       string   // may be read and written
	Read      []string // further files and folders that may be read and executed
	Write     []string // further folders that may be read and written
	Ports     []uint16 // TCP ports, of any host, that may be connected to
	Lookup    bool     // names may be looked up in DNS
	Open      bool     // TCP and UDP are not restricted
	Limits    Limits
	ParentPID int // who ends the program with its own end; 0 for a supervisor
}

// Limits bound what a program uses. Zero is no limit.
type Limits struct {
	Memory    int64 // bytes of its data, for each of its processes
	Files     int   // open ones, for each of its processes
	Processes int   // and threads, beyond those that its user runs already
}

// Connect grants TCP connections to an address, host:port, and if the host is a name, that it is looked up.
func (s *Spec) Connect(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("the port of %s: %w", address, err)
	}
	s.Ports, s.Lookup = append(s.Ports, uint16(number)), host != "localhost" && net.ParseIP(host) == nil
	return nil
}

// Command is the command line that runs program, with its arguments, confined.
func (s *Spec) Command(program string, args ...string) []string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a struct of plain fields: %s", err))
	}
	return append([]string{"chaincode", Verb, string(encoded), program}, args...)
}

// parse reads the arguments of Verb.
func parse(args []string) (s *Spec, program []string, err error) {
	if len(args) < 2 {
		return nil, nil, fmt.Errorf("%s is what a peer starts chaincode with; it is of no use by hand", Verb)
	}
	s = &Spec{}
	if err := json.Unmarshal([]byte(args[0]), s); err != nil {
		return nil, nil, fmt.Errorf("reading what the program may do: %w", err)
	}
	return s, args[1:], nil
}

// failed is the exit status for "not started".
const failed = 126
