package bench

import (
	"context"
	"time"
)

// How long a process is looked at to find that it rests, how much of a processor it may use while it does, and how long that is waited for.
const (
	restWatch = 500 * time.Millisecond
	restShare = 0.05
	restWait  = 3 * time.Minute
)

// settle waits until a process has done what it has to do of its own accord, such as compacting what was written; but no longer than restWait, and
// not at all if what comes of it is not meant to be right.
func (g *Growth) settle(ctx context.Context, p Process) error {
	end := time.Now().Add(restWait)
	for !g.Quick && time.Now().Before(end) {
		before, err := p.processorTime()
		if err != nil {
			return err
		}
		select {
		case <-time.After(restWatch):
		case <-ctx.Done():
			return ctx.Err()
		}
		after, err := p.processorTime()
		if err != nil {
			return err
		}
		if float64(after-before) < restShare*float64(restWatch) {
			return nil
		}
	}
	return nil
}
