package tool

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/heddleledger/heddle/chaincode/confine"
)

// Job is one run of a program.
type Job struct {
	Program string
	Args    []string
	Dir     string // where it is started
	Env     []string

	// Limits, if not nil, has it confined to what follows and to these limits. The running binary must then know the verb confine.Verb.
	Limits *confine.Limits
	Work   string   // folder that may be read and written
	Read   []string // files and folders that may be read, if they are there, besides what every program of the system reads
	Write  []string // folders that may be written, and are made if they are not there
	Ports  []uint16 // TCP ports that may be connected to
	Open   bool     // TCP and UDP are not restricted
}

// Run runs the program and returns what it printed, of very much the end. A cancelled context ends it and all it started.
func (j Job) Run(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, j.Program, j.Args...)
	cmd.Dir, cmd.Env = j.Dir, j.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if j.Limits != nil && confine.Self != "" {
		lifeline, err := j.confine(cmd)
		if err != nil {
			return "", err
		}
		cmd.Cancel = lifeline.Close
	}
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return string(out), err
}

// maxOutput is how much of a program's output is kept at least, in bytes: what a package has the tool print must not fill the peer's memory.
const maxOutput = 1 << 20

// output keeps the end of what is written to it.
type output []byte

func (o *output) Write(b []byte) (int, error) {
	*o = append(*o, b[max(0, len(b)-maxOutput):]...)
	if len(*o) > 2*maxOutput {
		*o = append((*o)[:0], (*o)[len(*o)-maxOutput:]...)
	}
	return len(b), nil
}

// confine has the command confined, under a supervisor.
func (j Job) confine(cmd *exec.Cmd) (lifeline io.Closer, err error) {
	for _, dir := range j.Write {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making the cache of %s: %w", filepath.Base(j.Program), err)
		}
	}
	s := confine.Spec{
		Dir: j.Work, Read: append(Toolchain(j.Program), existing(j.Read)...), Write: j.Write,
		Ports: j.Ports, Lookup: true, Open: j.Open, Limits: *j.Limits,
	}
	cmd.Path, cmd.Args = confine.Self, s.Command(j.Program, j.Args...)
	return confine.Supervise(cmd)
}

// Run is a Job that is not confined.
func Run(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	return Job{Program: program, Args: args, Dir: dir, Env: env}.Run(ctx)
}
