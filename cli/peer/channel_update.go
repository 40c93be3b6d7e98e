package peer

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChannelUpdate(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Sign a configuration update and send it",
		Long:    "Add one's signature to a configuration update and send it to the orderer. It is in force with the next block.",
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
