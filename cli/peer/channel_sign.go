package peer

import "github.com/spf13/cobra"

func newChannelSign(f *channelFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "signconfigtx",
		Short:   "Signs a configtx update.",
		Long:    "Signs the supplied configtx update file in place on the filesystem. Requires '-f'.",
		Example: "  peer channel signconfigtx -f update.pb",
		RunE: verb(func(*cobra.Command, []string) error {
			if f.file == "" {
				return usageError{errNoConfigTx}
			}
			return f.with(func(s *session) error {
				e, err := readConfigTx(f.file)
				if err != nil {
					return err
				}
				signed, err := signConfigTx(e, "", s.signer)
				if err != nil {
					return err
				}
				return writeMessage(f.file, signed, 0o660)
			})
		}),
	}
	f.addFile(cmd)
	return cmd
}
