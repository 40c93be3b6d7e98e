package confine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supervise, as the first argument after Verb, has this process stay above a program.
const supervise = "supervise"

// Supervise has a command, which must not have been started yet, run under a supervisor: a process of this binary that is not confined, ends as
// the program ends, and sees to it that all that the program has started, and that this has started in turn, ends too. It does the same when
// the pipe that is returned is closed, or its owner dies. The program's standard input is empty.
func Supervise(cmd *exec.Cmd) (lifeline io.Closer, err error) {
	cmd.Path, cmd.Args = Self, append([]string{"chaincode", Verb, supervise, cmd.Path}, cmd.Args...)
	if cmd.SysProcAttr != nil {
		cmd.SysProcAttr.Pdeathsig = 0 // the supervisor outlives its parent for as long as it has to
	}
	return cmd.StdinPipe()
}

// superviseProgram runs the command line that Supervise was given and returns its exit status.
func superviseProgram(command []string, stderr io.Writer) int {
	if len(command) < 2 {
		fmt.Fprintln(stderr, Verb+": no program to supervise")
		return failed
	}
	runtime.LockOSThread() // the program ends with the thread that started it
	program, err := startSupervised(command[0], command[1:])
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", Verb, err)
		return failed
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		for { // until this process ends, which the program's end brings about
			_ = killDescendants()
			time.Sleep(killPause)
		}
	}()
	status := 0
	for {
		var how unix.WaitStatus
		pid, err := unix.Wait4(-1, &how, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			fmt.Fprintf(stderr, "%s: waiting for %s: %s\n", Verb, command[0], err)
			return failed
		case pid != program:
			continue // somebody's orphan
		}
		if status = how.ExitStatus(); how.Signaled() {
			status = 128 + int(how.Signal())
		}
		break
	}
	for killDescendants() {
		reap()
		time.Sleep(killPause)
	}
	reap()
	return status
}

// reap waits for the children of this process that have ended.
func reap() {
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// killPause is the time between two looks at what is left to kill.
const killPause = 5 * time.Millisecond

// startSupervised starts the program with orphans among its descendants coming to this process. Signals to the process group are the program's
// to react to.
func startSupervised(path string, args []string) (pid int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("becoming the parent of orphans: %w", err)
	}
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP) // not Ignore, which the program would inherit
	none, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer none.Close()
	p, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{none, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	return p.Pid, nil
}

// killDescendants kills all that descends from this process and tells whether there was anything that still ran.
func killDescendants() bool {
	parents := parentsOfRunning()
	own, found := os.Getpid(), false
	for pid := range parents {
		ancestor := pid
		for range len(parents) { // numbers are used again: the chain may have become a ring
			if ancestor = parents[ancestor]; ancestor == own || ancestor == 0 {
				break
			}
		}
		if ancestor == own {
			found = true
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended meanwhile
		}
	}
	return found
}

// parentsOfRunning maps the processes of this machine to their parents; dead ones that nobody has waited for are left out.
func parentsOfRunning() map[int]int {
	parents := map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is fine
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		number, rest := filepath.Base(filepath.Dir(f)), string(b)
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:]) // state, parent, …; the name before them may hold anything
		if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		pid, err := strconv.Atoi(number)
		parent, err2 := strconv.Atoi(fields[1])
		if err == nil && err2 == nil {
			parents[pid] = parent
		}
	}
	return parents
}
