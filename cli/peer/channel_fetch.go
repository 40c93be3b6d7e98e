package peer

import (
	"context"
	"errors"
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
		Use:       "fetch <newest|oldest|config|(number)> [outputfile]",
		Short:     "Fetch a block",
		ValidArgs: []string{"newest", "oldest", "config"},
		Long: `Fetch a block and write it to a file: the newest, the oldest, the newest that has a configuration, or the one of a number. It comes from
the orderer that -o names or, without -o, from the peer.`,
		Example: "  peer channel fetch config mychannel_config.block -o localhost:7050 -c mychannel",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{errors.New("fetch target required, oldest, newest, config, or a number")}
			case len(args) > 2:
				return usageError{errors.New("trailing args detected")}
			}
			file := f.channel + "_" + args[0] + ".block"
			if len(args) == 2 {
				file = args[1]
			}
			fetch := func(s *session, from client.Deliverer) error {
				b, err := s.fetch(cmd.Context(), source{from, f.channel, bestEffort}, args[0])
				if err != nil {
					return err
				}
				return writeMessage(file, b, 0o644)
			}
			if f.orderer.given() {
				return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error { return fetch(s, o) })
			}
			return f.with(func(s *session) error {
				p, err := s.peer(cmd.Context(), "deliver")
				if err != nil {
					return prefixed("error getting deliver client for channel: failed to create deliver client", err)
				}
				s.connected(cmd.Context())
				return fetch(s, p)
			})
		},
	}
	f.addChannel(cmd)
	cmd.Flags().BoolVar(&bestEffort, "bestEffort", false, "Whether fetch requests should ignore errors and return blocks on a best effort basis")
	return cmd
}

// source is where blocks come from.
type source struct {
	from       client.Deliverer
	channel    string
	bestEffort bool
}

// fetch gets the block that target names: newest, oldest, config or a number.
func (s *session) fetch(ctx context.Context, from source, target string) (*commonpb.Block, error) {
	switch target {
	case "oldest":
		return s.block(ctx, from, client.Oldest())
	case "newest":
		return s.block(ctx, from, client.Newest())
	case "config":
		newest, err := s.block(ctx, from, client.Newest())
		if err != nil {
			return nil, err
		}
		number, err := block.LastConfig(newest)
		if err != nil {
			return nil, err
		}
		config, err := s.block(ctx, from, client.Number(number))
		s.log.InfoContext(ctx, fmt.Sprintf("Retrieving last config block: %d", number))
		return config, err
	}
	number, err := strconv.Atoi(target) // a negative one is beyond the end of every channel
	if err != nil {
		return nil, fmt.Errorf("fetch target illegal: %s", target)
	}
	return s.block(ctx, from, client.Number(uint64(number)))
}

func (s *session) block(ctx context.Context, from source, p client.Position) (*commonpb.Block, error) {
	if from.bestEffort {
		p = p.BestEffort()
	}
	b, err := s.client.Block(ctx, from.from, from.channel, p)
	if err != nil {
		return nil, s.deliverError(ctx, err)
	}
	s.received(ctx, b)
	return b, nil
}

func (s *session) received(ctx context.Context, b *commonpb.Block) {
	s.common.InfoContext(ctx, fmt.Sprintf("Received block: %d", b.GetHeader().GetNumber()))
}
