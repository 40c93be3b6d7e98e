package peer

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelInfo(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "getinfo",
		Short:   "Show height and hashes of a channel",
		Long:    "Show how many blocks the peer has of a channel, and the hashes of the last one and of the one before.",
		Example: "  peer channel getinfo -c mychannel",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.channel == "" {
				return usageError{fmt.Errorf("Must supply channel ID")}
			}
			return f.withPeer(cmd.Context(), func(s *session, p *client.Peer) error {
				info, err := s.client.ChainInfo(cmd.Context(), p, f.channel)
				if err != nil {
					return refusal(err, "failed sending proposal: %w", "received bad response, status %d: %s")
				}
				text, err := json.Marshal(struct {
					Height            uint64 `json:"height,omitempty"`
					CurrentBlockHash  []byte `json:"currentBlockHash,omitempty"`
					PreviousBlockHash []byte `json:"previousBlockHash,omitempty"`
				}{info.Height, info.CurrentBlockHash, info.PreviousBlockHash})
				if err != nil {
					return err
				}
				cmd.Printf("Blockchain info: %s\n", text)
				return nil
			})
		},
	}
	f.addChannel(cmd)
	return cmd
}
