package peer

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/node"
)

// afterwards is what both commands say of the peer's next start.
const afterwards = `The peer must not run meanwhile. When it is started afterwards, it makes the state anew from the blocks that are left, fetches
the others from an orderer, and refuses to endorse until it has as many blocks as before.`

func newNodeReset(n *base) *cobra.Command {
	return &cobra.Command{
		Use:     "reset",
		Short:   "Take all channels back to their first blocks",
		Long:    "Take all channels back to their first blocks. " + afterwards,
		Example: "  peer node reset",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return n.with(func(s *session) error {
				log := s.logs.Named("kvledger")
				log.InfoContext(cmd.Context(), "Resetting all ledgers to genesis block")
				if err := node.ResetPeer(cmd.Context(), s.core, s.logs); err != nil {
					return err
				}
				log.InfoContext(cmd.Context(), "All channel ledgers have been successfully reset to the genesis block")
				return nil
			})
		},
	}
}

func newNodeRollback(n *base) *cobra.Command {
	var channel string
	var block uint64
	cmd := &cobra.Command{
		Use:     "rollback",
		Short:   "Take a channel back to an earlier block",
		Long:    "Take a channel back to an earlier block, which becomes its last. " + afterwards,
		Example: "  peer node rollback -c mychannel -b 150",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if channel == "" {
				return usageError{errors.New("Must supply channel ID")}
			}
			return n.with(func(s *session) error {
				if err := node.RollbackPeer(cmd.Context(), s.core, s.logs, channel, block); err != nil {
					return err
				}
				s.logs.Named("kvledger").InfoContext(cmd.Context(),
					fmt.Sprintf("The channel [%s] has been successfully rolled back to the block number [%d]", channel, block))
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&channel, "channelID", "c", "", "Channel to roll back")
	cmd.Flags().Uint64VarP(&block, "blockNumber", "b", 0, "Number of the block that becomes the last one")
	return cmd
}
