// Package bench is `heddle bench`: it puts a load on a network, Heddle's or Fabric's, or on a local one of its own, and reports what it measured.
package bench

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/bench"
)

// Run executes `heddle bench` and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := New()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

// New is the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "bench",
		Short: "Measure a network under load",
		Long: `Put a load on a network and measure throughput, latency, and what the processes use. It speaks Fabric's gRPC, so the network may be
Heddle's or Fabric's. The chaincode it calls is example.com/load of Heddle's samples, installed and instantiated as any other.`,
		Example: `  heddle bench local
  heddle bench submit --env network/env/org1-user1.sh -n load --count 10000 --workers 64`,
		Args: cobra.NoArgs,
	}
	root.AddCommand(endorseCommand(), submitCommand(), orderCommand(), commitCommand(), localCommand(), growthCommand())
	return root
}

func endorseCommand() *cobra.Command {
	c := newLoadCommand(&cobra.Command{
		Use:   "endorse",
		Short: "Have proposals endorsed, and order nothing",
		Long:  "Send proposals to every peer given, and wait for their endorsements. Nothing is ordered.",
		Example: `  heddle bench endorse --env network/env/org1-user1.sh --reads 1 --writes 0 --count 20000
  heddle bench endorse --peer 127.0.0.1:7051 --msp-id Org1MSP --msp-dir user/msp --for 30s --rate 500`,
	}, needsPeers, (*bench.Network).Endorse)
	c.chaincodeFlags()
	return c.cmd
}

func submitCommand() *cobra.Command {
	c := newLoadCommand(&cobra.Command{
		Use:   "submit",
		Short: "Take transactions from the proposal to the commit event",
		Long:  "Have transactions endorsed by every peer given, send them to the orderer, and wait until the first peer has committed them.",
		Example: `  heddle bench submit --env network/env/org1-user1.sh --count 10000 --workers 64
  heddle bench submit --env network/env/org1-user1.sh --env network/env/org2-user1.sh --keys zipf --key-space 1000 --reads 1 --for 1m`,
	}, needsPeers|needsOrderer, (*bench.Network).Submit)
	c.chaincodeFlags()
	return c.cmd
}

func orderCommand() *cobra.Command {
	c := newLoadCommand(&cobra.Command{
		Use:     "order",
		Short:   "Send envelopes to the orderer",
		Long:    "Send envelopes to the orderer and wait for its answers, not for blocks. Peers that receive the blocks find the envelopes invalid.",
		Example: "  heddle bench order --env network/env/org1-user1.sh --count 20000 --workers 32 --value-size 3000",
	}, needsOrderer, (*bench.Network).Order)
	c.workload.Keys = bench.Unique
	c.cmd.Flags().IntVar(&c.workload.ValueSize, "value-size", 3000, "Bytes of each envelope's data")
	return c.cmd
}

// loadCommand is a command that puts a load on a network that its flags describe.
type loadCommand struct {
	cmd      *cobra.Command
	target   target
	workload bench.Workload
	load     bench.Load
	output   output
}

// mode is what a load asks of a network.
type mode func(*bench.Network, context.Context, *bench.Workload, bench.Load) (*bench.Result, error)

// newLoadCommand completes cmd with what such commands have in common.
func newLoadCommand(cmd *cobra.Command, n needs, run mode) *loadCommand {
	c := &loadCommand{cmd: cmd}
	cmd.Args = cobra.NoArgs
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.check() }
	cmd.RunE = func(*cobra.Command, []string) error {
		return c.output.measure(cmd, &c.target, n, func(ctx context.Context, network *bench.Network, progress func(int)) (*bench.Result, error) {
			c.load.Progress, c.workload.ChannelID = progress, c.target.channel
			return run(network, ctx, &c.workload, c.load)
		}, c.load.Count)
	}
	c.target.flags(cmd, n)
	c.output.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&c.load.Count, "count", 0, "Operations after which to end (10000, unless --for is given)")
	f.DurationVar(&c.load.For, "for", 0, "Time after which to end")
	f.IntVar(&c.load.Workers, "workers", 32, "Operations under way at a time")
	f.Float64Var(&c.load.Rate, "rate", 0, "Operations a second to begin; as many as the workers can, if 0")
	return c
}

func (c *loadCommand) chaincodeFlags() {
	f, w := c.cmd.Flags(), &c.workload
	f.StringVarP(&w.Chaincode, "name", "n", "load", "Name of the chaincode")
	f.IntVar(&w.Reads, "reads", 0, "Keys that each operation reads")
	f.IntVar(&w.Writes, "writes", 1, "Keys that each operation writes")
	f.IntVar(&w.ValueSize, "value-size", 100, "Bytes of each value written")
	f.StringVar((*string)(&w.Keys), "keys", string(bench.Unique), "Which keys: unique (nobody else's) or zipf (a few of them most of the time)")
	f.IntVar(&w.KeySpace, "key-space", 10_000, "Number of keys that zipf chooses from")
	f.StringVar(&w.Prefix, "prefix", "k"+time.Now().UTC().Format("150405.000")+".", "What all keys begin with")
	f.Lookup("prefix").DefValue = "one per run"
}

func (c *loadCommand) check() error {
	l := &c.load
	if l.Count < 0 || l.For < 0 || l.Rate < 0 || l.Workers < 1 {
		return errors.New("--count, --for and --rate cannot be negative, and --workers is at least 1")
	}
	if l.Count == 0 && l.For == 0 {
		l.Count = 10_000
	}
	return c.workload.Validate()
}
