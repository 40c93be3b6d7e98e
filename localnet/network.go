package localnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Options say what network to make. They matter only when the directory holds none yet.
type Options struct {
	Dir             string // made if missing
	Executable      string // the heddle binary; empty means the running one
	Consensus       string // etcdraft (the default) or solo
	Channel         string // the application channel; mychannel by default
	NoTLS           bool   // nodes and clients talk plain text
	MutualTLS       bool
	DevMode         bool
	Debug           string // name of a Go chaincode that the peers run under Delve, as long as this Network is used
	DockerEndpoint  string // chaincode runs in containers of this engine; empty: as processes
	FreePorts       bool   // take free ports instead of the customary ones
	BatchTimeout    time.Duration
	MaxMessageCount int
}

func (o *Options) ensureDefaults() error {
	if o.Consensus == "" {
		o.Consensus = "etcdraft"
	}
	if o.Channel == "" {
		o.Channel = "mychannel"
	}
	if o.BatchTimeout == 0 {
		o.BatchTimeout = 500 * time.Millisecond
	}
	if o.MaxMessageCount == 0 {
		o.MaxMessageCount = 500
	}
	if o.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding the running executable: %w", err)
		}
		o.Executable = self
	}
	dir, err := filepath.Abs(o.Dir)
	o.Dir = dir
	return err
}

// Network is a network in a directory. Its methods are for one goroutine.
type Network struct {
	Plan
	Dir string // absolute

	executable string
	processes  map[string]*process // by node name
	locked     *os.File            // while the network runs
	debugging  map[string]string   // by peer name, where Delve listens; empty if nothing is debugged
}

// Open makes the network that o describes or, where o.Dir holds one, takes that. Nothing runs yet.
func Open(ctx context.Context, o Options) (*Network, error) {
	if err := o.ensureDefaults(); err != nil {
		return nil, err
	}
	n := &Network{Dir: o.Dir, executable: o.Executable, processes: map[string]*process{}}
	for _, d := range []string{"", "logs"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	plan, err := readPlan(o.Dir)
	switch {
	case err == nil:
		n.Plan = plan
	case errors.Is(err, fs.ErrNotExist):
		if n.Plan, err = newPlan(o); err != nil {
			return nil, err
		}
		if err := n.build(ctx); err != nil {
			return nil, fmt.Errorf("making a network in %s: %w", o.Dir, err)
		}
	default:
		return nil, err
	}
	if err := n.writeForClients(); err != nil {
		return nil, fmt.Errorf("writing what clients of the network in %s read: %w", o.Dir, err)
	}
	n.processes[n.Orderer.Name] = n.newProcess(n.Orderer, "orderer", "start")
	for _, org := range n.Orgs {
		args := []string{"peer", "node", "start"}
		if n.DevMode {
			args = append(args, "--peer-chaincodedev")
		}
		n.processes[org.Peer.Name] = n.newProcess(org.Peer, args...)
	}
	return n, n.debug(o.Debug)
}

// Start launches every node and returns when all of them listen.
func (n *Network) Start(ctx context.Context) error {
	var err error
	if n.locked, err = lock(n.Dir); err != nil {
		return err
	}
	for _, node := range n.nodes() {
		if err := n.StartNode(ctx, node); err != nil {
			return errors.Join(err, n.Stop())
		}
	}
	return nil
}

// StartNode launches one node and returns when it listens.
func (n *Network) StartNode(ctx context.Context, node Node) error {
	return n.processes[node.Name].start(ctx, n.executable)
}

// StopNode asks one node to end, and waits for it.
func (n *Network) StopNode(node Node) error { return n.processes[node.Name].stop() }

// KillNode ends one node at once, as a power cut would.
func (n *Network) KillNode(node Node) { n.processes[node.Name].kill() }

// Forget removes all that a stopped node has stored, as if it had never run.
func (n *Network) Forget(node Node) error {
	return os.RemoveAll(n.DataDir(node))
}

// DataDir is where a node stores what it must not forget: a peer's peer.fileSystemPath, an orderer's FileLedger.Location.
func (n *Network) DataDir(node Node) string { return filepath.Join(n.processes[node.Name].dir, "data") }

// Pid is the process id of a running node.
func (n *Network) Pid(node Node) int { return n.processes[node.Name].cmd.Process.Pid }

// Stop asks every node to end, peers first, and waits.
func (n *Network) Stop() error {
	var errs []error
	nodes := n.nodes()
	for i := len(nodes) - 1; i >= 0; i-- {
		errs = append(errs, n.processes[nodes[i].Name].stop())
	}
	if n.locked != nil {
		errs = append(errs, n.locked.Close())
		n.locked = nil
	}
	return errors.Join(errs...)
}

// Wait returns when ctx is done, or with an error as soon as a node ends by itself.
func (n *Network) Wait(ctx context.Context) error {
	ended := make(chan *process, len(n.processes))
	for _, p := range n.processes {
		go func() {
			select {
			case <-p.done:
				ended <- p
			case <-ctx.Done():
			}
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case p := <-ended:
		return fmt.Errorf("%s ended by itself (%w); the end of %s:\n%s", p.name, p.err, p.log, tail(p.log))
	}
}

// LogFile is what the node wrote.
func (n *Network) LogFile(node Node) string { return n.processes[node.Name].log }

func (n *Network) nodes() []Node {
	nodes := []Node{n.Orderer}
	for _, o := range n.Orgs {
		nodes = append(nodes, o.Peer)
	}
	return nodes
}

// Admin is the administrator of org.
func (n *Network) Admin(org Org) Identity { return Identity{org, "Admin"} }

// User is a client of org.
func (n *Network) User(org Org) Identity { return Identity{org, "User1"} }
