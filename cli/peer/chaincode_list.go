package peer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func newChaincodeList(c *chaincodeCmd) *cobra.Command {
	var installed, instantiated bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the chaincodes installed on a peer or instantiated on a channel",
		Long:    "List the chaincodes installed on a peer, with --installed, or instantiated on a channel, with --instantiated and -C.",
		Example: "  peer chaincode list --installed\n  peer chaincode list --instantiated -C mychannel",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if instantiated {
				if err := c.onChannel(); err != nil {
					return err
				}
			}
			if installed == instantiated {
				return errors.New(`Must explicitly specify "--installed" or "--instantiated"`)
			}
			return c.withPeer(cmd.Context(), cmd.Name(), func(s *session, p *client.Peer) error {
				var list []*peerpb.ChaincodeInfo
				var err error
				title := "Get installed chaincodes on peer:"
				if installed {
					list, err = s.client.Installed(cmd.Context(), p)
				} else {
					title = fmt.Sprintf("Get instantiated chaincodes on channel %s:", c.channel)
					list, err = s.client.Instantiated(cmd.Context(), p, c.channel)
				}
				if err != nil {
					return refusal(err, "Error endorsing chaincode: %w", "Bad response: %d - %s")
				}
				cmd.Println(title)
				for _, i := range list {
					cmd.Println(infoText(i))
				}
				return nil
			})
		},
	}
	c.addChannel(cmd.Flags())
	c.peers.add(cmd.Flags())
	cmd.Flags().BoolVar(&installed, "installed", false, "Get the installed chaincodes on a peer")
	cmd.Flags().BoolVar(&instantiated, "instantiated", false, "Get the instantiated chaincodes on a channel")
	return cmd
}

// infoText is one line of the list; what is empty is left out.
func infoText(i *peerpb.ChaincodeInfo) string {
	id := ""
	if len(i.Id) > 0 {
		id = fmt.Sprintf("%x", i.Id)
	}
	var parts []string
	for _, field := range [][2]string{
		{"Name", i.Name}, {"Version", i.Version}, {"Path", i.Path}, {"Input", i.Input}, {"Escc", i.Escc}, {"Vscc", i.Vscc}, {"Id", id},
	} {
		if field[1] != "" {
			parts = append(parts, field[0]+": "+field[1])
		}
	}
	return strings.Join(parts, ", ")
}
