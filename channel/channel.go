package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Channel is one channel that the peer has joined.
type Channel struct {
	id        string
	o         *Options
	log       *slog.Logger
	ledger    *ledger.Ledger
	validator *validation.Validator
	bundle    atomic.Pointer[channelconfig.Bundle]

	incoming chan *commonpb.Block
	prepared chan *validation.Prepared

	unsynced int // blocks committed since the disk was synced; of the commit stage alone

	mu       sync.Mutex // held by the one block that comes in
	next     uint64     // number of the block to come in next
	lastHash []byte     // header hash of the one before it
	barrier  uint64     // number of the last configuration block that came in

	stop    context.CancelFunc
	running context.Context // ends, with the cause, when a stage fails or the channel closes
	done    chan struct{}   // closed when the stages have ended
}

func newChannel(r *Registry, bundle *channelconfig.Bundle, l *ledger.Ledger) *Channel {
	id := bundle.ChannelID()
	c := &Channel{
		id: id, o: &r.o, log: r.o.Log.With("channel", id), ledger: l,
		validator: validation.New(id, validation.Options{Workers: r.o.Workers, Plugins: r.o.Plugins}),
		incoming:  make(chan *commonpb.Block, 1), prepared: make(chan *validation.Prepared, 1),
		next: l.Height(), lastHash: l.Info().CurrentBlockHash, done: make(chan struct{}),
	}
	c.use(bundle)
	c.o.Metrics.height(id, l.Height())
	return c
}

func (c *Channel) use(bundle *channelconfig.Bundle) {
	c.bundle.Store(bundle)
	if c.o.OnConfig != nil {
		c.o.OnConfig(bundle)
	}
}

// errClosed is the cause when nothing went wrong.
var errClosed = errors.New("the channel is closed")

// start runs the stages until ctx ends or one of them fails.
func (c *Channel) start(ctx context.Context) {
	ctx, c.stop = context.WithCancel(ctx)
	var g *errgroup.Group
	g, c.running = errgroup.WithContext(ctx)
	g.Go(func() error { return c.prepare(c.running) })
	g.Go(func() error { return c.commit(c.running) })
	if c.o.Sync != nil {
		g.Go(func() error { return c.o.Sync.run(c.running, c) })
	}
	go func() {
		defer close(c.done)
		err := g.Wait()
		if ctx.Err() != nil {
			return
		}
		c.log.Error("the channel takes no more blocks; correct the cause and start the peer again", "height", c.Height(), "err", err)
	}()
}

func (c *Channel) close() error {
	c.stop()
	<-c.done
	return c.ledger.Close()
}

// Err is why the channel takes no more blocks; nil while it does.
func (c *Channel) Err() error {
	switch cause := context.Cause(c.running); {
	case cause == nil:
		return nil
	case errors.Is(cause, context.Canceled):
		return errClosed
	default:
		return cause
	}
}

func (c *Channel) stopped() error {
	return fmt.Errorf("channel [%s] takes no more blocks: %w", c.id, c.Err())
}

// ID is the channel's name.
func (c *Channel) ID() string { return c.id }

// Bundle is the configuration in force: that of the newest block or, for the moment it takes to commit one, of a block newer still.
func (c *Channel) Bundle() *channelconfig.Bundle { return c.bundle.Load() }

// Sequence counts the channel's configurations.
func (c *Channel) Sequence() uint64 { return c.Bundle().Sequence() }

// Ledger is the channel's ledger. Only the channel commits to it.
func (c *Channel) Ledger() *ledger.Ledger { return c.ledger }

// Height is the number of blocks.
func (c *Channel) Height() uint64 { return c.ledger.Height() }

// Block reads block n.
func (c *Channel) Block(n uint64) (*commonpb.Block, error) { return c.ledger.Block(n) }

// RawBlock reads block n, encoded as stored. It must not be changed.
func (c *Channel) RawBlock(n uint64) ([]byte, error) { return c.ledger.RawBlock(n) }

// Wait returns once Height() > n, or with an error when ctx ends or the channel closes.
func (c *Channel) Wait(ctx context.Context, n uint64) error { return c.ledger.Wait(ctx, n) }
