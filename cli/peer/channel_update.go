package peer

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelUpdate(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Send a configtx update.",
		Long:    "Signs and sends the supplied configtx update file to the channel. Requires '-f', '-o', '-c'.",
		Example: "  peer channel update -o localhost:7050 -c mychannel -f update.pb",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.channel == "" {
				return usageError{errors.New("Must supply channel ID")}
			}
			if f.file == "" {
				return usageError{errNoConfigTx}
			}
			return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error {
				e, err := readConfigTx(f.file)
				if err != nil {
					return err
				}
				if err := s.submitConfigTx(cmd.Context(), o, e, f.channel); err != nil {
					return err
				}
				s.log.InfoContext(cmd.Context(), "Successfully submitted channel update")
				return nil
			})
		},
	}
	f.addChannel(cmd)
	f.addFile(cmd)
	return cmd
}
