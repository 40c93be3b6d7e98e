package channel

import (
	"bytes"
	"context"
	"fmt"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// maxUnsynced is how many blocks may be committed, while others wait, before the disk is synced.
const maxUnsynced = 32

// Submit does what block sync does with a block: it checks that the block is whole, follows the last one and bears the orderer's signature,
// and hands it on. It returns before the block is committed; Wait tells when it is. Blocks come one at a time, and not while block sync runs.
func (c *Channel) Submit(ctx context.Context, b *commonpb.Block) error {
	if err := block.Check(b); err != nil {
		return err
	}
	if err := c.Verify(b); err != nil {
		return err
	}
	return c.handle(ctx, b)
}

// handle lets the next block, which has been verified, into the pipeline, and waits while that is full.
func (c *Channel) handle(ctx context.Context, b *commonpb.Block) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.follows(b); err != nil {
		return err
	}
	if c.running.Err() != nil { // there may still be room for the block
		return c.stopped()
	}
	select {
	case c.incoming <- b:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.running.Done():
		return c.stopped()
	}
	c.next, c.lastHash = c.next+1, block.HeaderHash(b.Header)
	if isConfig(b) {
		c.barrier = b.Header.Number
	}
	return nil
}

// follows refuses a block that does not continue the chain.
func (c *Channel) follows(b *commonpb.Block) error {
	if b.Header.Number != c.next {
		return fmt.Errorf("expected block [%d] of channel [%s], got block [%d]", c.next, c.id, b.Header.Number)
	}
	if !bytes.Equal(b.Header.PreviousHash, c.lastHash) {
		return fmt.Errorf("block [%d] of channel [%s] says the block before it hashes to %x, but that one hashes to %x", c.next, c.id, b.Header.PreviousHash, c.lastHash)
	}
	return nil
}

// isConfig says whether a block is a configuration block: orderers put a configuration transaction in a block of its own.
func isConfig(b *commonpb.Block) bool {
	if len(b.Data.Data) != 1 {
		return false
	}
	e, err := tx.ParseEnvelope(b.Data.Data[0])
	return err == nil && e.Type() == commonpb.HeaderType_CONFIG
}

// prepare is the second stage.
func (c *Channel) prepare(ctx context.Context) error {
	for {
		var b *commonpb.Block
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b = <-c.incoming:
		}
		p, err := c.validator.Prepare(ctx, b, c.Bundle())
		if err != nil {
			return fmt.Errorf("preparing block [%d]: %w", b.Header.Number, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c.prepared <- p:
		}
		if p.ChangesConfig() {
			if err := c.ledger.Wait(ctx, p.Number()); err != nil {
				return err
			}
		}
	}
}

// commit is the third stage.
func (c *Channel) commit(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-c.prepared:
			if err := c.commitBlock(ctx, p); err != nil {
				return err
			}
		}
	}
}

func (c *Channel) commitBlock(ctx context.Context, p *validation.Prepared) error {
	verdict, err := c.decide(ctx, p)
	if err != nil {
		return err
	}
	if verdict.Next != nil {
		c.use(verdict.Next)
	}
	if err := c.store(ctx, verdict.Block); err != nil {
		return err
	}
	c.o.Metrics.committed(c.id, verdict)
	c.report(verdict)
	return nil
}

func (c *Channel) decide(ctx context.Context, p *validation.Prepared) (*validation.Verdict, error) {
	s, err := c.ledger.NewSnapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return c.validator.Decide(ctx, p, s)
}

// store commits a block; with others waiting it leaves syncing the disk to one of them.
func (c *Channel) store(ctx context.Context, b *ledger.Block) error {
	if waiting := len(c.incoming) + len(c.prepared); waiting > 0 && c.unsynced < maxUnsynced {
		c.unsynced++
		return c.ledger.CommitNoSync(ctx, b)
	}
	c.unsynced = 0
	return c.ledger.Commit(ctx, b)
}
