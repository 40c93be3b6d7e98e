package orderer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Consenter orders the messages of one channel, and writes the blocks with Channel.Append and Channel.Commit.
type Consenter interface {
	// Order takes a message that was found good. It waits while the consenter is busy; an error means the message will not be ordered.
	Order(ctx context.Context, m *Message) error
	// Errored is closed once nothing can be ordered any more.
	Errored() <-chan struct{}
	// Close stops taking messages, orders and writes what it has taken, and ends every goroutine.
	Close() error
}

// NewConsenter starts the consenter of a channel. Its goroutines end with ctx, at once, or with Close, in order.
type NewConsenter func(ctx context.Context, c *Channel) (Consenter, error)

// Inlet is where a consenter's loop gets its messages from. It is the half of a Consenter that does not depend on the kind of consensus.
type Inlet struct {
	messages chan *Message
	stop     chan struct{}
	drained  chan struct{}
	sending  sync.RWMutex // held for reading by each Order
	mu       sync.Mutex
	reason   error
}

// inletSize is how many messages may wait between the streams and the loop.
const inletSize = 128

// NewInlet returns an open inlet.
func NewInlet() *Inlet {
	return &Inlet{messages: make(chan *Message, inletSize), stop: make(chan struct{}), drained: make(chan struct{})}
}

// ErrStopped is why Order fails at a consenter that was closed.
var ErrStopped = errors.New("chain is stopped")

// Order hands m to the loop.
func (i *Inlet) Order(ctx context.Context, m *Message) error {
	i.sending.RLock()
	defer i.sending.RUnlock()
	select {
	case <-i.stop:
		return i.why()
	default:
	}
	select {
	case i.messages <- m:
		return nil
	default:
	}
	select {
	case i.messages <- m:
		return nil
	case <-i.stop:
		return i.why()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Messages is what the loop reads from.
func (i *Inlet) Messages() <-chan *Message { return i.messages }

// Errored is closed by Stop.
func (i *Inlet) Errored() <-chan struct{} { return i.stop }

// Drained is closed by Stop once no further message can come: those in Messages are the last.
func (i *Inlet) Drained() <-chan struct{} { return i.drained }

// Stop makes Order fail with reason. Only the first reason counts.
func (i *Inlet) Stop(reason error) {
	i.mu.Lock()
	first := i.reason == nil
	if first {
		i.reason = reason
		close(i.stop)
	}
	i.mu.Unlock()
	if first {
		i.sending.Lock() // waits for every Order that has not seen stop
		defer i.sending.Unlock()
		close(i.drained)
	}
}

func (i *Inlet) why() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reason
}

// Fill adds first, and the messages that wait behind it, to the assembler, as long as it accepts any. A message that has become bad since it
// was judged is dropped: its sender has been answered long ago.
func (i *Inlet) Fill(a *Assembler, first *Message, rejudge func(*Message) (*Message, error), drop func(error), now time.Time) {
	for m := first; ; {
		if judged, err := rejudge(m); err != nil {
			drop(err)
		} else {
			a.Add(judged, now)
		}
		if !a.Accepting() {
			return
		}
		select {
		case m = <-i.messages:
		default:
			return
		}
	}
}
