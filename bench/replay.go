package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Replay takes the blocks of a block file, as block.ReadFile reads it, through a peer's own pipeline into an empty ledger in dir. genesis is the
// channel's first block, whether it is in the file or not. keyTables is the limit of msp.NewKeyTables. progress is told the transactions taken in,
// and may be nil.
func Replay(
	ctx context.Context, dir string, genesis *commonpb.Block, file io.Reader, keyTables int, log *slog.Logger, progress func(done int),
) (result *Result, err error) {
	registry, err := openRegistry(ctx, channel.Options{Dir: dir, Log: log}, keyTables)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	if err := registry.Join(ctx, genesis); err != nil {
		return nil, err
	}
	c, _ := registry.Get(registry.IDs()[0])
	t := newTally(time.Now())
	taken := 0
	last, err := take(ctx, c, file, func(txs int) {
		taken += txs
		t.atSecond(int(time.Since(t.began)/time.Second), txs)
		if progress != nil {
			progress(taken)
		}
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(t.began)
	for n := uint64(1); n <= last; n++ {
		b, err := c.Block(n)
		if err != nil {
			return nil, err
		}
		for _, code := range block.Codes(b) {
			t.outcomes[peerpb.TxValidationCode(code).String()]++
		}
	}
	return t.result(took), nil
}

// openRegistry opens channels as a peer does, but for pulling blocks. keyTables is the limit of msp.NewKeyTables.
func openRegistry(ctx context.Context, o channel.Options, keyTables int) (*channel.Registry, error) {
	tables := msp.NewKeyTables(keyTables)
	o.OnConfig = func(b *channelconfig.Bundle) { b.MSPs().UseKeyTables(tables) }
	return channel.Open(ctx, o)
}

// take lets a channel commit the blocks of a block file, but for the first one, and returns the number of the last. taken is told of how many
// transactions each block is that the channel has in hand.
func take(ctx context.Context, c *channel.Channel, file io.Reader, taken func(txs int)) (last uint64, err error) {
	err = block.ReadFile(file, func(b *commonpb.Block) error {
		if b.GetHeader().GetNumber() == 0 {
			return nil
		}
		if err := c.Submit(ctx, b); err != nil {
			return err
		}
		last = b.Header.Number
		taken(len(b.GetData().GetData()))
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := c.Wait(ctx, last); err != nil {
		return 0, errors.Join(err, c.Err())
	}
	return last, nil
}
