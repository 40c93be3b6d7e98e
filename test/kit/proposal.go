package kit

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Proposal is a proposal in pieces. A test changes pieces before they are put together and signed, or the signed whole.
type Proposal struct {
	Signer    tx.Signer
	Creator   []byte
	Nonce     []byte
	TxID      *string // nil for the right one
	Channel   *commonpb.ChannelHeader
	Extension *peerpb.ChaincodeHeaderExtension // nil leaves Channel.Extension as it is
	Spec      *peerpb.ChaincodeSpec
	Payload   func(*peerpb.ChaincodeProposalPayload) // nil changes nothing, as with the next two
	Signature func([]byte) []byte
	Whole     func(*peerpb.SignedProposal)
}

// NewProposal is a call of a chaincode with nothing wrong.
func NewProposal(s tx.Signer, channel, chaincode string, args ...string) *Proposal {
	id := &peerpb.ChaincodeID{Name: chaincode}
	return &Proposal{
		Signer: s, Creator: s.Creator(), Nonce: fmt.Appendf(nil, "%24d", time.Now().UnixNano()),
		Channel: &commonpb.ChannelHeader{
			Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), ChannelId: channel, Timestamp: timestamppb.Now(),
		},
		Extension: &peerpb.ChaincodeHeaderExtension{ChaincodeId: id},
		Spec:      &peerpb.ChaincodeSpec{ChaincodeId: id, Input: &peerpb.ChaincodeInput{Args: client.Args(args...)}},
	}
}

// Build puts the pieces together and signs them.
func (p *Proposal) Build(t testing.TB) *peerpb.SignedProposal {
	t.Helper()
	p.Channel.TxId = tx.ID(p.Nonce, p.Creator)
	if p.TxID != nil {
		p.Channel.TxId = *p.TxID
	}
	if p.Extension != nil {
		p.Channel.Extension = wire.MustMarshal(p.Extension)
	}
	header := &commonpb.Header{
		ChannelHeader:   wire.MustMarshal(p.Channel),
		SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: p.Creator, Nonce: p.Nonce}),
	}
	payload := &peerpb.ChaincodeProposalPayload{Input: wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: p.Spec})}
	if p.Payload != nil {
		p.Payload(payload)
	}
	raw := wire.MustMarshal(&peerpb.Proposal{Header: wire.MustMarshal(header), Payload: wire.MustMarshal(payload)})
	signature, err := p.Signer.Sign(raw)
	require.NoError(t, err)
	if p.Signature != nil {
		signature = p.Signature(signature)
	}
	signed := &peerpb.SignedProposal{ProposalBytes: raw, Signature: signature}
	if p.Whole != nil {
		p.Whole(signed)
	}
	return signed
}

// HighS is the other signature that the same mathematics accepts, and Fabric does not: of s and n-s the greater.
func HighS(signature []byte) []byte {
	return withS(signature, func(s, other *big.Int) bool { return s.Cmp(other) > 0 })
}

// LowS is the signature that Fabric accepts: of s and n-s the smaller.
func LowS(signature []byte) []byte {
	return withS(signature, func(s, other *big.Int) bool { return s.Cmp(other) < 0 })
}

// withS keeps s or takes n-s instead, for a signature of curve P-256.
func withS(signature []byte, keep func(s, other *big.Int) bool) []byte {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &rs); err != nil {
		panic(err)
	}
	if other := new(big.Int).Sub(elliptic.P256().Params().N, rs.S); !keep(rs.S, other) {
		rs.S = other
	}
	b, err := asn1.Marshal(rs)
	if err != nil {
		panic(err)
	}
	return b
}

// Flipped is b with a bit of its last byte changed.
func Flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// Creator is a serialized identity of any name and certificate.
func Creator(mspID string, cert []byte) []byte {
	return wire.MustMarshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: cert})
}

// Certificate is the PEM certificate of a serialized identity.
func Certificate(t testing.TB, creator []byte) []byte {
	t.Helper()
	id := &msppb.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(creator, id))
	return id.IdBytes
}
