package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func commitCommand() *cobra.Command {
	var t target
	var o output
	var r replay
	cmd := &cobra.Command{
		Use:   "commit",
		Short: "Validate and commit a chain that exists",
		Long: `Let a peer that has not joined the channel join it, and measure how fast it catches up with the orderer; the identity must be an
administrator of the peer. Or, with --blocks, take the blocks of an orderer's block file (of Fabric 1.4's form: a run of messages, each with its
length before it) through Heddle's own pipeline into an empty ledger, with no network at all.`,
		Example: `  heddle bench commit --env network/env/org2-admin.sh
  heddle bench commit --blocks blockfile_000000 --channel-block mychannel.block --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (r.blocks == "") != (r.channelBlock == "") {
				return errors.New("--blocks and --channel-block go together")
			}
			if r.blocks != "" {
				return r.run(cmd, &o)
			}
			if r.profile != "" {
				return errors.New("--cpu-profile goes with --blocks: it is of this process, and not of a peer")
			}
			return o.measure(cmd, &t, needsPeers|needsOrderer, func(ctx context.Context, n *bench.Network, progress func(int)) (*bench.Result, error) {
				return n.CatchUp(ctx, t.channel, progress)
			}, 0)
		},
	}
	t.flags(cmd, needsPeers|needsOrderer)
	f := cmd.Flags()
	f.StringVar(&r.blocks, "blocks", "", "An orderer's block file")
	f.StringVar(&r.channelBlock, "channel-block", "", "File with the channel's first block")
	f.IntVar(&r.keyTables, "key-tables", 128, "With --blocks, what BCCSP.SW.KeyTables is to a peer; 0 verifies with Go's crypto/ecdsa alone")
	f.StringVar(&r.profile, "cpu-profile", "", "With --blocks, write a profile of the processor's time, for go tool pprof, to this file")
	o.flags(cmd)
	return cmd
}

// replay is the measuring of this process with the blocks of a file.
type replay struct {
	blocks       string
	channelBlock string
	keyTables    int
	profile      string
}

func (r *replay) run(cmd *cobra.Command, o *output) (err error) {
	cmd.SilenceUsage = true
	raw, err := os.ReadFile(r.channelBlock)
	if err != nil {
		return err
	}
	genesis := &commonpb.Block{}
	if err := proto.Unmarshal(raw, genesis); err != nil {
		return fmt.Errorf("%s is not a block: %w", r.channelBlock, err)
	}
	file, err := os.Open(r.blocks)
	if err != nil {
		return err
	}
	defer file.Close()
	dir, err := os.MkdirTemp("", "heddle-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if r.profile != "" {
		stop, err := startProfile(r.profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
	self := []bench.Process{{Name: "peer", PID: os.Getpid()}}
	result, err := metered(cmd.ErrOrStderr(), "commit", self, 0, func(progress func(int)) (*bench.Result, error) {
		return bench.Replay(cmd.Context(), dir, genesis, file, r.keyTables, log, progress)
	})
	if err != nil {
		return err
	}
	return o.show(cmd.OutOrStdout(), result)
}

// startProfile writes what this process spends its time on to a file, until stop is called.
func startProfile(path string) (stop func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
