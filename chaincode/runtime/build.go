package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/chaincode/pack"
)

// build is a build in progress that any number of launches wait for.
type build struct {
	done    chan struct{} // closed when binary and err are set
	cancel  context.CancelFunc
	waiters int

	binary string
	err    error
}

// binary returns the executable of a package. Launches that want the same code at the same time share one build; it is given up when none
// of them waits any longer.
func (p *Process) binary(ctx context.Context, pkg *pack.Package) (string, error) {
	if pkg == nil {
		return "", errors.New("it has no package")
	}
	b := p.join(ctx, pkg)
	select {
	case <-b.done:
	case <-ctx.Done():
	}
	if p.leave(b, string(pkg.CodeHash)) {
		b.cancel()
		<-b.done
	}
	select {
	case <-b.done:
		if b.err == nil || ctx.Err() == nil {
			return b.binary, b.err
		}
	default:
	}
	return "", fmt.Errorf("build given up: %w", context.Cause(ctx))
}

// join finds or begins the build of pkg's code and counts the caller in.
func (p *Process) join(ctx context.Context, pkg *pack.Package) *build {
	key := string(pkg.CodeHash)
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.builds[key]
	if !ok {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		b = &build{done: make(chan struct{}), cancel: cancel}
		if p.builds == nil {
			p.builds = map[string]*build{}
		}
		p.builds[key] = b
		go func() {
			defer close(b.done)
			b.binary, b.err = p.Build(shared, pkg)
		}()
	}
	b.waiters++
	return b
}

// leave counts a caller out and tells whether it was the last, after which nobody joins any more.
func (p *Process) leave(b *build, key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.waiters--; b.waiters > 0 {
		return false
	}
	if p.builds[key] == b {
		delete(p.builds, key)
	}
	return true
}
