package orderer

import (
	"time"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// BatchCutting says when a batch that is not full becomes a block.
type BatchCutting string

const (
	// Eager cuts as soon as no block is on its way and as many messages wait as the last block has: clients that wait for their blocks come
	// back together. If they do not, what has come is cut when the lull after the last block ends. So the message of a lone client waits for
	// nothing, and under load batches fill, since every block has its price. BatchTimeout stays the upper bound.
	Eager BatchCutting = "eager"
	// Timeout cuts when the batch's first message has waited for BatchTimeout, as Fabric does.
	Timeout BatchCutting = "timeout"
)

// lull is how long after a block was cut an eager assembler waits at most for as many messages as that one has, and so the most that a message
// loses by it.
const lull = 20 * time.Millisecond

// BatchLimits are what the channel's configuration says about batches.
type BatchLimits struct {
	Size    *ordererpb.BatchSize
	Timeout time.Duration
}

// Assembler turns a stream of messages into the blocks to put to consensus. A consenter drives it from one goroutine:
//
//	Add(message) …      while Accepting
//	Next(now)           the blocks to propose now, in order; call it after every event
//	Wrote()             for each block that has been written and left consensus
//	Deadline()          when to call Next again if nothing else happens
//
// It is pure but for the channel configuration it reads. A configuration message is cut alone, after what came before it, and closes the door
// (Accepting) until its block is written, since everything after it must be judged by the new configuration.
type Assembler struct {
	OnCut func(waited time.Duration) // told of each batch that is cut how long its first message waited; may be nil

	limits      func() BatchLimits
	mode        BatchCutting
	maxInFlight int

	cutter   Cutter
	due      [][]*Message // batches whose blocks are not proposed yet
	expected int          // how many messages the last batch cut has
	lastCut  time.Time    // when it was
	inFlight int          // blocks proposed and not written yet
	fenced   bool         // a configuration block is due or in flight
	flush    bool         // nothing more will come
	tip      *commonpb.BlockHeader
}

// NewAssembler continues the chain after tip. At most maxInFlight blocks are proposed and not yet written.
func NewAssembler(tip *commonpb.BlockHeader, mode BatchCutting, maxInFlight int, limits func() BatchLimits) *Assembler {
	return &Assembler{limits: limits, mode: mode, maxInFlight: max(1, maxInFlight), tip: tip}
}

// Accepting tells whether Add may be called.
func (a *Assembler) Accepting() bool { return !a.fenced && len(a.due) == 0 }

// Add takes a message in. It must be good under the channel's present configuration.
func (a *Assembler) Add(m *Message, now time.Time) {
	_, since := a.cutter.Pending()
	if !m.Config {
		a.cut(a.cutter.Add(m, a.limits().Size, now), m, since, now)
		return
	}
	a.cut(append(a.cutter.cutInto(nil), []*Message{m}), m, since, now)
	a.fenced = true
}

// cut takes batches that are due: one may begin with the newest message, the others began to fill at since.
func (a *Assembler) cut(due [][]*Message, newest *Message, since, now time.Time) {
	a.due = append(a.due, due...)
	for _, batch := range due {
		var waited time.Duration
		if batch[0] != newest {
			waited = now.Sub(since)
		}
		if a.OnCut != nil {
			a.OnCut(waited)
		}
		a.expected, a.lastCut = len(batch), now
	}
}

// Next returns the blocks to propose now.
func (a *Assembler) Next(now time.Time) []*commonpb.Block {
	if len(a.due) == 0 && a.mayCut(now) {
		_, since := a.cutter.Pending()
		a.cut(a.cutter.cutInto(nil), nil, since, now)
	}
	var blocks []*commonpb.Block
	for len(a.due) > 0 && a.inFlight < a.maxInFlight {
		blocks = append(blocks, a.build(a.due[0]))
		a.due = a.due[1:]
		a.inFlight++
	}
	return blocks
}

func (a *Assembler) build(batch []*Message) *commonpb.Block {
	envelopes := make([][]byte, len(batch))
	for i, m := range batch {
		envelopes[i] = m.Raw
	}
	b := block.New(a.tip.GetNumber()+1, block.HeaderHash(a.tip), envelopes)
	a.tip = b.Header
	return b
}

// Wrote tells that the oldest block in flight has been written.
func (a *Assembler) Wrote() {
	if a.inFlight > 0 {
		a.inFlight--
	}
	if a.inFlight == 0 && len(a.due) == 0 {
		a.fenced = false
	}
}

// mayCut tells whether a batch that is not full is to be cut now.
func (a *Assembler) mayCut(now time.Time) bool {
	if n, _ := a.cutter.Pending(); a.flush || a.idle() && n >= a.expected {
		return true
	}
	at, waiting := a.Deadline()
	return waiting && !now.Before(at)
}

// Deadline is when the pending messages must be cut at the latest. There is none while nothing is pending, or no further block may be in
// flight: Wrote comes first then.
func (a *Assembler) Deadline() (at time.Time, waiting bool) {
	n, since := a.cutter.Pending()
	at = since.Add(a.limits().Timeout)
	if early := a.lastCut.Add(lull); a.idle() && early.Before(at) {
		at = early
	}
	return at, n > 0 && a.inFlight < a.maxInFlight
}

// idle tells whether a batch may be cut before its time.
func (a *Assembler) idle() bool { return a.mode == Eager && a.inFlight == 0 }

// Flush tells that no more messages will come (or few): what is pending is cut at once.
func (a *Assembler) Flush() { a.flush = true }

// Idle tells whether every message has been written.
func (a *Assembler) Idle() bool {
	n, _ := a.cutter.Pending()
	return n == 0 && len(a.due) == 0 && a.inFlight == 0
}

// Reset drops everything that was not written and continues after tip: what a node does that becomes, or stops being, the leader.
func (a *Assembler) Reset(tip *commonpb.BlockHeader) {
	*a = Assembler{OnCut: a.OnCut, limits: a.limits, mode: a.mode, maxInFlight: a.maxInFlight, flush: a.flush, tip: tip}
}
