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
	tables := msp.NewKeyTables(keyTables)
	registry, err := channel.Open(ctx, channel.Options{Dir: dir, Log: log, OnConfig: func(b *channelconfig.Bundle) { b.MSPs().UseKeyTables(tables) }})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	if err := registry.Join(ctx, genesis); err != nil {
		return nil, err
	}
	c, _ := registry.Get(registry.IDs()[0])
	t := newTally(time.Now())
	taken, last := 0, uint64(0)
	err = block.ReadFile(file, func(b *commonpb.Block) error {
		if b.GetHeader().GetNumber() == 0 {
			return nil
		}
		if err := c.Submit(ctx, b); err != nil {
			return err
		}
		taken, last = taken+len(b.GetData().GetData()), b.Header.Number
		t.atSecond(int(time.Since(t.began)/time.Second), len(b.GetData().GetData()))
		if progress != nil {
			progress(taken)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := c.Wait(ctx, last); err != nil {
		return nil, errors.Join(err, c.Err())
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
