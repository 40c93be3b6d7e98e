package chaincode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// queued is how many messages may wait to be sent on a stream. When more do, those who want to send wait.
const queued = 64

// largest is the size up to which the payload of a message fits into a gRPC message with what else it holds.
const largest = comm.MaxMessageSize - 64*1024

// handler is the peer's end of one stream.
type handler struct {
	s      *Support
	stream runtime.Stream
	out    chan *peerpb.ChaincodeMessage
	state  state // used by the receiver only

	id       id            // set by admit
	launch   *launch       // that started the chaincode, set by admit; nil if it was started by hand
	ready    chan struct{} // closed when transactions may be sent
	done     chan struct{} // closed when the stream is over
	endOnce  sync.Once
	endCause error // why; nil if the chaincode ended it in order. Set before done is closed.

	heard  atomic.Uint64 // messages about transactions so far
	strays strays        // used by the receiver only
	meters requestMeters

	mu           sync.Mutex
	transactions map[transactionID]*transaction
	retiring     error // why the stream ends as soon as transactions is empty; nil if it does not
}

type transactionID struct{ channel, tx string }

// Register serves one chaincode over gRPC.
func (s *Support) Register(stream peerpb.ChaincodeSupport_RegisterServer) error {
	return s.Serve(stream)
}

// Serve talks to one chaincode until its stream ends; the caller then cancels the stream's context, as gRPC does. Three goroutines share
// the stream: a receiver, a sender, and this one, which waits for the end so that it comes at once whatever the other two are blocked in.
func (s *Support) Serve(stream runtime.Stream) error {
	h := &handler{
		s: s, stream: stream,
		out:   make(chan *peerpb.ChaincodeMessage, queued),
		ready: make(chan struct{}), done: make(chan struct{}),
		transactions: map[transactionID]*transaction{},
	}
	if !s.enter() {
		return errClosed
	}
	defer s.work.Done()
	s.work.Go(h.receive)
	s.work.Go(h.transmit)
	h.watch()
	switch id := s.remove(h); {
	case errors.Is(h.endCause, errOutdated):
		s.Log.Info("Chaincode is stopped", "chaincode", id.String(), "reason", h.endCause)
	case h.endCause != nil:
		s.Log.Warn("Chaincode stream ended", "chaincode", id.String(), "error", h.endCause)
	}
	return h.endCause
}

// watch returns when the stream is over. It sends keepalives, and ends a stream on which nobody has become ready in time.
func (h *handler) watch() {
	var keepalive <-chan time.Time
	if h.s.Keepalive > 0 {
		t := time.NewTicker(h.s.Keepalive)
		defer t.Stop()
		keepalive = t.C
	}
	deadline := time.NewTimer(h.s.StartupTimeout)
	defer deadline.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-h.s.closing:
			h.end(errClosed)
		case <-deadline.C:
			select {
			case <-h.ready:
			default:
				h.end(fmt.Errorf("no chaincode registered on this stream within %s", h.s.StartupTimeout))
			}
		case <-keepalive:
			select {
			case h.out <- &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_KEEPALIVE}:
			default: // it is busy enough
			}
		}
	}
}

// over tells whether the stream has ended.
func (h *handler) over() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// end ends the stream. The first cause stands.
func (h *handler) end(cause error) {
	h.endOnce.Do(func() {
		h.endCause = cause
		close(h.done)
	})
}

// transmit sends what is queued.
func (h *handler) transmit() {
	for {
		select {
		case m := <-h.out:
			if err := h.stream.Send(m); err != nil {
				h.end(fmt.Errorf("sending %s to the chaincode: %w", m.Type, err))
				return
			}
		case <-h.done:
			return
		}
	}
}

