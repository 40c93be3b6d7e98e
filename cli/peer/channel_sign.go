package peer

import "github.com/spf13/cobra"

func newChannelSign(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "signconfigtx",
		Short:   "Sign a configuration update",
		Long:    "Add one's signature to a configuration update, in its file. One organization after the other does so, and the last one sends it.",
		Example: "  peer channel signconfigtx -f update.pb",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.file == "" {
				return usageError{errNoConfigTx}
			}
			f.session.connected(cmd.Context())
			e, err := readConfigTx(f.file)
			if err != nil {
				return err
			}
			signed, err := signConfigTx(e, "", f.session.signer)
			if err != nil {
				return err
			}
			return writeMessage(f.file, signed, 0o660)
		},
	}
	f.addFile(cmd)
	return cmd
}
