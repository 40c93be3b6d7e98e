package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Load is how much is asked of a network. It is bounded by Count, For, or both.
type Load struct {
	Count   int           // operations; 0: until For has passed
	For     time.Duration // 0: until Count operations are done
	Workers int           // operations at a time, at least 1
	Rate    float64       // operations a second; 0: as fast as the workers can

	// Progress is told, about ten times a second, how many operations have ended. It may be nil.
	Progress func(done int)
}

// Mode does one operation and says what became of it: a validation code, or OK. worker counts from 0 to Load.Workers-1, i counts the
// operations. It is called by all workers at once.
type Mode func(ctx context.Context, worker, i int) (outcome string, err error)

// Run puts the load on the network that mode drives. Operations that fail are part of the result; the error is that of ctx, or says that
// the load has no bound.
func (l Load) Run(ctx context.Context, mode Mode) (*Result, error) {
	if l.Count <= 0 && l.For <= 0 {
		return nil, errors.New("a load needs a number of operations or a time to end at")
	}
	if l.Workers < 1 {
		return nil, fmt.Errorf("a load needs at least 1 worker, not %d", l.Workers)
	}
	outer := ctx
	if l.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.For)
		defer cancel()
	}
	r := &run{load: l, mode: mode, began: time.Now()}
	reporting, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { r.report(reporting); return nil })
	var workers errgroup.Group
	tallies := make([]*tally, l.Workers)
	for w := range tallies {
		tallies[w] = newTally(r.began)
		workers.Go(func() error { r.work(ctx, w, tallies[w]); return nil })
	}
	_ = workers.Wait() // workers put their errors into the tallies
	took := time.Since(r.began)
	stop()
	_ = g.Wait()
	if err := outer.Err(); err != nil {
		return nil, err
	}
	total := tallies[0]
	for _, t := range tallies[1:] {
		total.add(t)
	}
	return total.result(took), nil
}

// run is a load under way.
type run struct {
	load    Load
	mode    Mode
	began   time.Time
	started atomic.Int64
	ended   atomic.Int64
}

func (r *run) work(ctx context.Context, worker int, t *tally) {
	for {
		i := int(r.started.Add(1)) - 1
		if r.load.Count > 0 && i >= r.load.Count {
			return
		}
		due, ok := r.await(ctx, i)
		if !ok {
			return
		}
		outcome, err := r.mode(ctx, worker, i)
		if over(ctx) {
			return // what was under way is neither done nor failed
		}
		t.count(time.Now(), due, outcome, err)
		r.ended.Add(1)
	}
}

// over tells whether the load's time is over. On a busy machine ctx itself hears of that a little later, when gRPC fails calls already.
func over(ctx context.Context) bool {
	at, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(at)
}

// await waits until operation i is due.
func (r *run) await(ctx context.Context, i int) (due time.Time, ok bool) {
	if r.load.Rate <= 0 {
		return time.Now(), !over(ctx)
	}
	due = r.began.Add(time.Duration(float64(i) / r.load.Rate * float64(time.Second)))
	select {
	case <-time.After(time.Until(due)):
		return due, true
	case <-ctx.Done():
		return due, false
	}
}

func (r *run) report(ctx context.Context) {
	if r.load.Progress == nil {
		return
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.load.Progress(int(r.ended.Load()))
		case <-ctx.Done():
			r.load.Progress(int(r.ended.Load()))
			return
		}
	}
}
