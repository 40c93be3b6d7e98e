package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/localnet"
)

func localCommand() *cobra.Command {
	var o output
	s := &standard{}
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run the standard set on a network of its own",
		Long: `Start a network in a temporary directory (an orderer and two organisations with one peer each), measure it with the standard set of
loads, one after the other, and stop it.`,
		Example: "  heddle bench local --html report.html",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			s.cmd = cmd
			results, err := s.run(cmd.Context())
			if err != nil {
				return err
			}
			return o.show(cmd.OutOrStdout(), results...)
		},
	}
	f := cmd.Flags()
	f.IntVar(&s.count, "count", 10_000, "Operations of each load")
	f.IntVar(&s.workers, "workers", 64, "Operations under way at a time")
	f.DurationVar(&s.batchTimeout, "batch-timeout", 500*time.Millisecond, "The channel's BatchTimeout")
	f.IntVar(&s.maxMessages, "max-message-count", 500, "Transactions of a block at most")
	f.BoolVar(&s.tls, "tls", true, "Whether nodes and clients talk TLS")
	o.flags(cmd)
	_ = f.MarkHidden("process") // the network's own are measured
	return cmd
}

// standard is the standard set of loads.
type standard struct {
	cmd          *cobra.Command
	count        int
	workers      int
	batchTimeout time.Duration
	maxMessages  int
	tls          bool

	network *localnet.Network
	results []*bench.Result
}

const chaincode = "load"

func (s *standard) run(ctx context.Context) (_ []*bench.Result, err error) {
	dir, err := os.MkdirTemp("", "heddle-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.network, err = localnet.Open(ctx, localnet.Options{
		Dir: dir, FreePorts: true, NoTLS: !s.tls, BatchTimeout: s.batchTimeout, MaxMessageCount: s.maxMessages,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.network.Stop()) }()
	if err := s.network.Start(ctx); err != nil {
		return nil, err
	}
	if err := s.network.CreateChannel(ctx); err != nil {
		return nil, err
	}
	if err := s.deploy(ctx); err != nil {
		return nil, err
	}
	for _, load := range s.loads() {
		if err := s.measure(ctx, load); err != nil {
			return nil, fmt.Errorf("%s: %w", load.name, err)
		}
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	return s.results, s.smallBlocks(ctx)
}

