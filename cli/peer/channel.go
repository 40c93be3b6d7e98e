package peer

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
)

const channelModule = "channelCmd"

// channelFlags are what the channel commands share.
type channelFlags struct {
	io      IO
	orderer ordererFlags
	channel string
	file    string
}

func newChannel(io IO) *cobra.Command {
	f := &channelFlags{io: io}
	cmd := &cobra.Command{Use: "channel", Short: "Operate a channel: create|fetch|join|list|update|signconfigtx|getinfo."}
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

// withOrderer opens a session with a connection to the orderer.
func (f *channelFlags) withOrderer(ctx context.Context, use func(*session, *client.Orderer) error) error {
	return f.with(func(s *session) error {
		if err := f.orderer.required(); err != nil {
			return err
		}
		o, err := s.orderer(ctx, &f.orderer)
		if err != nil {
			return prefixed("failed to create deliver client", err)
		}
		s.log.InfoContext(ctx, "Endorser and orderer connections initialized")
		return use(s, o)
	})
}

// withPeer opens a session with a connection to the peer of core.yaml.
func (f *channelFlags) withPeer(ctx context.Context, use func(*session, *client.Peer) error) error {
	return f.with(func(s *session) error {
		p, err := s.peer(ctx)
		if err != nil {
			return prefixed("error getting endorser client for channel", err)
		}
		s.log.InfoContext(ctx, "Endorser and orderer connections initialized")
		return use(s, p)
	})
}

func (f *channelFlags) with(use func(*session) error) error {
	s, err := open(f.io, channelModule)
	if err != nil {
		return err
	}
	defer s.Close()
	return use(s)
}

var errNoChannel = usageError{errors.New("must supply channel ID")}
