package peer

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

func newChaincodeQuery(c *chaincodeCmd) *cobra.Command {
	var raw, hex bool
	cmd := &cobra.Command{
		Use:     "query",
		Short:   "Call a chaincode on one peer and print its answer",
		Long:    "Call a chaincode on one peer and print its answer. Nothing is ordered, and nothing changes.",
		Example: "  peer chaincode query -C mychannel -n mycc -c '{\"Args\":[\"get\",\"k\"]}'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.onChannel(); err != nil {
				return err
			}
			if raw && hex {
				return errors.New("options --raw (-r) and --hex (-x) are not compatible")
			}
			request, err := c.request()
			if err != nil {
				return err
			}
			return c.withPeer(cmd.Context(), cmd.Name(), func(s *session, p *client.Peer) error {
				response, err := s.client.Query(cmd.Context(), p, request)
				var refused *client.EndorseError
				if errors.As(err, &refused) {
					return endorseError("query", refused)
				}
				if err != nil {
					return err
				}
				switch {
				case raw:
					fmt.Fprintln(cmd.OutOrStdout(), response.Payload)
				case hex:
					fmt.Fprintf(cmd.OutOrStdout(), "%x\n", response.Payload)
				default:
					fmt.Fprintln(cmd.OutOrStdout(), string(response.Payload))
				}
				return nil
			})
		},
	}
	c.addName(cmd.Flags())
	c.addArgs(cmd.Flags())
	c.addChannel(cmd.Flags())
	c.peers.add(cmd.Flags())
	cmd.Flags().BoolVarP(&raw, "raw", "r", false, "If true, output the query value as raw bytes, otherwise format as a printable string")
	cmd.Flags().BoolVarP(&hex, "hex", "x", false, "If true, output the query value byte array in hexadecimal. Incompatible with --raw")
	return cmd
}
