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
  heddle bench submit --env network/env/org1-user.sh -n load --count 10000 --workers 64`,
		Args: cobra.NoArgs,
	}
	root.AddCommand(endorseCommand(), submitCommand(), orderCommand(), commitCommand(), localCommand())
	return root
}

func endorseCommand() *cobra.Command {
	var t target
	var w bench.Workload
	var l bench.Load
	var o output
	cmd := &cobra.Command{
		Use:   "endorse",
		Short: "Have proposals endorsed, and order nothing",
		Long:  "Send proposals to every peer given, and wait for their endorsements. Nothing is ordered.",
		Example: `  heddle bench endorse --env network/env/org1-user.sh --reads 1 --writes 0 --count 20000
  heddle bench endorse --peer 127.0.0.1:7051 --msp-id Org1MSP --msp-dir user/msp --for 30s --rate 500`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.measure(cmd, &t, needsPeers, func(ctx context.Context, n *bench.Network, progress func(int)) (*bench.Result, error) {
				if err := w.Validate(); err != nil {
					return nil, err
				}
				l.Progress = progress
				w.ChannelID = t.channel
				return l.Run(ctx, n.Endorse(&w, l.Workers))
			}, l.Count)
		},
	}
	t.flags(cmd, needsPeers)
	workloadFlags(cmd, &w)
	loadFlags(cmd, &l)
	o.flags(cmd)
	return cmd
}

func submitCommand() *cobra.Command {
	var t target
	var w bench.Workload
	var l bench.Load
	var o output
	cmd := &cobra.Command{
		Use:   "submit",
		Short: "Take transactions from the proposal to the commit event",
		Long:  "Have transactions endorsed by every peer given, send them to the orderer, and wait until the first peer has committed them.",
		Example: `  heddle bench submit --env network/env/org1-user.sh --count 10000 --workers 64
  heddle bench submit --env network/env/org1-user.sh --env network/env/org2-user.sh --keys zipf --key-space 1000 --reads 1 --for 1m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.measure(cmd, &t, needsPeers|needsOrderer, func(ctx context.Context, n *bench.Network, progress func(int)) (*bench.Result, error) {
				if err := w.Validate(); err != nil {
					return nil, err
				}
				l.Progress = progress
				w.ChannelID = t.channel
				mode, err := n.Submit(ctx, &w, l.Workers)
				if err != nil {
					return nil, err
				}
				return l.Run(ctx, mode)
			}, l.Count)
		},
	}
	t.flags(cmd, needsPeers|needsOrderer)
	workloadFlags(cmd, &w)
	loadFlags(cmd, &l)
	o.flags(cmd)
	return cmd
}

func orderCommand() *cobra.Command {
	var t target
	var w bench.Workload
	var l bench.Load
	var o output
	cmd := &cobra.Command{
		Use:     "order",
		Short:   "Send envelopes to the orderer",
		Long:    "Send envelopes to the orderer and wait for its answers, not for blocks. Peers that receive the blocks find the envelopes invalid.",
		Example: "  heddle bench order --env network/env/org1-user.sh --count 20000 --workers 32 --value-size 3000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.measure(cmd, &t, needsOrderer, func(ctx context.Context, n *bench.Network, progress func(int)) (*bench.Result, error) {
				l.Progress = progress
				w.ChannelID = t.channel
				mode, err := n.Order(ctx, &w, l.Workers)
				if err != nil {
					return nil, err
				}
				return l.Run(ctx, mode)
			}, l.Count)
		},
	}
	t.flags(cmd, needsOrderer)
	cmd.Flags().IntVar(&w.ValueSize, "value-size", 3000, "Bytes of each envelope's data")
	loadFlags(cmd, &l)
	o.flags(cmd)
	return cmd
}

func workloadFlags(cmd *cobra.Command, w *bench.Workload) {
	f := cmd.Flags()
	f.StringVarP(&w.Chaincode, "name", "n", "load", "Name of the chaincode")
	f.IntVar(&w.Reads, "reads", 0, "Keys that each operation reads")
	f.IntVar(&w.Writes, "writes", 1, "Keys that each operation writes")
	f.IntVar(&w.ValueSize, "value-size", 100, "Bytes of each value written")
	f.StringVar((*string)(&w.Keys), "keys", string(bench.Unique), "Which keys: unique (nobody else's) or zipf (a few of them most of the time)")
	f.IntVar(&w.KeySpace, "key-space", 10_000, "Number of keys that zipf chooses from")
	f.StringVar(&w.Prefix, "prefix", "k"+time.Now().UTC().Format("150405.000")+".", "What all keys begin with")
	f.Lookup("prefix").DefValue = "one per run"
}

func loadFlags(cmd *cobra.Command, l *bench.Load) {
	f := cmd.Flags()
	f.IntVar(&l.Count, "count", 0, "Operations after which to end (10000, unless --for is given)")
	f.DurationVar(&l.For, "for", 0, "Time after which to end")
	f.IntVar(&l.Workers, "workers", 32, "Operations under way at a time")
	f.Float64Var(&l.Rate, "rate", 0, "Operations a second to begin; as many as the workers can, if 0")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if l.Count < 0 || l.For < 0 || l.Rate < 0 || l.Workers < 1 {
			return errors.New("--count, --for and --rate cannot be negative, and --workers is at least 1")
		}
		if l.Count == 0 && l.For == 0 {
			l.Count = 10_000
		}
		return nil
	}
}
