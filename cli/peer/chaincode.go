package peer

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/client"
)

// chaincodeCmd is what the chaincode commands share.
type chaincodeCmd struct {
	base
	chaincodeFlags
	orderer   ordererFlags
	peers     peerFlags
	transient string
}

func newChaincode(io IO) *cobra.Command {
	c := &chaincodeCmd{base: base{io: io}}
	cmd := &cobra.Command{
		Use:   "chaincode",
		Short: "Operate a chaincode: install|instantiate|invoke|package|query|signpackage|upgrade|list|explain",
		Long: `Package chaincode, install it on peers, instantiate or upgrade it on a channel, and call it. Without --peerAddresses, the peer is that of
core.yaml; without -o, the orderer is the first that the channel's configuration names.`,
		PersistentPreRunE: c.opener("chaincodeCmd"),
	}
	c.orderer.add(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&c.transient, "transient", "", "Transient map of arguments in JSON encoding")
	cmd.AddCommand(
		newChaincodeInstall(c), newChaincodePackage(c), newChaincodeSignPackage(c), newChaincodeList(c),
		newChaincodeDeploy(c, deployVerb), newChaincodeDeploy(c, upgradeVerb), newChaincodeInvoke(c), newChaincodeQuery(c),
		newChaincodeExplain(c),
	)
	return cmd
}

func (c *chaincodeCmd) addName(f *pflag.FlagSet) {
	f.StringVarP(&c.name, "name", "n", "", "Name of the chaincode")
}

func (c *chaincodeCmd) addVersion(f *pflag.FlagSet) {
	f.StringVarP(&c.version, "version", "v", "", "Version of the chaincode specified in install/instantiate/upgrade commands")
}

func (c *chaincodeCmd) addPath(f *pflag.FlagSet) {
	f.StringVarP(&c.path, "path", "p", "", "Path to chaincode")
}

func (c *chaincodeCmd) addLang(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&c.lang, "lang", "l", "golang", "Language the chaincode is written in")
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"golang", "node", "java", "car"}, cobra.ShellCompDirectiveNoFileComp))
}

func (c *chaincodeCmd) addArgs(f *pflag.FlagSet) {
	f.StringVarP(&c.ctor, "ctor", "c", noArgs, "Constructor message for the chaincode in JSON format")
}

func (c *chaincodeCmd) addChannel(f *pflag.FlagSet) {
	f.StringVarP(&c.channel, "channelID", "C", "", "The channel on which this command should be executed")
}

// withPeer runs work with a connection to the one peer that the flags or core.yaml name.
func (c *chaincodeCmd) withPeer(ctx context.Context, command string, use func(*session, *client.Peer) error) error {
	return c.with(func(s *session) error {
		peers, err := c.endorsers(ctx, s, command)
		if err != nil {
			return err
		}
		return use(s, peers[0])
	})
}

// withRoute runs work with connections to the endorsing peers and to an orderer: the one that -o names or, without it, the first that the
// channel's configuration has.
func (c *chaincodeCmd) withRoute(ctx context.Context, command string, use func(*session, client.Route) error) error {
	return c.with(func(s *session) error {
		peers, err := c.endorsers(ctx, s, command)
		if err != nil {
			return err
		}
		if c.orderer.address == "" {
			if c.orderer.address, err = s.ordererOf(ctx, peers[0], c.channel); err != nil {
				return err
			}
			s.log.InfoContext(ctx, fmt.Sprintf("Retrieved channel (%s) orderer endpoint: %s", c.channel, c.orderer.address))
		}
		o, err := s.orderer(ctx, &c.orderer)
		if err != nil {
			return prefixed("error getting broadcast client", err)
		}
		return use(s, client.Route{Endorsers: peers, Orderer: o})
	})
}

func (c *chaincodeCmd) endorsers(ctx context.Context, s *session, command string) ([]*client.Peer, error) {
	if err := c.peers.check(ctx, s, command, c.channel); err != nil {
		return nil, err
	}
	peers, err := s.peers(ctx, &c.peers)
	return peers, prefixed("error getting endorser client for "+command, err)
}

// ordererOf is the first orderer address in the channel's configuration.
func (s *session) ordererOf(ctx context.Context, p *client.Peer, channel string) (string, error) {
	failure := fmt.Sprintf("error getting channel (%s) orderer endpoint", channel)
	block, err := s.client.ConfigBlock(ctx, p, channel)
	if err != nil {
		return "", prefixed(failure, refusal(err, "error endorsing GetConfigBlock: %w", "error bad proposal response %d: %s"))
	}
	bundle, err := channelconfig.FromBlock(block)
	if err != nil {
		return "", fmt.Errorf("%s: error loading config block: %w", failure, err)
	}
	addresses := bundle.OrdererAddresses()
	if len(addresses) == 0 {
		return "", fmt.Errorf("no orderer endpoints retrieved for channel %s", channel)
	}
	return addresses[0], nil
}

// reportPlugins tells which of Fabric's plugins the chaincode will use, as its commands do.
func (s *session) reportPlugins(ctx context.Context, f *chaincodeFlags) {
	for _, p := range []struct{ kind, name string }{{"escc", f.escc}, {"vscc", f.vscc}} {
		if p.name == "" {
			s.log.InfoContext(ctx, "Using default "+p.kind)
		} else {
			s.log.InfoContext(ctx, "Using "+p.kind+" "+p.name)
		}
	}
}
