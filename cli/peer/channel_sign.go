package peer

import "github.com/spf13/cobra"

func newChannelSign(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "signconfigtx",
		Short:   "Signs a configtx update.",
		Long:    "Signs the supplied configtx update file in place on the filesystem. Requires '-f'.",
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
