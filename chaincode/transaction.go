package chaincode

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// transaction is one call under way on a stream. Only inbox and asking are shared with the stream's receiver.
type transaction struct {
	h    *handler
	call *Call

	// inbox takes at most one request, for as long as asking is true, and one final message; so the receiver never waits on it.
	inbox    chan *peerpb.ChaincodeMessage
	asking   atomic.Bool
	finished bool // used by the receiver only

	heard uint64 // of the stream, when the transaction began

	queries map[string]*query // open ones, by id
	opened  int               // how many were ever opened
}

var errExecuteTimeout = errors.New("timeout expired while executing transaction")

// execute sends the call and serves the chaincode until it is done with it.
func (h *handler) execute(ctx context.Context, c *Call) (*peerpb.ChaincodeMessage, error) {
	first, err := opening(c)
	if err != nil {
		return nil, err
	}
	t, err := h.begin(c)
	if err != nil {
		return nil, err
	}
	defer t.close()
	began := time.Now()
	if c.Name != h.s.Debugged {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, h.s.ExecuteTimeout, errExecuteTimeout)
		defer cancel()
	}
	m, waiting, err := t.run(ctx, first)
	if errors.Is(err, errExecuteTimeout) {
		h.s.Metrics.executeTimedOut(h.id)
		if waiting && h.launch != nil && time.Since(began) >= h.s.ExecuteTimeout { // a call from chaincode may have had less time
			err = t.timedOut(err, began)
		}
	}
	return m, err
}

// run sends the first message and serves the chaincode until the last. If it fails, waiting tells whether it was the chaincode's turn.
func (t *transaction) run(ctx context.Context, first *peerpb.ChaincodeMessage) (last *peerpb.ChaincodeMessage, waiting bool, err error) {
	if err := t.h.send(ctx, first); err != nil {
		return nil, true, err
	}
	for {
		m, err := t.next(ctx)
		if err != nil {
			return nil, true, err
		}
		if m.Type == peerpb.ChaincodeMessage_COMPLETED || m.Type == peerpb.ChaincodeMessage_ERROR {
			return m, false, nil
		}
		a := t.answer(ctx, m)
		t.asking.Store(false)
		if err := t.h.send(ctx, a); err != nil {
			return nil, false, err
		}
	}
}

// timedOut returns the error of a transaction that timed out in chaincode which the peer launched, with what that wrote last since it began. The chaincode is
// started anew: at once if it has said nothing about any transaction in all the time, else when the others under way have ended.
func (t *transaction) timedOut(err error, began time.Time) error {
	h := t.h
	err = h.s.withOutput(err, h.launch, began)
	if h.heard.Load() == t.heard {
		h.end(&misbehaviour{"hung", fmt.Errorf("chaincode %s hangs: it said nothing about any transaction for %s", h.id, h.s.ExecuteTimeout)})
	} else {
		h.retire(errStuck)
	}
	return err
}

// opening is the message that begins a call.
func opening(c *Call) (*peerpb.ChaincodeMessage, error) {
	payload, err := proto.Marshal(&peerpb.ChaincodeInput{Args: c.Input.GetArgs(), IsInit: c.Input.GetIsInit(), Decorations: c.Decorations})
	if err != nil {
		return nil, fmt.Errorf("failed to create chaincode message: %w", err)
	}
	m := &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_TRANSACTION, Payload: payload, Txid: c.TxID, ChannelId: c.ChannelID}
	if c.Init {
		m.Type = peerpb.ChaincodeMessage_INIT
	}
	if c.Proposal != nil {
		m.Proposal = c.Proposal.Signed
	}
	return m, nil
}

// begin enters the call into the stream's transactions. One chaincode cannot be in a transaction twice on one channel.
func (h *handler) begin(c *Call) (*transaction, error) {
	key := transactionID{c.ChannelID, c.TxID}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retiring != nil && h.over() {
		return nil, errRetired
	}
	if h.transactions[key] != nil {
		return nil, fmt.Errorf("txid: %s(%s) exists", c.TxID, c.ChannelID)
	}
	t := &transaction{h: h, call: c, inbox: make(chan *peerpb.ChaincodeMessage, 2), heard: h.heard.Load()}
	h.transactions[key] = t
	return t, nil
}

