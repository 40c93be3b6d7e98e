package endorser

import (
	"context"
	"fmt"

	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// endorse lets the chaincode's plugin endorse the response payload.
func (s *Server) endorse(ctx context.Context, r *request, res *result) (*peerpb.ProposalResponse, error) {
	p, ok := s.o.Endorsements[res.escc]
	if !ok {
		return nil, fmt.Errorf("plugin with name %s could not be used: plugin with name %s wasn't found", res.escc, res.escc)
	}
	payload, err := res.payload(r, &peerpb.ChaincodeID{Path: r.id.Path, Name: r.id.Name, Version: res.version})
	if err != nil {
		return nil, fmt.Errorf("failed assembling proposal response payload: %w", err)
	}
	endorsement, payload, err := p.Endorse(ctx, &plugin.EndorsementRequest{
		Proposal: r.Proposal, Payload: payload, Signer: s.o.Signer(), State: r.ledger.NewSnapshot,
	})
	if err != nil {
		return nil, err
	}
	return &peerpb.ProposalResponse{Version: 1, Response: res.response, Payload: payload, Endorsement: endorsement}, nil
}

// unsigned is the answer for a chaincode that failed: the payload shows what it read and wrote, and the chaincode as the proposal named it.
func (res *result) unsigned(r *request) (*peerpb.ProposalResponse, error) {
	payload, err := res.payload(r, r.id)
	if err != nil {
		return nil, err
	}
	return &peerpb.ProposalResponse{Response: res.response, Payload: payload}, nil
}

func (res *result) payload(r *request, id *peerpb.ChaincodeID) ([]byte, error) {
	action := &peerpb.ChaincodeAction{Results: res.writes, Response: res.response, ChaincodeId: id}
	if res.event != nil {
		var err error
		if action.Events, err = wire.Marshal(res.event); err != nil {
			return nil, err
		}
	}
	extension, err := wire.Marshal(action)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(&peerpb.ProposalResponsePayload{ProposalHash: r.Hash(), Extension: extension})
}
