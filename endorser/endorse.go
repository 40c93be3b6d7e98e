package endorser

import (
	"fmt"
	"slices"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// endorse signs the response payload followed by the endorser's own identity, as the chaincode's escc. There is one escc, Fabric's default.
func (s *Server) endorse(r *request, res *result) (*peerpb.ProposalResponse, error) {
	if res.escc != "escc" {
		return nil, fmt.Errorf("plugin with name %s could not be used: plugin with name %s wasn't found", res.escc, res.escc)
	}
	payload, err := res.payload(r, &peerpb.ChaincodeID{Path: r.id.Path, Name: r.id.Name, Version: res.version})
	if err != nil {
		return nil, fmt.Errorf("failed assembling proposal response payload: %w", err)
	}
	endorser := s.o.Signer.Creator()
	signature, err := s.o.Signer.Sign(slices.Concat(payload, endorser))
	if err != nil {
		return nil, fmt.Errorf("could not sign the proposal response payload: %w", err)
	}
	return &peerpb.ProposalResponse{
		Version:     1,
		Response:    res.response,
		Payload:     payload,
		Endorsement: &peerpb.Endorsement{Endorser: endorser, Signature: signature},
	}, nil
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
