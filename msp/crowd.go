package msp

import (
	"runtime"
	"sync"

	"github.com/heddleledger/heddle/msp/p256"
)

// crowdSize is how many signatures are gathered at most: with more, each hardly costs less.
const crowdSize = 32

// crowd has signatures verified together that come one by one, each from a goroutine of its own that waits for the answer. Nobody waits for
// signatures that might yet come, only for those goroutines that could already run.
type crowd struct {
	mu   sync.Mutex
	open *gathering // that others may still join, or nil
}

// gathering is the signatures of some goroutines, in the order in which they came. The first of these verifies them.
type gathering struct {
	batch *batch
	valid [crowdSize]bool // the answers, once done is closed
	done  chan struct{}
}

// verify says whether the signature is good.
func (c *crowd) verify(check p256.Check, tables *KeyTables) bool {
	g, mine := c.join(check, tables)
	if mine == 0 {
		runtime.Gosched() // whoever is about to verify something joins
		c.leave(g)
		g.answer(tables)
	} else {
		<-g.done
	}
	return g.valid[mine]
}

// join adds a check to the open gathering, or begins one, and tells which of its checks it is.
func (c *crowd) join(check p256.Check, tables *KeyTables) (g *gathering, mine int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = &gathering{batch: tables.spareBatch(), done: make(chan struct{})}
	}
	g = c.open
	g.batch.checks = append(g.batch.checks, check)
	if len(g.batch.checks) == crowdSize {
		c.open = nil
	}
	return g, len(g.batch.checks) - 1
}

// leave sees to it that nobody joins any more.
func (c *crowd) leave(g *gathering) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == g {
		c.open = nil
	}
}

// answer verifies the signatures.
func (g *gathering) answer(tables *KeyTables) {
	defer close(g.done)
	g.batch.verifier.Verify(g.batch.checks)
	for i := range g.batch.checks {
		g.valid[i] = g.batch.checks[i].Valid
	}
	tables.keepBatch(g.batch)
}
