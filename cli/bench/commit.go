package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func commitCommand() *cobra.Command {
	var t target
	var o output
	var blocks, channelBlock string
	var keyTables int
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
			if (blocks == "") != (channelBlock == "") {
				return errors.New("--blocks and --channel-block go together")
			}
			if blocks != "" {
				return o.replay(cmd, blocks, channelBlock, keyTables)
			}
			return o.measure(cmd, &t, needsPeers|needsOrderer, func(ctx context.Context, n *bench.Network, progress func(int)) (*bench.Result, error) {
				return n.CatchUp(ctx, t.channel, progress)
			}, 0)
		},
	}
	t.flags(cmd, needsPeers|needsOrderer)
	cmd.Flags().StringVar(&blocks, "blocks", "", "An orderer's block file")
	cmd.Flags().StringVar(&channelBlock, "channel-block", "", "File with the channel's first block")
	cmd.Flags().IntVar(&keyTables, "key-tables", 128, "With --blocks, what BCCSP.SW.KeyTables is to a peer; 0 verifies with Go's crypto/ecdsa alone")
	o.flags(cmd)
	return cmd
}

// replay measures this process.
func (o *output) replay(cmd *cobra.Command, blocks, channelBlock string, keyTables int) (err error) {
	cmd.SilenceUsage = true
	raw, err := os.ReadFile(channelBlock)
	if err != nil {
		return err
	}
	genesis := &commonpb.Block{}
	if err := proto.Unmarshal(raw, genesis); err != nil {
		return fmt.Errorf("%s is not a block: %w", channelBlock, err)
	}
	file, err := os.Open(blocks)
	if err != nil {
		return err
	}
	defer file.Close()
	dir, err := os.MkdirTemp("", "heddle-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
	self := []bench.Process{{Name: "peer", PID: os.Getpid()}}
	result, err := metered(cmd.ErrOrStderr(), "commit", self, 0, func(progress func(int)) (*bench.Result, error) {
		return bench.Replay(cmd.Context(), dir, genesis, file, keyTables, log, progress)
	})
	if err != nil {
		return err
	}
	return o.show(cmd.OutOrStdout(), result)
}
