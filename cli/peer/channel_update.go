package peer

import (
	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelUpdate(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Send a configtx update.",
		Long:    "Signs and sends the supplied configtx update file to the channel. Requires '-f', '-o', '-c'.",
		Example: "  peer channel update -o localhost:7050 -c mychannel -f update.pb",
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			if f.channel == "" {
				return errNoChannel
			}
			if f.file == "" {
				return usageError{errNoConfigTx}
			}
			return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error {
				if err := s.submitConfigTx(cmd.Context(), o, f.file, f.channel); err != nil {
					return err
				}
				s.log.InfoContext(cmd.Context(), "Successfully submitted channel update")
				return nil
			})
		}),
	}
	f.addChannel(cmd)
	f.addFile(cmd)
	return cmd
}
