package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/bench/chain"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// commit fills the ledgers and measures how fast they take blocks. It leaves them closed.
func (s *site) commit(ctx context.Context) (*Result, error) {
	registry, err := openRegistry(ctx, channel.Options{Dir: s.ledgers(), Log: s.Log, OnCommit: s.count}, s.KeyTables)
	if err != nil {
		return nil, err
	}
	r, err := s.fillAndCommit(ctx, registry)
	if err = errors.Join(err, registry.Close()); err != nil { // closing waits for the last blocks to be counted
		return nil, err
	}
	valid := s.codes["VALID"]
	if valid != s.made || len(s.codes) > 1 {
		return nil, fmt.Errorf("all of %d transactions should have become valid, but they are %v", s.made, s.codes)
	}
	return r, nil
}

// count is told of every block that a channel commits, by all of them at once.
func (s *site) count(c channel.Committed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range c.Block.Txs {
		s.codes[t.Code.String()]++
	}
}

func (s *site) fillAndCommit(ctx context.Context, registry *channel.Registry) (*Result, error) {
	channels := make([]*channel.Channel, len(s.chains))
	for i, c := range s.chains {
		if err := registry.Join(ctx, c.Genesis()); err != nil {
			return nil, err
		}
		channels[i], _ = registry.Get(c.ChannelID)
	}
	if err := s.fill(ctx, channels); err != nil {
		return nil, err
	}
	return s.median(func(round int) (*Result, error) { return s.commitOnce(ctx, channels, round) })
}

// commitOnce is one round of committing.
func (s *site) commitOnce(ctx context.Context, channels []*channel.Channel, round int) (r *Result, err error) {
	if err := s.makeBlocks(ctx); err != nil {
		return nil, err
	}
	runtime.GC() // what making them has left is not to be paid for by what follows
	self := Process{Name: "peer's pipeline", PID: os.Getpid()}
	if err := s.settle(ctx, self); err != nil {
		return nil, err
	}
	if s.Profile != nil {
		stop, failed := s.Profile(fmt.Sprintf("%s commit %d", s.name, round))
		if failed != nil {
			return nil, failed
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return Metered(func() (*Result, error) { return s.takeAll(ctx, channels) }, self)
}

// fill deploys the chaincodes, writes all keys, and goes on with what will be measured, for a while.
func (s *site) fill(ctx context.Context, channels []*channel.Channel) error {
	progress, finish := s.report("filling the state", len(s.chains)*(len(s.packages)+s.chains[0].FillCount())+s.warming())
	defer finish()
	for i, c := range s.chains {
		submit := func(b *commonpb.Block) error {
			s.made += len(b.Data.Data)
			progress(s.made)
			return channels[i].Submit(ctx, b)
		}
		err := c.Deploy(submit)
		if err == nil {
			err = c.Fill(submit)
		}
		if err == nil {
			err = c.Update(s.share(s.warming(), i), s.Block, submit)
		}
		if err == nil {
			err = channels[i].Wait(ctx, c.Number()-1)
		}
		if err != nil {
			return errors.Join(err, channels[i].Err())
		}
	}
	return nil
}

// share is what the i-th channel has of a number of operations.
func (s *site) share(count, i int) int { return count*(i+1)/len(s.chains) - count*i/len(s.chains) }

// makeBlocks writes the blocks that are to be measured to a file for each channel, so that they fill no memory while they are.
func (s *site) makeBlocks(ctx context.Context) error {
	progress, finish := s.report("making blocks", s.Count)
	defer finish()
	if err := os.MkdirAll(s.blocks(), 0o750); err != nil {
		return err
	}
	done := 0
	for i, c := range s.chains {
		f, err := os.Create(s.blockFile(c))
		if err != nil {
			return err
		}
		var raw []byte
		err = c.Update(s.share(s.Count, i), s.Block, func(b *commonpb.Block) error {
			done += len(b.Data.Data)
			progress(done)
			raw = block.AppendFile(raw[:0], b)
			_, err := f.Write(raw)
			return errors.Join(err, ctx.Err())
		})
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	s.made += done
	return nil
}

func (s *site) blockFile(c *chain.Chain) string { return filepath.Join(s.blocks(), c.ChannelID) }

// takeAll lets all channels commit their blocks at once.
func (s *site) takeAll(ctx context.Context, channels []*channel.Channel) (*Result, error) {
	progress, finish := s.report("committing", s.Count)
	defer finish()
	var mu sync.Mutex
	done, t := 0, newTally(time.Now())
	g, ctx := errgroup.WithContext(ctx)
	for i, c := range channels {
		g.Go(func() error {
			f, err := os.Open(s.blockFile(s.chains[i]))
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = take(ctx, c, f, func(txs int) {
				mu.Lock()
				defer mu.Unlock()
				done += txs
				t.atSecond(int(time.Since(t.began)/time.Second), txs)
				progress(done)
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	took := time.Since(t.began)
	t.outcomes["VALID"] = done // or the whole point is an error
	r := t.result(took)
	r.Name = "commit, " + s.name
	return r, nil
}
