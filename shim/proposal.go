package shim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// parsedProposal is the signed proposal of a transaction, decoded when the chaincode first asks for something in it: most never do. The peer has
// checked the proposal before it called, so what does not parse here is an error for the chaincode and nothing more. Without a proposal,
// as when a peer calls for itself, creator, transient data and binding are empty.
type parsedProposal struct {
	signed *pb.SignedProposal

	parsed  bool
	err     error
	channel *commonpb.ChannelHeader
	sig     *commonpb.SignatureHeader
	payload *pb.ChaincodeProposalPayload
}

func (p *parsedProposal) parse() error {
	if p.parsed || p.signed == nil {
		return p.err
	}
	p.parsed = true
	proposal, header := &pb.Proposal{}, &commonpb.Header{}
	p.channel, p.sig, p.payload = &commonpb.ChannelHeader{}, &commonpb.SignatureHeader{}, &pb.ChaincodeProposalPayload{}
	for _, step := range []struct {
		what string
		from func() []byte
		to   proto.Message
	}{
		{"proposal", func() []byte { return p.signed.ProposalBytes }, proposal},
		{"proposal's header", func() []byte { return proposal.Header }, header},
		{"channel header", func() []byte { return header.ChannelHeader }, p.channel},
		{"signature header", func() []byte { return header.SignatureHeader }, p.sig},
		{"proposal's payload", func() []byte { return proposal.Payload }, p.payload},
	} {
		b := step.from()
		if len(b) == 0 {
			p.err = fmt.Errorf("failed extracting signedProposal fields: %s is nil", step.what)
			return p.err
		}
		if err := proto.Unmarshal(b, step.to); err != nil {
			p.err = fmt.Errorf("failed extracting signedProposal fields: %s: %w", step.what, err)
			return p.err
		}
	}
	return nil
}

func (p *parsedProposal) creator() ([]byte, error) {
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.sig.GetCreator(), nil
}

func (p *parsedProposal) transient() (map[string][]byte, error) {
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.payload.GetTransientMap(), nil
}

func (p *parsedProposal) binding() ([]byte, error) {
	if err := p.parse(); err != nil || p.signed == nil {
		return nil, err
	}
	h := sha256.New()
	h.Write(p.sig.Nonce)
	h.Write(p.sig.Creator)
	h.Write(binary.LittleEndian.AppendUint64(nil, p.channel.Epoch))
	return h.Sum(nil), nil
}

func (p *parsedProposal) timestamp() (*timestamppb.Timestamp, error) {
	if err := p.parse(); err != nil {
		return nil, err
	}
	if p.signed == nil {
		return nil, errors.New("the transaction has no proposal to take a timestamp from")
	}
	return p.channel.Timestamp, nil
}
