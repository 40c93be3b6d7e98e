package explain

import (
	"context"
	"errors"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// FromPeer asks a peer, on behalf of a client that may read the channel.
func FromPeer(c *client.Client, p *client.Peer, channel string) Source {
	return Source{
		Blocks: func(ctx context.Context, first, last uint64, each func(*commonpb.Block) error) error {
			return c.Blocks(ctx, p, channel, client.Number(first).IfThere(), client.Number(last), each)
		},
		ByTxID: func(ctx context.Context, txid string) (*commonpb.Block, error) {
			return c.BlockByTxID(ctx, p, channel, txid)
		},
		Definition: func(ctx context.Context, name string) ([]byte, error) {
			d, err := c.Definition(ctx, p, channel, name)
			var refused *client.EndorseError
			if errors.As(err, &refused) && refused.Err == nil {
				return nil, nil // the peer knows none
			}
			if err != nil {
				return nil, err
			}
			return wire.Marshal(d)
		},
	}
}
