package confine

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Self is the path under which a process starts its own binary, whatever has become of the file.
const Self = "/proc/self/exe"

// Exec confines this process as args, which Spec.Command has made, say and becomes the program. It returns an exit status if that fails. With
// the arguments that Supervise has made it supervises a program, and returns that program's exit status.
func Exec(args []string, stderr io.Writer) int {
	if len(args) > 0 && args[0] == supervise {
		return superviseProgram(args[1:], stderr)
	}
	s, program, err := parse(args)
	if err == nil {
		err = s.become(program)
	}
	fmt.Fprintf(stderr, "%s: %s\n", Verb, err)
	return failed
}

// become does everything on one thread, since most of it is the thread's and exec keeps only the one that calls it.
func (s *Spec) become(program []string) error {
	runtime.LockOSThread()
	limits, err := s.Limits.resources()
	if err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	if err := s.landlock(program[0]); err != nil {
		return fmt.Errorf("Landlock: %w", err)
	}
	if err := s.filter(); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tying its life to the peer's: %w", err)
	}
	if s.ParentPID != 0 && os.Getppid() != s.ParentPID {
		return fmt.Errorf("the peer, process %d, is gone", s.ParentPID)
	}
	for _, l := range limits { // last, as they bind this process too
		if err := unix.Setrlimit(l.resource, &l.Rlimit); err != nil {
			return fmt.Errorf("limiting its %s: %w", l.name, err)
		}
	}
	if err := syscall.Exec(program[0], program, os.Environ()); err != nil {
		return fmt.Errorf("starting %s: %w", program[0], err)
	}
	return nil
}
