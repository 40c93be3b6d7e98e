package peer

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func newChannelJoin(f *channelFlags) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "join",
		Short:   "Join the peer to a channel",
		Long:    "Join the peer to the channel whose first block a file holds. The peer fetches the other blocks from the orderer.",
		Example: "  peer channel join -b mychannel.block",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return usageError{errors.New("Must supply genesis block path")}
			}
			return f.withPeer(cmd.Context(), func(s *session, p *client.Peer) error {
				raw, err := os.ReadFile(path)
				if err != nil {
					return fmt.Errorf("genesis block file not found %w", err)
				}
				genesis := &commonpb.Block{}
				if err := proto.Unmarshal(raw, genesis); err != nil {
					return fmt.Errorf("%s is not a block: %w", path, err)
				}
				if err := s.client.Join(cmd.Context(), p, genesis); err != nil {
					return refusal(err, "proposal failed (err: %w)", "proposal failed (err: bad proposal response %d: %s)")
				}
				s.log.InfoContext(cmd.Context(), "Successfully submitted proposal to join channel")
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&path, "blockpath", "b", "", "Path to file containing genesis block")
	return cmd
}
