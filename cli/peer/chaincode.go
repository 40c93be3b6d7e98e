package peer

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/client"
)

const chaincodeModule = "chaincodeCmd"

// chaincodeCmd is what the chaincode commands share.
type chaincodeCmd struct {
	chaincodeFlags
	io        IO
	orderer   ordererFlags
	peers     peerFlags
	transient string
}

func newChaincode(io IO) *cobra.Command {
	c := &chaincodeCmd{io: io}
	cmd := &cobra.Command{Use: "chaincode", Short: "Operate a chaincode: install|instantiate|invoke|package|query|signpackage|upgrade|list."}
	c.orderer.add(cmd.PersistentFlags())
	cmd.PersistentFlags().StringVar(&c.transient, "transient", "", "Transient map of arguments in JSON encoding")
	cmd.AddCommand(
		newChaincodeInstall(c), newChaincodePackage(c), newChaincodeSignPackage(c), newChaincodeList(c),
		newChaincodeDeploy(c, deployVerb), newChaincodeDeploy(c, upgradeVerb), newChaincodeInvoke(c), newChaincodeQuery(c),
	)
	return cmd
}

func (c *chaincodeCmd) addName(f *pflag.FlagSet) {
	f.StringVarP(&c.name, "name", "n", "", "Name of the chaincode")
}

func (c *chaincodeCmd) addVersion(f *pflag.FlagSet) {
	f.StringVarP(&c.version, "version", "v", "", "Version of the chaincode specified in install/instantiate/upgrade commands")
}

func (c *chaincodeCmd) addSource(f *pflag.FlagSet) {
	f.StringVarP(&c.path, "path", "p", "", "Path to chaincode")
	c.addLang(f)
}

func (c *chaincodeCmd) addLang(f *pflag.FlagSet) {
	f.StringVarP(&c.lang, "lang", "l", "golang", "Language the chaincode is written in")
}

func (c *chaincodeCmd) addArgs(f *pflag.FlagSet) {
	f.StringVarP(&c.ctor, "ctor", "c", noArgs, "Constructor message for the chaincode in JSON format")
}

func (c *chaincodeCmd) addChannel(f *pflag.FlagSet) {
	f.StringVarP(&c.channel, "channelID", "C", "", "The channel on which this command should be executed")
}

// with opens a session.
func (c *chaincodeCmd) with(use func(*session) error) error {
	s, err := open(c.io, chaincodeModule)
	if err != nil {
		return err
	}
	defer s.Close()
	return use(s)
}

// withPeer opens a session with a connection to the one peer that the flags or core.yaml name.
func (c *chaincodeCmd) withPeer(ctx context.Context, command string, use func(*session, *client.Peer) error) error {
	return c.with(func(s *session) error {
		if err := c.peers.one(command); err != nil {
			return err
		}
		peers, err := s.peers(ctx, &c.peers)
		if err != nil {
			return prefixed("error getting endorser client for "+command, err)
		}
		return use(s, peers[0])
	})
}

// withRoute opens a session with connections to the endorsing peers and to an orderer: the one that -o names or, without it, the first
// that the channel's configuration has.
func (c *chaincodeCmd) withRoute(ctx context.Context, command string, use func(*session, client.Route) error) error {
	return c.with(func(s *session) error {
		peers, err := s.peers(ctx, &c.peers)
		if err != nil {
			return prefixed("error getting endorser client for "+command, err)
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

// ordererOf is the first orderer address in the channel's configuration.
func (s *session) ordererOf(ctx context.Context, p *client.Peer, channel string) (string, error) {
	block, err := s.client.ConfigBlock(ctx, p, channel)
	if err != nil {
		return "", fmt.Errorf("error getting channel (%s) orderer endpoint: %w", channel, badResponse("bad response %d: %s", err))
	}
	bundle, err := channelconfig.FromBlock(block)
	if err != nil {
		return "", fmt.Errorf("error getting channel (%s) orderer endpoint: %w", channel, err)
	}
	addresses := bundle.OrdererAddresses()
	if len(addresses) == 0 {
		return "", fmt.Errorf("no orderer endpoints retrieved for channel %s", channel)
	}
	return addresses[0], nil
}

// reportPolicies tells which of Fabric's plugins the chaincode will use, as its commands do.
func (s *session) reportPlugins(ctx context.Context, f *chaincodeFlags) {
	for _, p := range []struct{ kind, name string }{{"escc", f.escc}, {"vscc", f.vscc}} {
		if p.name == "" {
			s.log.InfoContext(ctx, "Using default "+p.kind)
		} else {
			s.log.InfoContext(ctx, "Using "+p.kind+" "+p.name)
		}
	}
}

var errNoSource = errors.New("Must supply value for chaincode name, path and version parameters.")
