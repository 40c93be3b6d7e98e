package tx_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

const proposals = "fabric-1.4/proposals"

type values struct {
	TxID         string                       `json:"txid"`
	ProposalHash struct{ SHA256 string }      `json:"proposal_hash"`
	Signature    struct{ SHA256, Hex string } `json:"proposal_signature"`
}

func TestProposalIsFabrics(t *testing.T) {
	want := vectors.JSON[values](t, proposals, "values.json")
	p, err := tx.ParseProposal(vectors.Message(t, &peerpb.SignedProposal{}, proposals, "signed_proposal.pb"))
	require.NoError(t, err)
	require.NoError(t, p.Open())
	require.NoError(t, p.Open(), "opening twice is harmless")

	require.Equal(t, want.TxID, p.TxID())
	require.Equal(t, want.TxID, p.ExpectedTxID())
	require.Equal(t, want.ProposalHash.SHA256, hex.EncodeToString(p.Hash()))
	require.Equal(t, vectors.Read(t, proposals, "creator.pb"), p.Creator())
	require.Equal(t, vectors.Read(t, proposals, "channel_header.pb"), p.ChannelBytes)
	require.Equal(t, vectors.Read(t, proposals, "chaincode_proposal_payload_no_transient.pb"), p.PayloadWithoutTransient)
	require.NotEmpty(t, p.Payload.TransientMap)
	require.Equal(t, "kv", p.Spec.ChaincodeId.Name)
	require.Equal(t, "mychannel", p.ChannelID())
	require.Equal(t, commonpb.HeaderType_ENDORSER_TRANSACTION, p.Type())
}

func TestTransactionIsFabrics(t *testing.T) {
	want := vectors.JSON[values](t, proposals, "values.json")
	raw := vectors.Read(t, proposals, "envelope.pb")
	e, err := tx.ParseEnvelope(raw)
	require.NoError(t, err)
	require.Equal(t, raw, e.Raw)
	require.True(t, proto.Equal(vectors.Message(t, &commonpb.Envelope{}, proposals, "envelope.pb"), e.Envelope()))

	parsed, err := tx.ParseTransaction(e)
	require.NoError(t, err)
	require.NoError(t, parsed.Open())
	require.Equal(t, want.ProposalHash.SHA256, hex.EncodeToString(parsed.ProposalHash))
	require.Equal(t, vectors.Read(t, proposals, "proposal_response_payload.pb"), parsed.ResponsePayload)
	require.Len(t, parsed.Endorsements, 2)
	require.Equal(t, "kv", parsed.Action.ChaincodeId.Name)
}

// TestAssembledAsFabricDoes holds the client side against the captured transaction: same payload bytes from the same parts.
func TestAssembledAsFabricDoes(t *testing.T) {
	p, err := tx.ParseProposal(vectors.Message(t, &peerpb.SignedProposal{}, proposals, "signed_proposal.pb"))
	require.NoError(t, err)
	require.NoError(t, p.Open())
	responses := []*peerpb.ProposalResponse{
		vectors.Message(t, &peerpb.ProposalResponse{}, proposals, "proposal_response_org1.pb"),
		vectors.Message(t, &peerpb.ProposalResponse{}, proposals, "proposal_response_org2.pb"),
	}
	e, err := tx.Assemble(fixedSigner{creator: p.Creator()}, p, responses)
	require.NoError(t, err)
	require.Equal(t, vectors.Read(t, proposals, "payload.pb"), e.Payload)

	_, err = tx.Assemble(fixedSigner{creator: []byte("somebody else")}, p, responses)
	require.ErrorContains(t, err, "signer must be the same")
	_, err = tx.Assemble(fixedSigner{creator: p.Creator()}, p, nil)
	require.ErrorContains(t, err, "at least one proposal response is required")

	responses[1] = proto.CloneOf(responses[1])
	responses[1].Payload = append([]byte{}, responses[1].Payload[1:]...)
	_, err = tx.Assemble(fixedSigner{creator: p.Creator()}, p, responses)
	require.ErrorContains(t, err, "ProposalResponsePayloads do not match")

	responses[1].Response = &peerpb.Response{Status: 500, Message: "boom"}
	_, err = tx.Assemble(fixedSigner{creator: p.Creator()}, p, responses)
	require.EqualError(t, err, "proposal response was not successful, error code 500, msg boom")
}

