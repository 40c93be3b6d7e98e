package localnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
	pollInterval = 10 * time.Millisecond
	tailLength   = 4096 // bytes of a node's log that an error quotes
)

// process is one node as a child of this process. It dies with it.
type process struct {
	name    string
	args    []string
	dir     string // holds its configuration
	env     []string
	log     string
	address string // answers once the node is ready

	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
	err  error         // why, once done is closed
}

// start launches the node and returns when it listens.
func (p *process) start(ctx context.Context, executable string) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(executable, p.args...)
	cmd.Dir = p.dir
	cmd.Env = append(p.env, "FABRIC_CFG_PATH="+p.dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p.cmd, p.done = cmd, make(chan struct{})
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel sends Pdeathsig when the thread that started the child ends
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		p.cmd = nil
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	return p.ready(ctx)
}

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if c, err := net.DialTimeout("tcp", p.address, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it listened (%w); the end of %s:\n%s", p.name, p.err, p.log, tail(p.log))
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer at %s: %w; the end of %s:\n%s", p.name, p.address, ctx.Err(), p.log, tail(p.log))
		case <-time.After(pollInterval):
		}
	}
}

// stop asks the node to end and waits; a node that does not end in time is killed, and that is an error.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		p.kill()
		return fmt.Errorf("%s did not stop within %s and was killed", p.name, stopTimeout)
	}
}

// kill ends the node at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil && end > tailLength {
		_, _ = f.Seek(-tailLength, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	b, _ := io.ReadAll(f)
	return strings.TrimSpace(string(b))
}

func (n *Network) newProcess(node Node, args ...string) *process {
	return &process{
		name: node.Name, args: args, address: node.Address(),
		dir: filepath.Join(n.Dir, "nodes", node.Name),
		env: n.inherited(),
		log: filepath.Join(n.Dir, "logs", node.Name+".log"),
	}
}
