package orderer

import (
	"time"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// Message is an envelope on its way into a block.
type Message struct {
	Envelope *commonpb.Envelope
	Raw      []byte // Envelope encoded: what the block will hold
	Config   bool   // a configuration transaction (CONFIG or ORDERER_TRANSACTION) that this orderer made; it gets a block of its own
	Sequence uint64 // of the channel configuration under which the message was found good
}

// size is what a message counts against the batch limits, in bytes: payload and signature, as in Fabric.
func (m *Message) size() uint64 {
	return uint64(len(m.Envelope.GetPayload()) + len(m.Envelope.GetSignature()))
}

// Cutter gathers messages into batches. It is pure: time comes in with each call, and batches only leave by return values.
//
// A batch is due when it holds MaxMessageCount messages; when the next message would take it above PreferredMaxBytes, before that message
// joins; and when a message alone is above PreferredMaxBytes, which then makes a batch by itself. (Messages above AbsoluteMaxBytes were
// refused at the door.)
type Cutter struct {
	pending []*Message
	bytes   uint64
	since   time.Time
}

// Add takes the next message and returns the batches that became due, at most two.
func (c *Cutter) Add(m *Message, limit *ordererpb.BatchSize, now time.Time) (due [][]*Message) {
	preferred := uint64(limit.GetPreferredMaxBytes())
	if m.size() > preferred {
		return append(c.cutInto(due), []*Message{m})
	}
	if c.bytes+m.size() > preferred {
		due = c.cutInto(due)
	}
	if len(c.pending) == 0 {
		c.since = now
	}
	c.pending = append(c.pending, m)
	c.bytes += m.size()
	if uint64(len(c.pending)) >= uint64(limit.GetMaxMessageCount()) {
		due = c.cutInto(due)
	}
	return due
}

// Cut returns what is pending, nil if nothing is, and starts afresh.
func (c *Cutter) Cut() []*Message {
	batch := c.pending
	*c = Cutter{}
	return batch
}

// Pending tells how many messages wait, and since when the first of them does.
func (c *Cutter) Pending() (count int, since time.Time) {
	return len(c.pending), c.since
}

func (c *Cutter) cutInto(due [][]*Message) [][]*Message {
	if batch := c.Cut(); batch != nil {
		due = append(due, batch)
	}
	return due
}
