// Package solo is consensus for one orderer that needs none: messages are ordered as they come.
//
// Two goroutines per channel: one assembles blocks, one writes them, so that a batch fills while the block before it is written. All blocks
// that wait for the writer share one fsync. There is no log but the block file: what was taken and is not yet written is lost
// with the process (Close writes it first), as with Fabric's solo.
package solo

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// maxInFlight bounds the blocks that wait for the writer.
const maxInFlight = 8

// New gives consenters of type "solo".
func New(mode orderer.BatchCutting) orderer.NewConsenter {
	return func(ctx context.Context, c *orderer.Channel) (orderer.Consenter, error) {
		ctx, cancel := context.WithCancel(ctx)
		group, ctx := errgroup.WithContext(ctx)
		s := &solo{
			Inlet:   orderer.NewInlet(),
			channel: c,
			blocks:  make(chan *commonpb.Block, maxInFlight),
			written: make(chan int, maxInFlight),
			group:   group,
			cancel:  cancel,
		}
		a := orderer.NewAssembler(c.Tip(), mode, maxInFlight, c.BatchLimits)
		a.OnCut = c.Filled
		group.Go(func() error { return s.assemble(ctx, a) })
		group.Go(func() error { return s.write(ctx) })
		return s, nil
	}
}

type solo struct {
	*orderer.Inlet
	channel *orderer.Channel
	blocks  chan *commonpb.Block // to the writer; closed when no more will come
	written chan int             // from the writer: how many blocks it wrote
	group   *errgroup.Group
	cancel  context.CancelFunc
}

// Close orders and writes what was taken in.
func (s *solo) Close() error {
	s.Stop(orderer.ErrStopped)
	defer s.cancel()
	return s.group.Wait()
}

func (s *solo) assemble(ctx context.Context, a *orderer.Assembler) error {
	defer close(s.blocks)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stopped := s.Drained()
	for {
		for _, b := range a.Next(time.Now()) {
			s.blocks <- b // has room for all that may be in flight
		}
		in := s.Messages()
		if !a.Accepting() {
			in = nil
		}
		if stopped == nil && a.Idle() && len(s.Messages()) == 0 {
			return nil
		}
		if at, waiting := a.Deadline(); waiting {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case m := <-in:
			s.Fill(a, m, s.channel.Rejudge, s.channel.Dropped, time.Now())
		case n := <-s.written:
			for range n {
				a.Wrote()
			}
		case <-timer.C:
		case <-stopped:
			stopped = nil
			a.Flush()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// write takes what waits, appends it, and makes it durable and visible at once.
func (s *solo) write(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			s.Stop(err)
		}
	}()
	for b := range s.blocks {
		n := 0
		for more := true; more; n++ {
			if err := s.channel.Append(b, nil); err != nil {
				return err
			}
			select {
			case next, ok := <-s.blocks:
				b, more = next, ok
			default:
				more = false
			}
		}
		if err := s.channel.Commit(true); err != nil {
			return err
		}
		select {
		case s.written <- n:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
