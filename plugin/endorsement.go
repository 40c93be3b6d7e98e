package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Endorsement endorses what chaincode has answered to a proposal. Which plugin does is in the chaincode's definition (-E, by default escc).
type Endorsement interface {
	// Endorse returns the endorsement of a response payload, and the payload, which it may have changed. An error is the answer to the
	// client, with status 500.
	Endorse(ctx context.Context, r *EndorsementRequest) (*peerpb.Endorsement, []byte, error)
}

// EndorsementRequest is a response payload to endorse.
type EndorsementRequest struct {
	Proposal *tx.Proposal // open; a proposal outside channels is never endorsed
	Payload  []byte       // an encoded peerpb.ProposalResponsePayload
	Signer   tx.Signer    // the peer's own identity
	// State gives a view of the channel's newest state, which must be closed.
	State func() (*ledger.Snapshot, error)
}

// Sign endorses a payload as Fabric's default plugin does: a signature over the payload and the endorser's serialized identity.
func (r *EndorsementRequest) Sign(payload []byte) (*peerpb.Endorsement, error) {
	endorser := r.Signer.Creator()
	signature, err := r.Signer.Sign(slices.Concat(payload, endorser))
	if err != nil {
		return nil, fmt.Errorf("could not sign the proposal response payload: %w", err)
	}
	return &peerpb.Endorsement{Endorser: endorser, Signature: signature}, nil
}

// DefaultEndorsement signs, and leaves the payload as it is.
type DefaultEndorsement struct{}

func (DefaultEndorsement) Endorse(_ context.Context, r *EndorsementRequest) (*peerpb.Endorsement, []byte, error) {
	endorsement, err := r.Sign(r.Payload)
	return endorsement, r.Payload, err
}
