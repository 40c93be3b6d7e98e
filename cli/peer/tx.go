package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/client/explain"
)

// txCmd is what the transaction commands share.
type txCmd struct {
	base
	peers   peerFlags
	channel string
}

func newTx(io IO) *cobra.Command {
	c := &txCmd{base: base{io: io}}
	cmd := &cobra.Command{
		Use:               "tx",
		Short:             "Look at a transaction: explain",
		Long:              "Look at a committed transaction of a channel.",
		PersistentPreRunE: c.opener("txCmd"),
	}
	cmd.AddCommand(newTxExplain(c))
	return cmd
}

// mostBlocks is how far tx explain looks back if it is not told otherwise.
const mostBlocks = 1000

func newTxExplain(c *txCmd) *cobra.Command {
	var block uint64
	var asJSON bool
	q := explain.Query{}
	cmd := &cobra.Command{
		Use:   "explain [txid]",
		Short: "Tell the life of a transaction, and why it is valid or not",
		Long: "Tell who proposed a transaction, who endorsed it, what it read, wrote and answered, where in the chain it is, " +
			"which validation code it has and why. The reason is found by looking at the blocks before; no more than the right to read the channel is needed, " +
			"and the peer may be one of Fabric. Without an id, --block and --index say which transaction is meant.",
		Example: "  peer tx explain -C mychannel 3a7f…\n" +
			"  peer tx explain -C mychannel --block 12 --index 0 --json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("block") {
				q.Block = &block
			}
			if len(args) == 1 {
				q.TxID = args[0]
			}
			q.Channel = c.channel
			switch {
			case q.Channel == "":
				return usageError{errors.New("The required parameter 'channelID' is empty. Rerun the command with -C flag")}
			case q.TxID == "" && q.Block == nil:
				return usageError{errors.New("which transaction? Give its id, or its block with --block")}
			}
			return c.withPeer(cmd.Context(), cmd.Name(), func(s *session, p *client.Peer) error {
				t, err := explain.Find(cmd.Context(), explain.FromPeer(s.client, p, q.Channel), q)
				if err != nil {
					return refusal(s.deliverError(cmd.Context(), err), "peer "+p.Address+" cannot be asked: %w", "peer "+p.Address+" does not tell: status %d: %s")
				}
				if !asJSON {
					printTransaction(cmd.OutOrStdout(), t)
					return nil
				}
				text, err := json.MarshalIndent(t, "", "  ")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.channel, "channelID", "C", "", "The channel that the transaction is in")
	f.Uint64Var(&block, "block", 0, "The block that holds the transaction; by default the first one that holds a transaction of this id")
	f.IntVar(&q.Index, "index", 0, "Where in the block the transaction is, if it is not named by its id")
	f.Uint64Var(&q.Most, "blocks", mostBlocks, "How many blocks before the transaction's to look through for the reason; 0 for all")
	f.BoolVar(&asJSON, "json", false, "Print JSON")
	c.peers.add(f)
	return cmd
}

// withPeer runs work with a connection to the one peer that the flags or core.yaml name.
func (c *txCmd) withPeer(ctx context.Context, command string, use func(*session, *client.Peer) error) error {
	return c.with(func(s *session) error {
		if err := c.peers.check(ctx, s, command, c.channel); err != nil {
			return err
		}
		peers, err := s.peers(ctx, &c.peers)
		if err != nil {
			return err
		}
		return use(s, peers[0])
	})
}
