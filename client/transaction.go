package client

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Route says who endorses a transaction, who orders it, and whose commit is waited for.
type Route struct {
	Endorsers   []*Peer
	Orderer     *Orderer
	Wait        []*Peer       // empty returns as soon as the orderer took the transaction
	WaitTimeout time.Duration // of the wait, counted from when the transaction is endorsed; 0 for as long as the context lasts
}

// Result is what became of a transaction. Commits is empty when nobody was waited for.
type Result struct {
	TxID     string
	Response *peerpb.Response
	Commits  []Commit
}

// Invoke endorses a request, has the transaction ordered, and waits for it. A transaction that committed as invalid is an error
// (*CommitError with its code) next to a complete result; the other errors are those of the stages.
func (c *Client) Invoke(ctx context.Context, route Route, r Request) (*Result, error) {
	proposal, err := c.NewProposal(r)
	if err != nil {
		return nil, err
	}
	return c.Submit(ctx, route, proposal)
}

// Submit is Invoke for a proposal that is already made.
func (c *Client) Submit(ctx context.Context, route Route, proposal *tx.Proposal) (*Result, error) {
	responses, err := c.Endorse(ctx, proposal, route.Endorsers...)
	if err != nil {
		return nil, err
	}
	result := &Result{TxID: proposal.TxID(), Response: responses[0].Response}
	envelope, err := tx.Assemble(c.Signer, proposal, responses)
	if err != nil {
		return nil, &EndorseError{TxID: proposal.TxID(), Address: route.Endorsers[0].Address, Err: err}
	}
	if len(route.Wait) == 0 {
		return result, route.Orderer.Broadcast(ctx, envelope)
	}
	if route.WaitTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, route.WaitTimeout)
		defer cancel()
	}
	watch, err := c.Watch(ctx, proposal.ChannelID(), proposal.TxID(), route.Wait...)
	if err != nil {
		return result, err
	}
	defer watch.Close()
	if err := route.Orderer.Broadcast(ctx, envelope); err != nil {
		return result, err
	}
	if result.Commits, err = watch.Wait(ctx); err != nil {
		return result, err
	}
	return result, Invalid(result.TxID, result.Commits)
}

// envelope signs a message that is no transaction: a seek request, a configuration update.
func (c *Client) envelope(header *commonpb.ChannelHeader, data proto.Message) (*commonpb.Envelope, error) {
	return tx.NewEnvelope(c.Signer, header, data)
}