func (t *transaction) close() {
	t.h.mu.Lock()
	delete(t.h.transactions, transactionID{t.call.ChannelID, t.call.TxID})
	t.h.leaveIfIdle()
	t.h.mu.Unlock()
	for _, q := range t.queries {
		q.results.Close()
	}
}

// next is the next message of the chaincode. What it sent before it went away still counts.
func (t *transaction) next(ctx context.Context) (*peerpb.ChaincodeMessage, error) {
	select {
	case m := <-t.inbox:
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-t.h.done:
	}
	for {
		select {
		case m := <-t.inbox:
			if m.Type == peerpb.ChaincodeMessage_COMPLETED || m.Type == peerpb.ChaincodeMessage_ERROR {
				return m, nil
			}
		default:
			return nil, t.h.terminated(ctx)
		}
	}
}

// afterlife is how long a caller whose stream broke waits to learn how the chaincode ended.
const afterlife = 2 * time.Second

// terminated says why the stream is over, and if the peer started the chaincode, how that ended.
func (h *handler) terminated(ctx context.Context) error {
	const text = "chaincode stream terminated" // Fabric's
	var own *misbehaviour
	if errors.As(h.endCause, &own) {
		return h.s.withOutput(fmt.Errorf("%s: %w", text, own), h.launch, time.Time{})
	}
	if h.launch != nil && !errors.Is(h.endCause, errClosed) {
		timer := time.NewTimer(afterlife)
		defer timer.Stop()
		select {
		case <-h.launch.ended:
			return fmt.Errorf("%s: chaincode %s: %s", text, h.id, h.launch.exit)
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if h.endCause != nil {
		return fmt.Errorf("%s: %w", text, h.endCause)
	}
	return errors.New(text)
}

// answer serves one request.
func (t *transaction) answer(ctx context.Context, m *peerpb.ChaincodeMessage) *peerpb.ChaincodeMessage {
	count := t.h.meters.of(t.h.s.Metrics, t.h.id, requestKind{m.Type, m.ChannelId}).begin()
	payload, err := t.serve(ctx, m)
	if err == nil && len(payload) > largest {
		err = fmt.Errorf("the answer of %d bytes is larger than a message may be (%d)", len(payload), largest)
	}
	count(err)
	if err != nil {
		t.h.s.Log.Debug("Failed to handle a request of chaincode", "chaincode", t.h.id.String(), "type", m.Type.String(), "txid", m.Txid, "error", err)
		return failure(m, err)
	}
	return &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_RESPONSE, Payload: payload, Txid: m.Txid, ChannelId: m.ChannelId}
}

// serve returns the payload of the answer.
func (t *transaction) serve(ctx context.Context, m *peerpb.ChaincodeMessage) ([]byte, error) {
	if t.call.Simulator == nil {
		return nil, errNoLedger
	}
	switch m.Type {
	case peerpb.ChaincodeMessage_GET_STATE:
		return t.getState(m.Payload)
	case peerpb.ChaincodeMessage_PUT_STATE:
		return nil, t.putState(m.Payload)
	case peerpb.ChaincodeMessage_DEL_STATE:
		return nil, t.delState(m.Payload)
	case peerpb.ChaincodeMessage_GET_STATE_METADATA:
		return t.getStateMetadata(m.Payload)
	case peerpb.ChaincodeMessage_PUT_STATE_METADATA:
		return nil, t.putStateMetadata(m.Payload)
	case peerpb.ChaincodeMessage_GET_PRIVATE_DATA_HASH:
		return nil, t.getPrivateDataHash(m.Payload)
	case peerpb.ChaincodeMessage_GET_STATE_BY_RANGE:
		return t.getStateByRange(m.Payload)
	case peerpb.ChaincodeMessage_GET_QUERY_RESULT:
		return nil, t.getQueryResult(m.Payload)
	case peerpb.ChaincodeMessage_GET_HISTORY_FOR_KEY:
		return t.getHistoryForKey(m.Payload)
	case peerpb.ChaincodeMessage_QUERY_STATE_NEXT:
		return t.queryStateNext(m.Payload)
	case peerpb.ChaincodeMessage_QUERY_STATE_CLOSE:
		return t.queryStateClose(m.Payload)
	case peerpb.ChaincodeMessage_INVOKE_CHAINCODE:
		return t.invokeChaincode(ctx, m)
	}
	return nil, fmt.Errorf("the peer does not serve %s", m.Type)
}
