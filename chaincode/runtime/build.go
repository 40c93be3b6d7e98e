package runtime

import (
	"context"
	"fmt"
	"sync"
)

// Builds shares work that several launches ask for at the same time. The zero value is ready for use.
type Builds struct {
	mu    sync.Mutex
	going map[string]*build
}

// build is a build in progress that any number of launches wait for.
type build struct {
	done    chan struct{} // closed when result and err are set
	cancel  context.CancelFunc
	waiters int

	result string
	err    error
}

// Do returns what work returns. Callers with the same key at the same time share one run of it; it is given up when none of them waits any
// longer. Nothing is remembered once it is over.
func (s *Builds) Do(ctx context.Context, key string, work func(ctx context.Context) (string, error)) (string, error) {
	b := s.join(ctx, key, work)
	select {
	case <-b.done:
	case <-ctx.Done():
	}
	if s.leave(b, key) {
		b.cancel()
		<-b.done
	}
	select {
	case <-b.done:
		if b.err == nil || ctx.Err() == nil {
			return b.result, b.err
		}
	default:
	}
	return "", fmt.Errorf("build given up: %w", context.Cause(ctx))
}

// join finds or begins the build and counts the caller in.
func (s *Builds) join(ctx context.Context, key string, work func(ctx context.Context) (string, error)) *build {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.going[key]
	if !ok {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		b = &build{done: make(chan struct{}), cancel: cancel}
		if s.going == nil {
			s.going = map[string]*build{}
		}
		s.going[key] = b
		go func() {
			defer close(b.done)
			b.result, b.err = work(shared)
		}()
	}
	b.waiters++
	return b
}

// leave counts a caller out and tells whether it was the last, after which nobody joins any more.
func (s *Builds) leave(b *build, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.waiters--; b.waiters > 0 {
		return false
	}
	if s.going[key] == b {
		delete(s.going, key)
	}
	return true
}
