package tx

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// nonceSize is how many random bytes Fabric's tools put into a signature header.
const nonceSize = 24

// Signer signs as one identity.
type Signer interface {
	// Sign returns a DER signature, with low S, over the SHA-256 of msg.
	Sign(msg []byte) ([]byte, error)
	// Creator is the serialized identity.
	Creator() []byte
}

// ProposalRequest is what a client asks of a chaincode.
type ProposalRequest struct {
	ChannelID   string // empty for a request to the peer itself
	Spec        *peerpb.ChaincodeSpec
	Transient   map[string][]byte // seen by the endorsers, left out of the transaction
	TLSCertHash []byte            // SHA-256 of the client's TLS certificate, under mutual TLS
	Time        time.Time
}

// NewProposal builds and signs a proposal with a fresh nonce.
func NewProposal(signer Signer, r ProposalRequest) (*Proposal, error) {
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("reading a nonce: %w", err)
	}
	extension, err := wire.Marshal(&peerpb.ChaincodeHeaderExtension{ChaincodeId: r.Spec.GetChaincodeId()})
	if err != nil {
		return nil, err
	}
	header, err := NewHeader(signer, nonce, &commonpb.ChannelHeader{
		Type:        int32(commonpb.HeaderType_ENDORSER_TRANSACTION),
		Timestamp:   timestamppb.New(r.Time),
		ChannelId:   r.ChannelID,
		TxId:        ID(nonce, signer.Creator()),
		Extension:   extension,
		TlsCertHash: r.TLSCertHash,
	})
	if err != nil {
		return nil, err
	}
	input, err := wire.Marshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: r.Spec})
	if err != nil {
		return nil, err
	}
	payload, err := wire.Marshal(&peerpb.ChaincodeProposalPayload{Input: input, TransientMap: r.Transient})
	if err != nil {
		return nil, err
	}
	raw, err := wire.Marshal(&peerpb.Proposal{Header: wire.MustMarshal(header), Payload: payload})
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(raw)
	if err != nil {
		return nil, fmt.Errorf("signing the proposal: %w", err)
	}
	p, err := ParseProposal(&peerpb.SignedProposal{ProposalBytes: raw, Signature: signature})
	if err != nil {
		return nil, err
	}
	return p, p.Open()
}

// NewHeader encodes a channel header and the signature header of signer. A nil nonce gives a fresh one.
func NewHeader(signer Signer, nonce []byte, channel *commonpb.ChannelHeader) (*commonpb.Header, error) {
	if nonce == nil {
		nonce = make([]byte, nonceSize)
		if _, err := rand.Read(nonce); err != nil {
			return nil, fmt.Errorf("reading a nonce: %w", err)
		}
	}
	ch, err := wire.Marshal(channel)
	if err != nil {
		return nil, err
	}
	sh, err := wire.Marshal(&commonpb.SignatureHeader{Creator: signer.Creator(), Nonce: nonce})
	if err != nil {
		return nil, err
	}
	return &commonpb.Header{ChannelHeader: ch, SignatureHeader: sh}, nil
}

// NewEnvelope builds and signs an envelope of the given type around data; with data nil the payload carries none.
func NewEnvelope(signer Signer, channel *commonpb.ChannelHeader, data proto.Message) (*commonpb.Envelope, error) {
	header, err := NewHeader(signer, nil, channel)
	if err != nil {
		return nil, err
	}
	var body []byte
	if data != nil {
		if body, err = wire.Marshal(data); err != nil {
			return nil, err
		}
	}
	return signPayload(signer, &commonpb.Payload{Header: header, Data: body})
}

func signPayload(signer Signer, p *commonpb.Payload) (*commonpb.Envelope, error) {
	payload, err := wire.Marshal(p)
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("signing the envelope: %w", err)
	}
	return &commonpb.Envelope{Payload: payload, Signature: signature}, nil
}

// Assemble makes the transaction of a proposal and the responses of its endorsers, signed by the proposal's creator. It refuses
// responses that are not endorsed or that differ from each other.
func Assemble(signer Signer, p *Proposal, responses []*peerpb.ProposalResponse) (*commonpb.Envelope, error) {
	if len(responses) == 0 {
		return nil, errors.New("at least one proposal response is required")
	}
	if !bytes.Equal(signer.Creator(), p.Creator()) {
		return nil, errors.New("signer must be the same as the one referenced in the header")
	}
	endorsements := make([]*peerpb.Endorsement, len(responses))
	for i, r := range responses {
		if s := r.GetResponse().GetStatus(); s < 200 || s >= 400 {
			return nil, fmt.Errorf("proposal response was not successful, error code %d, msg %s", s, r.GetResponse().GetMessage())
		}
		if !bytes.Equal(r.Payload, responses[0].Payload) {
			return nil, errors.New("ProposalResponsePayloads do not match")
		}
		if r.Endorsement == nil {
			return nil, fmt.Errorf("proposal response %d carries no endorsement", i)
		}
		endorsements[i] = r.Endorsement
	}
	action, err := wire.Marshal(&peerpb.ChaincodeActionPayload{
		ChaincodeProposalPayload: p.PayloadWithoutTransient,
		Action:                   &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: responses[0].Payload, Endorsements: endorsements},
	})
	if err != nil {
		return nil, err
	}
	data, err := wire.Marshal(&peerpb.Transaction{Actions: []*peerpb.TransactionAction{{Header: p.SignatureBytes, Payload: action}}})
	if err != nil {
		return nil, err
	}
	return signPayload(signer, &commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: p.ChannelBytes, SignatureHeader: p.SignatureBytes},
		Data:   data,
	})
}