// smallBlocks gives every transaction a block of its own. It comes last, so that the blocks of catchUp are those of the channel's first
// configuration.
func (s *standard) smallBlocks(ctx context.Context) error {
	if s.maxMessages == 1 {
		return nil // as all loads have done
	}
	if err := s.network.SetMaxMessageCount(ctx, 1); err != nil {
		return err
	}
	l := load{name: "submit, blocks of 1", orgs: 1, count: max(1, s.count/2), workers: s.workers, mode: (*bench.Network).Submit, writes: 1, size: 100}
	if err := s.measure(ctx, l); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// deploy installs the chaincode on both peers, so that either may endorse it alone.
func (s *standard) deploy(ctx context.Context) error {
	n := s.network
	samples, err := heddle.Samples()
	if err != nil {
		return err
	}
	gopath := filepath.Join(n.Dir, "gopath")
	if err := os.CopyFS(gopath, samples); err != nil {
		return err
	}
	for _, org := range n.Orgs {
		if _, err := n.PeerWith(ctx, n.Admin(org), []string{"GOPATH=" + gopath, "GO111MODULE=off"},
			"chaincode", "install", "-n", chaincode, "-v", "1.0", "-p", "example.com/"+chaincode); err != nil {
			return err
		}
	}
	instantiate := append([]string{"chaincode", "instantiate", "-C", n.Channel, "-n", chaincode, "-v", "1.0", "-c", `{"Args":["init"]}`,
		"-P", "OR('Org1MSP.peer','Org2MSP.peer')"}, n.OrdererFlags()...)
	if _, err := n.Peer(ctx, n.Admin(n.Orgs[0]), instantiate...); err != nil {
		return err
	}
	for _, org := range n.Orgs { // so that no load waits for a build
		for {
			_, err := n.Peer(ctx, n.User(org), "chaincode", "query", "-C", n.Channel, "-n", chaincode, "-c", `{"Args":["rw","a","","x"]}`)
			if err == nil {
				break
			}
			select {
			case <-time.After(100 * time.Millisecond): // the peer has not committed the instantiation yet
			case <-ctx.Done():
				return errors.Join(ctx.Err(), err)
			}
		}
	}
	return nil
}

// load is one of the standard set.
type load struct {
	name    string
	orgs    int // how many peers endorse
	count   int
	workers int
	mode    mode
	reads   int
	writes  int
	size    int
}

func (s *standard) loads() []load {
	endorse, submit, order := (*bench.Network).Endorse, (*bench.Network).Submit, (*bench.Network).Order
	return []load{
		{name: "endorse, read", orgs: 1, count: s.count, workers: s.workers, mode: endorse, reads: 1},
		{name: "endorse, write", orgs: 1, count: s.count, workers: s.workers, mode: endorse, writes: 1, size: 100},
		{name: "submit, 1 at a time", orgs: 1, count: max(1, s.count/50), workers: 1, mode: submit, writes: 1, size: 100},
		{name: "submit, 1 endorsement", orgs: 1, count: s.count, workers: 4 * s.workers, mode: submit, writes: 1, size: 100},
		{name: "submit, 2 endorsements", orgs: 2, count: s.count, workers: 4 * s.workers, mode: submit, writes: 1, size: 100},
		{name: "order", count: s.count, workers: s.workers, mode: order, size: 3000},
	}
}

// measure puts one load on the network.
func (s *standard) measure(ctx context.Context, l load) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := s.target(l.orgs, s.network.User(s.network.Orgs[0]))
	defer t.close()
	network, err := t.connect(ctx, needsPeers|needsOrderer)
	if err != nil {
		return err
	}
	w := &bench.Workload{
		ChannelID: s.network.Channel, Chaincode: chaincode, Reads: l.reads, Writes: l.writes, ValueSize: l.size,
		Keys: bench.Unique, Prefix: fmt.Sprintf("%d.", len(s.results)),
	}
	result, err := metered(s.cmd.ErrOrStderr(), l.name, s.processes(), l.count, func(progress func(int)) (*bench.Result, error) {
		return l.mode(network, ctx, w, bench.Load{Count: l.count, Workers: l.workers, Progress: progress})
	})
	if err == nil {
		s.results = append(s.results, result)
	}
	return err
}

// catchUp lets the second organisation's peer begin anew and take all that the loads have put on the channel.
func (s *standard) catchUp(ctx context.Context) error {
	n := s.network
	org := n.Orgs[1]
	if err := n.StopNode(org.Peer); err != nil {
		return err
	}
	if err := n.Forget(org.Peer); err != nil {
		return err
	}
	if err := n.StartNode(ctx, org.Peer); err != nil {
		return err
	}
	t := &target{envFiles: []string{n.EnvFile(n.Admin(org))}}
	defer t.close()
	network, err := t.connect(ctx, needsPeers|needsOrderer)
	if err != nil {
		return err
	}
	peer := bench.Process{Name: "peer", PID: n.Pid(org.Peer)}
	result, err := metered(s.cmd.ErrOrStderr(), "commit, catching up", []bench.Process{peer}, 0, func(progress func(int)) (*bench.Result, error) {
		return network.CatchUp(ctx, n.Channel, progress)
	})
	if err == nil {
		s.results = append(s.results, result)
	}
	return err
}

// target is the network with the peers of the first organisations.
func (s *standard) target(orgs int, who localnet.Identity) *target {
	t := &target{envFiles: []string{s.network.EnvFile(who)}}
	for _, org := range s.network.Orgs[1:max(1, orgs)] {
		address := org.Peer.Address()
		if s.tls {
			address += "=" + s.network.PeerCA(org)
		}
		t.peers = append(t.peers, address)
	}
	return t
}

func (s *standard) processes() []bench.Process {
	n := s.network
	return []bench.Process{
		{Name: "orderer", PID: n.Pid(n.Orderer)}, {Name: "peer 1", PID: n.Pid(n.Orgs[0].Peer)}, {Name: "peer 2", PID: n.Pid(n.Orgs[1].Peer)},
		{Name: "client", PID: os.Getpid()},
	}
}