func TestNewProposalRoundTrip(t *testing.T) {
	s := newSigner(t)
	p, err := tx.NewProposal(s, tx.ProposalRequest{
		ChannelID: "mychannel",
		Spec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: "kv"},
			Input: &peerpb.ChaincodeInput{Args: [][]byte{[]byte("get"), []byte("a")}},
		},
		Transient: map[string][]byte{"secret": []byte("x")},
		Time:      time.Unix(1, 2),
	})
	require.NoError(t, err)
	require.Equal(t, p.ExpectedTxID(), p.TxID())
	digest := sha256.Sum256(p.Signed.ProposalBytes)
	require.True(t, ecdsa.VerifyASN1(&s.key.PublicKey, digest[:], p.Signed.Signature))
	require.NotContains(t, string(p.PayloadWithoutTransient), "secret")
	require.Contains(t, string(p.Proposal.Payload), "secret")
}

func TestBlocksOfTheSampleChainParse(t *testing.T) {
	for _, f := range vectors.Facts(t, "fabric-1.4") {
		b := vectors.Block(t, "fabric-1.4", f.Block)
		for i, raw := range b.Data.Data {
			want := f.Txs[i]
			e, err := tx.ParseEnvelope(raw)
			if err != nil {
				require.NotEqual(t, "VALID", want.Code, want.What)
				continue
			}
			if want.Type != "ENDORSER_TRANSACTION" || want.Code != "VALID" {
				continue
			}
			require.Equal(t, e.TxID(), e.ExpectedTxID())
			p, err := tx.ParseTransaction(e)
			require.NoError(t, err)
			require.NoError(t, p.Open())
		}
	}
}

func TestRefusals(t *testing.T) {
	_, err := tx.ParseEnvelope(nil)
	require.Equal(t, peerpb.TxValidationCode_NIL_ENVELOPE, code(t, err))
	_, err = tx.FromEnvelope(nil)
	require.Equal(t, peerpb.TxValidationCode_NIL_ENVELOPE, code(t, err))
	_, err = tx.FromEnvelope(&commonpb.Envelope{Payload: []byte("garbage")})
	require.Equal(t, peerpb.TxValidationCode_BAD_PAYLOAD, code(t, err))
	_, err = tx.FromEnvelope(&commonpb.Envelope{})
	require.EqualError(t, err, "header not set")
	_, err = tx.ParseProposal(nil)
	require.Error(t, err)
	p, err := tx.ParseProposal(&peerpb.SignedProposal{})
	require.NoError(t, err, "an empty proposal has empty headers; the endorser says what is wrong with them")
	require.EqualError(t, p.Open(), "ChaincodeHeaderExtension.ChaincodeId is nil")
}

func FuzzEnvelope(f *testing.F) {
	f.Add(vectors.Read(f, proposals, "envelope.pb"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := tx.ParseEnvelope(raw)
		if err != nil {
			var refused *tx.Error
			require.ErrorAs(t, err, &refused)
			return
		}
		if p, err := tx.ParseTransaction(e); err == nil {
			_ = p.Open()
		}
	})
}

func FuzzProposal(f *testing.F) {
	f.Add(vectors.Read(f, proposals, "signed_proposal.pb"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := &peerpb.SignedProposal{}
		if proto.Unmarshal(raw, s) != nil {
			return
		}
		p, err := tx.ParseProposal(s)
		if err == nil && p.Open() == nil {
			require.Len(t, p.Hash(), sha256.Size)
		}
	})
}

func code(t *testing.T, err error) peerpb.TxValidationCode {
	t.Helper()
	var refused *tx.Error
	require.ErrorAs(t, err, &refused)
	return refused.Code
}

// fixedSigner gives an empty signature: for tests that look at the signed bytes.
type fixedSigner struct{ creator []byte }

func (s fixedSigner) Sign([]byte) ([]byte, error) { return []byte{}, nil }
func (s fixedSigner) Creator() []byte             { return s.creator }

type signer struct{ key *ecdsa.PrivateKey }

func newSigner(t *testing.T) signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return signer{key}
}

func (s signer) Sign(msg []byte) ([]byte, error) {
	digest := sha256.Sum256(msg)
	return ecdsa.SignASN1(rand.Reader, s.key, digest[:])
}
func (s signer) Creator() []byte { return []byte("creator") }
