package peer

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

// deployment is what differs between instantiate and upgrade.
type deployment struct {
	name, short, example string
	send                 func(*client.Client, context.Context, client.Route, client.Deployment) (*client.Result, error)
}

var (
	deployVerb = deployment{
		name: "instantiate", short: "Deploy the specified chaincode to the network.",
		example: "  peer chaincode instantiate -o localhost:7050 -C mychannel -n mycc -v 1.0 -c '{\"Args\":[\"init\"]}' -P \"AND('Org1MSP.peer','Org2MSP.peer')\"",
		send:    (*client.Client).Instantiate,
	}
	upgradeVerb = deployment{
		name: "upgrade", short: "Upgrade chaincode.",
		example: "  peer chaincode upgrade -o localhost:7050 -C mychannel -n mycc -v 2.0 -c '{\"Args\":[\"init\"]}'",
		send:    (*client.Client).Upgrade,
	}
)

func newChaincodeDeploy(c *chaincodeCmd, d deployment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     d.name,
		Short:   d.short,
		Example: d.example,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(c.onChannel()); err != nil {
				return err
			}
			return c.deploy(cmd.Context(), d)
		}),
	}
	c.addName(cmd.Flags())
	c.addVersion(cmd.Flags())
	c.addLang(cmd.Flags())
	c.addArgs(cmd.Flags())
	c.addChannel(cmd.Flags())
	c.peers.add(cmd.Flags())
	cmd.Flags().StringVarP(&c.policy, "policy", "P", "", "The endorsement policy associated to this chaincode")
	cmd.Flags().StringVarP(&c.escc, "escc", "E", "", "The name of the endorsement system chaincode to be used for this chaincode")
	cmd.Flags().StringVarP(&c.vscc, "vscc", "V", "", "The name of the verification system chaincode to be used for this chaincode")
	cmd.Flags().StringVar(&c.collections, "collections-config", "", "The fully qualified path to the collection JSON file including the file name")
	if d.name == upgradeVerb.name {
		cmd.Flags().StringVarP(&c.path, "path", "p", "", "Path to chaincode")
	}
	return cmd
}

func (c *chaincodeCmd) deploy(ctx context.Context, d deployment) error {
	if err := c.peers.one(d.name); err != nil {
		return err
	}
	return c.withRoute(ctx, d.name, func(s *session, route client.Route) error {
		request, err := c.deployment(ctx, s, d.name)
		if err != nil {
			return err
		}
		_, err = d.send(s.client, ctx, route, request)
		var refused *client.EndorseError
		if errors.As(err, &refused) {
			if refused.Err != nil {
				return fmt.Errorf("error endorsing chaincode: %w", refused.Err)
			}
			return badResponse("could not assemble transaction, err proposal response was not successful, error code %d, msg %s", err)
		}
		return prefixed("error sending transaction for "+d.name, broadcastError(err))
	})
}

func (c *chaincodeCmd) deployment(ctx context.Context, s *session, command string) (client.Deployment, error) {
	d := client.Deployment{
		ChannelID: c.channel, Name: c.name, Version: c.version, Path: c.path, Type: c.language(), ESCC: c.escc, VSCC: c.vscc,
	}
	if err := c.named(); err != nil {
		return d, err
	}
	if err := c.versioned(command); err != nil {
		return d, err
	}
	s.reportPlugins(ctx, &c.chaincodeFlags)
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
