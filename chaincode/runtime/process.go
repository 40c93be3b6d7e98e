package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"syscall"
	"time"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/pack"
)

// Builder makes of a package what can be started, and returns its path. It may be asked again for a package it has built.
type Builder func(ctx context.Context, p *pack.Package) (built string, err error)

// Executable is a command that starts a chaincode.
type Executable struct {
	Path string   // of the program
	Args []string // without the program's name
	Dir  string   // to start it in; empty for the chaincode's own working directory
	Env  []string // what it needs beyond what every chaincode gets, "KEY=value"
	Read []string // files and folders, beyond the program itself, that it must be able to read and execute

	Launcher bool // it is not the chaincode but starts it, so that more must end than the program
}

// Process runs chaincode as child processes of the peer.
type Process struct {
	Build Builder
	// Command says how to start what Build made of a package, given the peer's address. Without it that is a program with the Go shim's flags.
	Command func(p *pack.Package, built, address string) (Executable, error)

	Dir   string        // holds the working directories of running chaincode, of one peer only
	Grace time.Duration // between SIGTERM and SIGKILL; 0 means 2 s
	Log   *slog.Logger  // gets the chaincode's output

	// Limits, if not nil, has chaincode confined to its directory, what its Executable names, the peer's chaincode port and these limits, where
	// the system can do that. The running binary must then know the verb confine.Verb.
	Limits *confine.Limits
	// Debugger, if not nil, runs one chaincode, which is then not confined.
	Debugger *Debugger

	sweep  sync.Once
	builds Builds // by code hash
}

// workPrefix begins the name of every working directory.
const workPrefix = "chaincode-"

// drain is how long output is read on after the child has ended, for a grandchild may hold the pipe open.
const drain = 500 * time.Millisecond

// Start builds the package, at most once at a time for one code hash, and runs it in a process group and working directory of its own.
func (p *Process) Start(ctx context.Context, l Launch) (Instance, error) {
	if l.Package == nil {
		return nil, fmt.Errorf("error building chaincode %s: it has no package", l.ID())
	}
	binary, err := p.builds.Do(ctx, string(l.Package.CodeHash), func(ctx context.Context) (string, error) { return p.Build(ctx, l.Package) })
	if err != nil {
		return nil, fmt.Errorf("error building chaincode %s: %w", l.ID(), err)
	}
	x, err := p.command(&l, binary)
	if err != nil {
		return nil, fmt.Errorf("starting chaincode %s: %w", l.ID(), err)
	}
	dir, err := p.prepare(&l)
	if err != nil {
		return nil, fmt.Errorf("preparing a working directory for chaincode %s: %w", l.ID(), err)
	}
	c := &child{dir: dir, ended: make(chan struct{}), exits: make(chan Exit, 1), grace: p.Grace}
	if c.grace == 0 {
		c.grace = 2 * time.Second
	}
	log := p.Log.With("chaincode", l.ID())
	c.stdout = &lines{emit: func(line string) { log.Info(line, "stream", "stdout") }}
	c.stderr = &lines{emit: func(line string) { log.Info(line, "stream", "stderr"); c.tail.add(line) }}
	path, args, err := p.wrap(&l, x, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting chaincode %s: %w", l.ID(), err)
	}
	c.cmd = &exec.Cmd{
		Path: path,
		Args: args,
		Dir:  cmp.Or(x.Dir, dir),
		Env: append(append(l.Environment(dir),
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME="+dir, "TMPDIR="+dir), x.Env...),
		Stdout:      c.stdout,
		Stderr:      c.stderr,
		WaitDelay:   drain,
		SysProcAttr: isolated(),
	}
	if x.Launcher {
		if c.lifeline, err = confine.Supervise(c.cmd); err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("starting chaincode %s: %w", l.ID(), err)
		}
	}
	closeOnExec()
	started := make(chan error)
	go c.run(started)
	if err := <-started; err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting chaincode %s: %w", l.ID(), err)
	}
	return c, nil
}

// Ready tells what keeps any chaincode from being started, whatever it is written in; nil if nothing does.
func (p *Process) Ready(context.Context) error {
	dir, err := p.makeDir("probe-")
	if err != nil {
		return fmt.Errorf("chaincode processes get no working directories: %w", err)
	}
	return os.Remove(dir)
}

