package peer

import (
	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelList(f *channelFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List of channels peer has joined.",
		Example: "  peer channel list",
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return f.withPeer(cmd.Context(), func(s *session, p *client.Peer) error {
				channels, err := s.client.Channels(cmd.Context(), p)
				if err != nil {
					return badResponse("received bad response, status %d: %s", err)
				}
				cmd.Println("Channels peers has joined: ")
				for _, c := range channels {
					cmd.Println(c)
				}
				return nil
			})
		}),
	}
}
