package tx

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Proposal is a request to simulate a chaincode. ParseProposal fills the first block of fields, Open the second.
type Proposal struct {
	Signed   *peerpb.SignedProposal
	Proposal *peerpb.Proposal
	Header

	Extension               *peerpb.ChaincodeHeaderExtension
	Payload                 *peerpb.ChaincodeProposalPayload
	Spec                    *peerpb.ChaincodeSpec
	PayloadWithoutTransient []byte // what goes into the transaction and into the proposal hash
}

// ParseProposal decodes a signed proposal down to its headers: enough to authenticate its creator.
func ParseProposal(signed *peerpb.SignedProposal) (*Proposal, error) {
	if signed == nil {
		return nil, errors.New("nil SignedProposal")
	}
	p := &Proposal{Signed: signed, Proposal: &peerpb.Proposal{}}
	if err := wire.UnmarshalInPlace(signed.ProposalBytes, p.Proposal); err != nil {
		return nil, fmt.Errorf("error unmarshaling Proposal: %w", err)
	}
	h := &commonpb.Header{}
	if err := wire.UnmarshalInPlace(p.Proposal.Header, h); err != nil {
		return nil, fmt.Errorf("error unmarshaling Header: %w", err)
	}
	var err error
	if p.Header, err = parseHeader(h); err != nil {
		return nil, err
	}
	return p, nil
}

// Open decodes the header extension, the payload and the chaincode spec of a proposal whose creator has been authenticated. The spec's
// chaincode id and input are never nil afterwards. Calling it again does nothing.
func (p *Proposal) Open() error {
	if p.Spec != nil {
		return nil
	}
	extension, err := p.HeaderExtension()
	if err != nil {
		return err
	}
	payload := &peerpb.ChaincodeProposalPayload{}
	if err := wire.Unmarshal(p.Proposal.Payload, payload); err != nil {
		return fmt.Errorf("error unmarshaling ChaincodeProposalPayload: %w", err)
	}
	invocation := &peerpb.ChaincodeInvocationSpec{}
	if err := wire.Unmarshal(payload.Input, invocation); err != nil {
		return fmt.Errorf("error unmarshaling ChaincodeInvocationSpec: %w", err)
	}
	spec := invocation.ChaincodeSpec
	switch {
	case spec == nil:
		return errors.New("chaincode invocation spec did not contain chaincode spec")
	case spec.ChaincodeId == nil:
		return errors.New("chaincode spec did not contain a chaincode id")
	case spec.Input == nil:
		return errors.New("chaincode input did not contain any input")
	}
	p.PayloadWithoutTransient = p.Proposal.Payload
	if len(payload.TransientMap) > 0 {
		if p.PayloadWithoutTransient, err = wire.Marshal(&peerpb.ChaincodeProposalPayload{Input: payload.Input}); err != nil {
			return err
		}
	}
	p.Extension, p.Payload, p.Spec = extension, payload, spec
	return nil
}

// Hash is the proposal hash that the endorsers sign: SHA-256(channel header + signature header + payload without its transient map).
// The proposal must be open.
func (p *Proposal) Hash() []byte {
	return proposalHash(p.ChannelBytes, p.SignatureBytes, p.PayloadWithoutTransient)
}

func proposalHash(parts ...[]byte) []byte {
	h := sha256.New()
	for _, b := range parts {
		h.Write(b)
	}
	return h.Sum(nil)
}