func (p *Process) command(l *Launch, built string) (Executable, error) {
	if p.Command == nil {
		return Executable{Path: built, Args: []string{"-peer.address=" + l.PeerAddress}}, nil
	}
	return p.Command(l.Package, built, l.PeerAddress)
}

// wrap is the command line that runs x in dir: under a debugger, confined, or as it is.
func (p *Process) wrap(l *Launch, x Executable, dir string) (path string, args []string, err error) {
	if d := p.Debugger; d != nil && d.Chaincode == l.Name {
		p.Log.Info("Chaincode runs under Delve, not confined", "chaincode", l.ID(), "attach", "dlv connect "+d.ListenAddress)
		return d.Path, d.command(x.Path, x.Args...), nil
	}
	if p.Limits == nil || confine.Self == "" {
		return x.Path, append([]string{x.Path}, x.Args...), nil
	}
	s := confine.Spec{Dir: dir, Read: x.Read, Limits: *p.Limits}
	if !x.Launcher {
		s.ParentPID = os.Getpid()
	}
	if err := s.Connect(l.PeerAddress); err != nil {
		return "", nil, fmt.Errorf("the peer's chaincode address: %w", err)
	}
	return confine.Self, s.Command(x.Path, x.Args...), nil
}

// prepare makes the working directory with the launch's files in it.
func (p *Process) prepare(l *Launch) (string, error) {
	p.sweep.Do(p.clean)
	dir, err := p.makeDir(workPrefix + l.Name + "." + l.Version + "-")
	if err != nil {
		return "", err
	}
	for name, content := range l.Files() {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			os.RemoveAll(dir)
			return "", err
		}
	}
	return dir, nil
}

// makeDir makes a directory whose name begins with prefix.
func (p *Process) makeDir(prefix string) (string, error) {
	root, err := filepath.Abs(p.Dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(root, prefix)
}

// clean removes what a peer left that was killed.
func (p *Process) clean() {
	left, _ := filepath.Glob(filepath.Join(p.Dir, workPrefix+"*")) // the pattern is fine
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			p.Log.Warn("Cannot remove the working directory of an earlier chaincode", "error", err)
		}
	}
}

// child is a running process.
type child struct {
	cmd            *exec.Cmd
	dir            string
	grace          time.Duration
	lifeline       io.Closer // of a launcher's supervisor; nil without one
	stdout, stderr *lines
	tail           tail
	ended          chan struct{} // closed when the process and its group are gone
	exits          chan Exit
}

// run starts the process and stays with it. The thread is kept because the kernel kills the child when the thread that made it ends.
func (c *child) run(started chan<- error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	err = c.cmd.Wait()
	c.signal(syscall.SIGKILL) // what the child started and left behind
	c.stdout.flush()
	c.stderr.flush()
	os.RemoveAll(c.dir)
	c.exits <- c.exit(err)
	close(c.exits)
	close(c.ended)
}

// exit reads the process's end from Wait's error.
func (c *child) exit(err error) Exit {
	e := Exit{Code: c.cmd.ProcessState.ExitCode(), Stderr: c.tail.last()}
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Code = 128 + int(status.Signal())
	}
	var bad *exec.ExitError
	if err != nil && !errors.As(err, &bad) && !errors.Is(err, exec.ErrWaitDelay) {
		e.Err = err
	}
	return e
}

// LastLines are of stderr.
func (c *child) LastLines(after time.Time) []string { return c.tail.since(after) }

func (c *child) Wait() <-chan Exit { return c.exits }

func (c *child) Stop(ctx context.Context) error {
	c.signal(syscall.SIGTERM)
	grace := time.NewTimer(c.grace)
	defer grace.Stop()
	select {
	case <-c.ended:
		return nil
	case <-grace.C:
	case <-ctx.Done():
	}
	c.kill()
	<-c.ended
	return nil
}

// kill ends the process and what it has started. A supervisor knows more of that than its process group.
func (c *child) kill() {
	if c.lifeline != nil {
		_ = c.lifeline.Close() // it may have been closed by the process's end
		late := time.NewTimer(c.grace)
		defer late.Stop()
		select {
		case <-c.ended:
			return
		case <-late.C:
		}
	}
	c.signal(syscall.SIGKILL)
}

// signal sends sig to the child's process group; that the group is gone is fine.
func (c *child) signal(sig syscall.Signal) {
	select {
	case <-c.ended: // the number may be another group's by now
	default:
		_ = syscall.Kill(-c.cmd.Process.Pid, sig)
	}
}
