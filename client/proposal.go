package client

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Request names a chaincode function to call.
type Request struct {
	ChannelID string // empty for a request to the peer itself
	Chaincode string
	Args      [][]byte
	Transient map[string][]byte         // seen by the endorsers only
	Type      peerpb.ChaincodeSpec_Type // what the proposal says of the chaincode; peers ignore it
}

// Args makes chaincode arguments of strings.
func Args(args ...string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}

// NewProposal builds and signs a proposal.
func (c *Client) NewProposal(r Request) (*tx.Proposal, error) {
	return tx.NewProposal(c.Signer, tx.ProposalRequest{
		ChannelID: r.ChannelID,
		Spec: &peerpb.ChaincodeSpec{
			Type:        r.Type,
			ChaincodeId: &peerpb.ChaincodeID{Name: r.Chaincode},
			Input:       &peerpb.ChaincodeInput{Args: r.Args},
		},
		Transient: r.Transient,
		Time:      c.Now(),
	})
}

// Propose sends p to the peer and returns its answer whatever its status. The error is an *EndorseError with Err set.
func (p *Peer) Propose(ctx context.Context, proposal *tx.Proposal) (*peerpb.ProposalResponse, error) {
	r, err := p.endorser.ProcessProposal(ctx, proposal.Signed)
	if err == nil && r.GetResponse() == nil {
		err = errors.New("the peer sent an answer without a response")
	}
	if err != nil {
		return nil, &EndorseError{TxID: proposal.TxID(), Address: p.Address, Err: err}
	}
	return r, nil
}

// Endorse sends one proposal to all peers at once. Every answer must have a status below 400 (else *EndorseError for the first peer, in
// the order given, that refused) and all payloads must be equal (else *MismatchError).
func (c *Client) Endorse(ctx context.Context, proposal *tx.Proposal, peers ...*Peer) ([]*peerpb.ProposalResponse, error) {
	if len(peers) == 0 {
		return nil, errors.New("no peer to endorse the proposal")
	}
	responses := make([]*peerpb.ProposalResponse, len(peers))
	failures := make([]error, len(peers))
	var others sync.WaitGroup
	for i, p := range peers[1:] {
		others.Go(func() { responses[i+1], failures[i+1] = p.Propose(ctx, proposal) })
	}
	responses[0], failures[0] = peers[0].Propose(ctx, proposal)
	others.Wait()
	for i, p := range peers {
		if failures[i] != nil {
			return nil, failures[i]
		}
		if responses[i].Response.Status >= refused {
			return nil, &EndorseError{TxID: proposal.TxID(), Address: p.Address, Response: responses[i]}
		}
	}
	for i, r := range responses[1:] {
		if !bytes.Equal(r.Payload, responses[0].Payload) {
			e := &MismatchError{TxID: proposal.TxID(), First: peers[0].Address, Second: peers[i+1].Address}
			e.Differ, e.Differences = difference(responses[0].Payload, r.Payload)
			return nil, e
		}
	}
	return responses, nil
}

// refused is the status of a response from which on peers do not endorse.
const refused = 400

// Query asks one peer and returns the chaincode's response, which has a status below 400; else the error is an *EndorseError.
func (c *Client) Query(ctx context.Context, peer *Peer, r Request) (*peerpb.Response, error) {
	proposal, err := c.NewProposal(r)
	if err != nil {
		return nil, err
	}
	responses, err := c.Endorse(ctx, proposal, peer)
	if err != nil {
		return nil, err
	}
	return responses[0].Response, nil
}
