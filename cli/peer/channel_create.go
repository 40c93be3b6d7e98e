package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/channelconfig/profile"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

const (
	// createPoll is how long channel create waits before it asks again for the new channel's first block.
	createPoll = 50 * time.Millisecond
	// defaultProfile is the profile of configtx.yaml that a channel is made from when no file is given.
	defaultProfile = "SampleSingleMSPChannel"
)

func newChannelCreate(f *channelFlags) *cobra.Command {
	var output string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Create a channel",
		Long:    `Create a channel, from a transaction that configtxgen made, and write its first block to a file. Peers join the channel with that file.`,
		Example: "  peer channel create -o localhost:7050 -c mychannel -f mychannel.tx --tls --cafile ca.crt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.channel == "" {
				return usageError{errors.New("must supply channel ID")}
			}
			return f.withOrderer(cmd.Context(), func(s *session, o *client.Orderer) error {
				e, err := f.createTx()
				if err != nil {
					return err
				}
				if err := s.submitConfigTx(cmd.Context(), o, e, f.channel); err != nil {
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
		},
	}
	f.addChannel(cmd)
	f.addFile(cmd)
	cmd.Flags().StringVar(&output, "outputBlock", "", "The path to write the channel's first block to (default ./<channelID>.block)")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 10*time.Second, "Channel creation timeout")
	return cmd
}

// createTx is the transaction in the file that -f names or, without it, one made of the default profile.
func (f *channelFlags) createTx() (*tx.Envelope, error) {
	if f.file != "" {
		return readConfigTx(f.file)
	}
	conf, err := profile.Open("", f.io.Env)
	if err != nil {
		return nil, err
	}
	p, _, err := conf.Profile(defaultProfile)
	if err != nil {
		return nil, err
	}
	e, err := p.CreateChannelTx(f.channel, nil, time.Now())
	if err != nil {
		return nil, err
	}
	return tx.FromEnvelope(e)
}

// submitConfigTx signs a configuration update and hands it to the orderer.
func (s *session) submitConfigTx(ctx context.Context, o *client.Orderer, e *tx.Envelope, channel string) error {
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
			s.received(ctx, block)
			return block, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("timeout waiting for channel creation: %w", err)
		case <-time.After(createPoll):
		}
	}
}
