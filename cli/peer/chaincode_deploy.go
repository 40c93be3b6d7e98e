package peer

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

// deployment is what differs between instantiate and upgrade.
type deployment struct {
	name, short, long, example string
	send                       func(*client.Client, context.Context, client.Route, client.Deployment) (*client.Result, error)
}

var (
	deployVerb = deployment{
		name: "instantiate", short: "Instantiate an installed chaincode on a channel",
		long: `Instantiate an installed chaincode on a channel: its Init runs, and the channel's members learn its name, version and endorsement policy.
It can be called once the transaction is committed.`,
		example: "  peer chaincode instantiate -o localhost:7050 -C mychannel -n mycc -v 1.0 -c '{\"Args\":[\"init\"]}' -P \"AND('Org1MSP.peer','Org2MSP.peer')\"",
		send:    (*client.Client).Instantiate,
	}
	upgradeVerb = deployment{
		name: "upgrade", short: "Upgrade a chaincode on a channel to another version",
		long: `Upgrade a chaincode on a channel to another installed version: its Init runs, and the policy is the one given with -P, or the default.
The new version is in force once the transaction is committed.`,
		example: "  peer chaincode upgrade -o localhost:7050 -C mychannel -n mycc -v 2.0 -c '{\"Args\":[\"init\"]}'",
		send:    (*client.Client).Upgrade,
	}
)

func newChaincodeDeploy(c *chaincodeCmd, d deployment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     d.name,
		Short:   d.short,
		Long:    d.long,
		Example: d.example,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.onChannel(); err != nil {
				return err
			}
			request, err := c.deployment(cmd.Context(), d.name)
			if err != nil {
				return err
			}
			return c.withRoute(cmd.Context(), d.name, func(s *session, route client.Route) error {
				_, err := d.send(s.client, cmd.Context(), route, request)
				return broadcastError(refusal(err, "error endorsing chaincode: %w",
					"could not assemble transaction, err proposal response was not successful, error code %d, msg %s"))
			})
		},
	}
	c.addName(cmd.Flags())
	c.addVersion(cmd.Flags())
	c.addLang(cmd)
	c.addArgs(cmd.Flags())
	c.addChannel(cmd.Flags())
	c.peers.add(cmd.Flags())
	cmd.Flags().StringVarP(&c.policy, "policy", "P", "", "The endorsement policy associated to this chaincode")
	cmd.Flags().StringVarP(&c.escc, "escc", "E", "", "The name of the endorsement system chaincode to be used for this chaincode")
	cmd.Flags().StringVarP(&c.vscc, "vscc", "V", "", "The name of the verification system chaincode to be used for this chaincode")
	cmd.Flags().StringVar(&c.collections, "collections-config", "", "The fully qualified path to the collection JSON file including the file name")
	if d.name == upgradeVerb.name {
		c.addPath(cmd.Flags())
	}
	return cmd
}

// deployment is what the flags ask for.
func (c *chaincodeCmd) deployment(ctx context.Context, command string) (client.Deployment, error) {
	d := client.Deployment{ChannelID: c.channel, Name: c.name, Version: c.version, Path: c.path, Type: c.language(), ESCC: "escc", VSCC: "vscc"}
	if err := c.versioned(command); err != nil {
		return d, err
	}
	c.session.reportPlugins(ctx, &c.chaincodeFlags)
	if c.escc != "" {
		d.ESCC = c.escc
	}
	if c.vscc != "" {
		d.VSCC = c.vscc
	}
	var err error
	if d.Policy, err = c.endorsementPolicy(); err != nil {
		return d, err
	}
	if d.Collections, err = c.collectionPackage(); err != nil {
		return d, err
	}
	d.Init, err = c.args()
	return d, err
}