// send queues a message, waiting for room if it must. The error is that of the stream's end or of ctx.
func (h *handler) send(ctx context.Context, m *peerpb.ChaincodeMessage) error {
	if len(m.Payload) > largest {
		return fmt.Errorf("%s of %d bytes is larger than a message may be (%d)", m.Type, len(m.Payload), largest)
	}
	select {
	case h.out <- m:
		return nil
	case <-h.done:
		return h.terminated(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// post queues a message of the receiver's own.
func (h *handler) post(m *peerpb.ChaincodeMessage) {
	select {
	case h.out <- m:
	case <-h.done:
	}
}

// receive takes messages in until the stream ends.
func (h *handler) receive() {
	for {
		m, err := h.stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			h.end(nil)
			return
		case err != nil:
			h.end(fmt.Errorf("receive failed: %w", err))
			return
		case m == nil:
			h.end(errors.New("received nil message, ending chaincode support stream"))
			return
		}
		if !h.react(m) {
			return
		}
	}
}

// react does what step says about a message; false means that the stream is over.
func (h *handler) react(m *peerpb.ChaincodeMessage) bool {
	in := input{message: m}
	for {
		var e effect
		h.state, e = step(h.state, in)
		switch e.kind {
		case request, finish:
			h.heard.Add(1)
			if h.deliver(e.kind, m) || h.tolerates(m) {
				return true
			}
			return false
		case ignore:
			return h.tolerates(m)
		case admit:
			if err := h.s.authenticate(h, e.id); err != nil {
				h.end(err)
				return false
			}
			in = input{verdict: admitted}
			if err := h.s.admit(h, e.id); err != nil {
				h.s.Log.Warn("Chaincode registration refused", "chaincode", e.id.String(), "error", err)
				in.verdict = refused
			}
			continue
		case answer:
			h.post(&peerpb.ChaincodeMessage{Type: e.send})
			if e.send == peerpb.ChaincodeMessage_REGISTERED {
				in = input{verdict: announced}
				continue
			}
			h.s.publish(h)
		case end:
			h.end(&misbehaviour{"misbehaved", fmt.Errorf("error handling message, ending stream: %w", e.err)})
			return false
		}
		return true
	}
}

// deliver hands a message to its transaction and tells whether that waits for it.
func (h *handler) deliver(kind effectKind, m *peerpb.ChaincodeMessage) bool {
	if kind == finish {
		return h.finish(m)
	}
	return h.request(m)
}

// request hands a message to its transaction. One that has none is answered here; one that comes before the last was answered is dropped.
func (h *handler) request(m *peerpb.ChaincodeMessage) bool {
	t := h.transaction(m)
	if t == nil {
		cause := errNoLedger
		if m.Type == peerpb.ChaincodeMessage_INVOKE_CHAINCODE {
			cause = errNoTransaction
		}
		h.post(failure(m, cause))
		return false
	}
	if !t.asking.CompareAndSwap(false, true) {
		h.s.Log.Warn("Another request is pending for this transaction; dropped", "chaincode", h.id.String(), "txid", m.Txid, "type", m.Type.String())
		return false
	}
	t.inbox <- m
	return true
}

// finish hands the message that ends a transaction to it. There may be none, if it timed out.
func (h *handler) finish(m *peerpb.ChaincodeMessage) bool {
	t := h.transaction(m)
	if t == nil || t.finished {
		return false
	}
	t.finished = true
	t.inbox <- m
	return true
}

func (h *handler) transaction(m *peerpb.ChaincodeMessage) *transaction {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.transactions[transactionID{m.ChannelId, m.Txid}]
}

var (
	errNoLedger      = errors.New("no ledger context")
	errNoTransaction = errors.New("could not get valid transaction")
)

// failure is the answer to a request that cannot be served.
func failure(m *peerpb.ChaincodeMessage, cause error) *peerpb.ChaincodeMessage {
	text := fmt.Sprintf("%s failed: transaction ID: %s: %s", m.Type, m.Txid, cause)
	return &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_ERROR, Payload: []byte(text), Txid: m.Txid, ChannelId: m.ChannelId}
}
