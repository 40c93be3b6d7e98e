package peer

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

// channelFlags are what the channel commands share.
type channelFlags struct {
	base
	orderer ordererFlags
	channel string
	file    string
}

func newChannel(io IO) *cobra.Command {
	f := &channelFlags{base: base{io: io}}
	cmd := &cobra.Command{
		Use:   "channel",
		Short: "Operate a channel: create|fetch|join|list|update|signconfigtx|getinfo",
		Long: `Create channels, join the peer of core.yaml to them, fetch their blocks, and change their configuration. A change is a transaction that as
many organizations sign as the channel's policies ask for.`,
		PersistentPreRunE: f.opener("channelCmd"),
	}
	f.orderer.add(cmd.PersistentFlags())
	cmd.AddCommand(newChannelCreate(f), newChannelFetch(f), newChannelJoin(f), newChannelList(f), newChannelUpdate(f), newChannelSign(f), newChannelInfo(f))
	return cmd
}

func (f *channelFlags) addChannel(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.channel, "channelID", "c", "", "The channel. Its name is all lower case, shorter than 250 characters and matches the regular expression [a-z][a-z0-9.-]*")
}

func (f *channelFlags) addFile(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "Configuration transaction file, as configtxgen or configtxlator makes it")
}

// withOrderer runs work with a connection to the orderer.
func (f *channelFlags) withOrderer(ctx context.Context, use func(*session, *client.Orderer) error) error {
	return f.with(func(s *session) error {
		if err := f.orderer.required(); err != nil {
			return err
		}
		o, err := s.orderer(ctx, &f.orderer)
		if err != nil {
			return prefixed("failed to create deliver client", err)
		}
		s.connected(ctx)
		return use(s, o)
	})
}

// withPeer runs work with a connection to the peer of core.yaml.
func (f *channelFlags) withPeer(ctx context.Context, use func(*session, *client.Peer) error) error {
	return f.with(func(s *session) error {
		p, err := s.peer(ctx, "endorser")
		if err != nil {
			return prefixed("error getting endorser client for channel", err)
		}
		s.connected(ctx)
		return use(s, p)
	})
}

// connected says what Fabric's channel commands say before they set to work, whatever they connected to.
func (s *session) connected(ctx context.Context) {
	s.log.InfoContext(ctx, "Endorser and orderer connections initialized")
}
