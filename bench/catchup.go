package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// pollHeight is how often a peer is asked for its height while it catches up.
const pollHeight = 20 * time.Millisecond

// CatchUp lets a peer that has not joined the channel join it, and measures how fast it takes the blocks that the orderer has by then.
// progress is told the transactions committed, and may be nil.
func (n *Network) CatchUp(ctx context.Context, channelID string, progress func(done int)) (*Result, error) {
	genesis, upTo, err := n.countTransactions(ctx, channelID)
	if err != nil {
		return nil, err
	}
	peer := n.Peers[0]
	began := time.Now()
	if err := n.Client.Join(ctx, peer, genesis); err != nil {
		return nil, fmt.Errorf("the peer must not have joined the channel: %w", err)
	}
	t := newTally(began)
	height := 1 // the join commits the first block
	for height < len(upTo) {
		select {
		case <-time.After(pollHeight):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		info, err := n.Client.ChainInfo(ctx, peer, channelID)
		if err != nil {
			return nil, err
		}
		reached := min(int(info.Height), len(upTo))
		t.atSecond(int(time.Since(began)/time.Second), upTo[reached-1]-upTo[height-1])
		height = reached
		if progress != nil {
			progress(upTo[height-1])
		}
	}
	t.outcomes["committed"] = upTo[height-1]
	return t.result(time.Since(began)), nil
}

// countTransactions reads the channel's blocks from the orderer: the first, and how many transactions there are up to each.
func (n *Network) countTransactions(ctx context.Context, channelID string) (genesis *commonpb.Block, upTo []int, err error) {
	newest, err := n.Client.Block(ctx, n.Orderer, channelID, client.Newest())
	if err != nil {
		return nil, nil, err
	}
	total := 0
	err = n.Client.Blocks(ctx, n.Orderer, channelID, client.Oldest(), client.Number(newest.GetHeader().GetNumber()), func(b *commonpb.Block) error {
		if genesis == nil {
			genesis = b
		}
		total += len(b.GetData().GetData())
		upTo = append(upTo, total)
		return nil
	})
	return genesis, upTo, err
}
