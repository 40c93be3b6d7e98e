package channel

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// TestAFloodOfRefusals: some transactions of a block are explained in the log, the others are counted.
func TestAFloodOfRefusals(t *testing.T) {
	var log bytes.Buffer
	c := join(t, Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))}, ordered(t, 0))
	user := signer(t, "Org1MSP", "peerOrganizations/org1.example.com/users/User1@org1.example.com")
	stranger := signer(t, "OrdererMSP", "ordererOrganizations/example.com/users/Admin@example.com")
	var envelopes [][]byte
	for i := range 50 {
		signer := user
		if i == 1 {
			signer = stranger
		}
		e, err := tx.NewEnvelope(signer, &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: "mychannel"}, nil)
		require.NoError(t, err)
		envelopes = append(envelopes, wire.MustMarshal(e))
	}
	require.NoError(t, c.Submit(t.Context(), newOrderer(t, 1).order(envelopes...)))
	require.NoError(t, c.Wait(t.Context(), 1))
	c.settle()
	require.Equal(t, maxReported, strings.Count(log.String(), `msg="transaction refused"`))
	require.Contains(t, log.String(), `codes="UNSUPPORTED_TX_PAYLOAD: 40"`)
	require.Contains(t, log.String(), "transactions=50 refused=50")
}

// TestConflictsAreReported: the sample chain's conflicts come with the key, the versions and the transaction that won.
func TestConflictsAreReported(t *testing.T) {
	var log bytes.Buffer
	c := join(t, Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))}, ordered(t, 0))
	facts := vectors.Facts(t, "fabric-1.4")
	for n := range uint64(len(facts) - 1) {
		require.NoError(t, c.Submit(t.Context(), ordered(t, n+1)))
	}
	require.NoError(t, c.Wait(t.Context(), uint64(len(facts)-1)))
	c.settle()
	for _, f := range facts {
		for _, x := range f.Txs {
			if strings.HasSuffix(x.Code, "_READ_CONFLICT") {
				_, line, _ := strings.Cut(log.String(), "txid="+x.TxID+" ")
				line, _, _ = strings.Cut(line, "\n")
				require.Regexp(t, `^code=`+x.Code+` reason=".*(, but| written last, by) transaction [0-9a-f]{64} \(block \d+, transaction \d+\)`, line)
			}
		}
	}
}
