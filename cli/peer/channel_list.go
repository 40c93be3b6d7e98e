package peer

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelList(f *channelFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the channels that the peer has joined",
		Long:    "List the channels that the peer has joined.",
		Example: "  peer channel list",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 {
				return usageError{fmt.Errorf("trailing args detected: %s", args)}
			}
			return f.withPeer(cmd.Context(), func(s *session, p *client.Peer) error {
				channels, err := s.client.Channels(cmd.Context(), p)
				if err != nil {
					return refusal(err, "Failed sending proposal, got %w", "Received bad response, status %d: %s")
				}
				cmd.Println("Channels peers has joined: ")
				for _, c := range channels {
					cmd.Println(c)
				}
				return nil
			})
		},
	}
}
