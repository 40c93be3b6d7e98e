package orderer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Channel is one ordered chain: its blocks, its present configuration, and the consenter that extends it. It satisfies deliver.Channel.
type Channel struct {
	id        string
	registry  *Registry
	log       *slog.Logger
	blocks    *blockfile.Store
	bundle    atomic.Pointer[channelconfig.Bundle]
	consenter Consenter

	// What follows belongs to the goroutine that appends.
	tip        *commonpb.BlockHeader // of the last appended block
	lastConfig uint64                // number of the newest block that changed this channel's configuration

	height  atomic.Uint64 // blocks that Commit made visible
	mu      sync.Mutex
	changed chan struct{} // closed, and replaced, when height grows
}

// openChannel reads a chain that has at least one block. Its consenter is not started.
func openChannel(r *Registry, id string, blocks *blockfile.Store) (*Channel, error) {
	c := &Channel{id: id, registry: r, blocks: blocks, log: r.o.Log.With("channel", id), changed: make(chan struct{})}
	last, err := blocks.Block(blocks.Height() - 1)
	if err != nil {
		return nil, err
	}
	if last.GetHeader() == nil {
		return nil, fmt.Errorf("block [%d] has no header", blocks.Height()-1)
	}
	c.tip = last.Header
	if c.lastConfig, err = block.LastConfig(last); err != nil {
		return nil, err
	}
	configured, err := blocks.Block(c.lastConfig)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration block [%d]: %w", c.lastConfig, err)
	}
	bundle, err := channelconfig.FromBlock(configured)
	if err != nil {
		return nil, fmt.Errorf("configuration block [%d]: %w", c.lastConfig, err)
	}
	if bundle.ChannelID() != id {
		return nil, fmt.Errorf("the block file of channel %q holds blocks of channel %q", id, bundle.ChannelID())
	}
	if err := bundle.OrdererSupports(); err != nil {
		return nil, err
	}
	c.bundle.Store(bundle)
	c.height.Store(blocks.Height())
	r.o.Metrics.height(id, blocks.Height())
	return c, nil
}

// ID is the channel's name.
func (c *Channel) ID() string { return c.id }

// Bundle is the channel's present configuration.
func (c *Channel) Bundle() *channelconfig.Bundle { return c.bundle.Load() }

// Sequence counts the channel's configurations.
func (c *Channel) Sequence() uint64 { return c.Bundle().Sequence() }

// Log is where the channel's consenter writes its log lines.
func (c *Channel) Log() *slog.Logger { return c.log }

// Tip is the header of the last appended block. Only for the goroutine that appends, and for a consenter before it has started one.
func (c *Channel) Tip() *commonpb.BlockHeader { return c.tip }

// Filled measures a batch whose first message waited so long; a consenter's Assembler calls it.
func (c *Channel) Filled(waited time.Duration) { c.registry.o.Metrics.filled(c.id, waited) }

// BatchLimits are the batch size and timeout of the present configuration.
func (c *Channel) BatchLimits() BatchLimits {
	o, _ := c.Bundle().Orderer() // an open channel has it
	return BatchLimits{Size: o.BatchSize, Timeout: o.BatchTimeout}
}

// Height is the number of blocks that are visible.
func (c *Channel) Height() uint64 { return c.height.Load() }

// RawBlock is an encoded block.
func (c *Channel) RawBlock(number uint64) ([]byte, error) {
	if number >= c.Height() {
		return nil, fmt.Errorf("channel %s: block [%d]: %w", c.id, number, blockfile.ErrNotFound)
	}
	return c.blocks.RawBlock(number)
}

// Block is a decoded block.
func (c *Channel) Block(number uint64) (*commonpb.Block, error) {
	if number >= c.Height() {
		return nil, fmt.Errorf("channel %s: block [%d]: %w", c.id, number, blockfile.ErrNotFound)
	}
	return c.blocks.Block(number)
}

// Wait returns once block number is visible.
func (c *Channel) Wait(ctx context.Context, number uint64) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if c.Height() > number {
			return nil
		}
		select {
		case <-changed:
		case <-c.registry.closing:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Errored is closed once the channel's consenter cannot order any more.
func (c *Channel) Errored() <-chan struct{} { return c.consenter.Errored() }

// Authorize tells whether the creator of a deliver request may read the channel: by /Channel/Readers or, in maintenance mode, by
// /Channel/Orderer/Readers, which keeps peers away while the consensus type changes.
func (c *Channel) Authorize(_ string, request *tx.Envelope) error {
	return satisfy(c.Bundle(), request, channelReaders, ordererReaders)
}

// close stops the consenter, then closes the block file.
func (c *Channel) close() error {
	var err error
	if c.consenter != nil {
		err = c.consenter.Close()
	}
	return errors.Join(err, c.blocks.Close())
}

// The policies that guard a channel.
const (
	channelReaders = "/Channel/Readers"
	channelWriters = "/Channel/Writers"
	ordererReaders = "/Channel/Orderer/Readers"
	ordererWriters = "/Channel/Orderer/Writers"
)

// satisfy holds the signature on e against the policy normal or, if the channel is in maintenance, against the policy maintenance.
func satisfy(b *channelconfig.Bundle, e *tx.Envelope, normal, maintenance string) error {
	path := normal
	if inMaintenance(b) {
		path = maintenance
	}
	p, ok := b.Policy(path)
	if !ok {
		return fmt.Errorf("could not find policy %s", path)
	}
	if err := p.Evaluate([]policy.SignedData{policy.Remember(e.Payload, e.Creator(), e.Signature)}); err != nil {
		return fmt.Errorf("%w: %w", err, ErrPermissionDenied)
	}
	return nil
}
