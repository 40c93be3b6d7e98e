package peer

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// createPoll is how long channel create waits before it asks again for the new channel's first block.
const createPoll = 50 * time.Millisecond

func newChannelCreate(f *channelFlags) *cobra.Command {
	var output string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Create a channel",
		Long:    "Create a channel and write its first block to a file.",
		Example: "  peer channel create -o localhost:7050 -c mychannel -f mychannel.tx --tls --cafile ca.crt",
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			if f.channel == "" {
				return errNoChannel
			}
			if f.file == "" {
				return usageError{errNoConfigTx}
			}
			return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error {
				if err := s.submitConfigTx(cmd.Context(), o, f.file, f.channel); err != nil {
					return err
				}
				block, err := s.firstBlock(cmd.Context(), o, f.channel, timeout)
				if err != nil {
					return err
				}
				if output == "" {
					output = f.channel + ".block"
				}
				return writeMessage(output, block, 0o644)
			})
		}),
	}
	f.addChannel(cmd)
	f.addFile(cmd)
	cmd.Flags().StringVar(&output, "outputBlock", "", "The path to write the channel's first block to (default ./<channelID>.block)")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 10*time.Second, "Channel creation timeout")
	return cmd
}

// submitConfigTx signs the configuration update in file and hands it to the orderer.
func (s *session) submitConfigTx(ctx context.Context, o *client.Orderer, file, channel string) error {
	e, err := readConfigTx(file)
	if err != nil {
		return err
	}
	signed, err := signConfigTx(e, channel, s.signer)
	if err != nil {
		return err
	}
	return broadcastError(o.Broadcast(ctx, signed))
}

// firstBlock waits until the orderer serves the channel.
func (s *session) firstBlock(ctx context.Context, o *client.Orderer, channel string, timeout time.Duration) (*commonpb.Block, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		block, err := s.client.Block(ctx, o, channel, client.Number(0))
		if err == nil {
			return block, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(errors.New("timeout waiting for channel creation"), err)
		case <-time.After(createPoll):
		}
	}
}
