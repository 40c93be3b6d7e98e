package endorser_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// notAgain lists the transactions of the sample chain that cannot be endorsed anew to the same bytes, by block, and why.
var notAgain = map[uint64]string{
	28: "calls chaincode on a channel whose chain is not recorded",
	33: "endorsed before the block before it",
	58: "private data", 59: "private data", 60: "private data", 61: "private data",
	62: "private data", 63: "private data", 64: "private data", 65: "private data",
	67: "endorsed before the block before it",
	69: "endorsed before the upgrade",
	72: "made by hand", 73: "made by hand", 74: "made by hand", 75: "made by hand", 77: "made by hand", 78: "made by hand",
}

// Every transaction of the sample chain, proposed again on the state it was endorsed on, is endorsed to the recorded bytes.
func TestChainIsEndorsedAgain(t *testing.T) {
	p := newEmptyPeer(t)
	keys := map[string]*msp.Signer{}
	for _, s := range []*msp.Signer{
		orgUser(t, "Admin"), orgUser(t, "User1"),
		signer(t, "peerOrganizations/org2.example.com/users/Admin@org2.example.com", "Org2MSP"),
		signer(t, "peerOrganizations/org2.example.com/users/User1@org2.example.com", "Org2MSP"),
	} {
		keys[string(s.Creator())] = s
	}
	again, seen := 0, map[string]bool{}
	for _, facts := range vectors.Facts(t, network) {
		b := vectors.Block(t, network, facts.Block)
		for i, raw := range b.Data.Data {
			e, err := tx.ParseEnvelope(raw)
			if err != nil || notAgain[facts.Block] != "" || e.Type() != commonpb.HeaderType_ENDORSER_TRANSACTION {
				continue
			}
			recorded, err := tx.ParseTransaction(e)
			require.NoError(t, err)
			require.NoError(t, recorded.Open())
			key := keys[string(e.Creator())]
			require.NotNil(t, key, "block %d", facts.Block)
			got, err := p.ProcessProposal(t.Context(), proposed(t, recorded, key))
			if seen[e.TxID()] {
				require.ErrorContains(t, err, "duplicate transaction found")
				continue
			}
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(recorded.ResponsePayload), hex.EncodeToString(got.Payload), "block %d, transaction %d: %s %s",
				facts.Block, i, facts.Txs[i].What, got.Response.Message)
			again++
		}
		p.commit(t, facts)
		for _, c := range facts.Txs {
			seen[c.TxID] = true
		}
		if b, err := channelconfig.FromBlock(b); err == nil {
			p.bundle = b
		}
	}
	require.Equal(t, 74, again)
}

// proposed is the proposal of a recorded transaction. Only its signature is not recorded.
func proposed(t *testing.T, r *tx.Transaction, key *msp.Signer) *peerpb.SignedProposal {
	t.Helper()
	header := wire.MustMarshal(&commonpb.Header{ChannelHeader: r.ChannelBytes, SignatureHeader: r.SignatureBytes})
	raw := wire.MustMarshal(&peerpb.Proposal{Header: header, Payload: r.ProposalPayload})
	signature, err := key.Sign(raw)
	require.NoError(t, err)
	return &peerpb.SignedProposal{ProposalBytes: raw, Signature: signature}
}
