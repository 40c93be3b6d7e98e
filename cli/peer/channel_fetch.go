package peer

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func newChannelFetch(f *channelFlags) *cobra.Command {
	var bestEffort bool
	cmd := &cobra.Command{
		Use:     "fetch <newest|oldest|config|(number)> [outputfile]",
		Short:   "Fetch a block",
		Long:    "Fetch a specified block, writing it to a file. It comes from the orderer that -o names or, without -o, from the peer.",
		Example: "  peer channel fetch config mychannel_config.block -o localhost:7050 -c mychannel",
		RunE: verb(func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{fmt.Errorf("fetch target required, oldest, newest, config, or a number")}
			case len(args) > 2:
				return usageError{fmt.Errorf("trailing args detected")}
			}
			file := f.channel + "_" + args[0] + ".block"
			if len(args) == 2 {
				file = args[1]
			}
			fetch := func(s *session, from client.Deliverer) error {
				b, err := s.fetch(cmd.Context(), from, f.channel, args[0])
				if err != nil {
					return deliverError(cmd.Context(), s, err)
				}
				return writeMessage(file, b, 0o644)
			}
			if f.orderer.given() {
				return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error { return fetch(s, o) })
			}
			return f.withPeer(cmd.Context(), func(s *session, p *client.Peer) error { return fetch(s, p) })
		}),
	}
	f.addChannel(cmd)
	cmd.Flags().BoolVar(&bestEffort, "bestEffort", false, "Whether fetch requests should ignore errors and return blocks on a best effort basis")
	return cmd
}

// fetch gets the block that target names: newest, oldest, config or a number.
func (s *session) fetch(ctx context.Context, from client.Deliverer, channel, target string) (*commonpb.Block, error) {
	switch target {
	case "oldest":
		return s.client.Block(ctx, from, channel, client.Oldest())
	case "newest":
		return s.client.Block(ctx, from, channel, client.Newest())
	case "config":
		newest, err := s.client.Block(ctx, from, channel, client.Newest())
		if err != nil {
			return nil, err
		}
		number, err := block.LastConfig(newest)
		if err != nil {
			return nil, err
		}
		s.log.InfoContext(ctx, fmt.Sprintf("Retrieving last config block: %d", number))
		return s.client.Block(ctx, from, channel, client.Number(number))
	}
	number, err := strconv.ParseUint(target, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("fetch target illegal: %s", target)
	}
	return s.client.Block(ctx, from, channel, client.Number(number))
}
