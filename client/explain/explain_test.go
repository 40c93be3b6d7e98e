package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// sampleChain serves the blocks that a real peer committed.
func sampleChain(t testing.TB) Source {
	facts := vectors.Facts(t, "fabric-1.4")
	return Source{
		Blocks: func(_ context.Context, first, last uint64, each func(*commonpb.Block) error) error {
			for n := first; n <= last; n++ {
				if n >= uint64(len(facts)) {
					return errors.New("no such block")
				}
				if err := each(vectors.Block(t, "fabric-1.4", n)); err != nil {
					return err
				}
			}
			return nil
		},
		ByTxID: func(_ context.Context, txid string) (*commonpb.Block, error) {
			for _, f := range facts {
				for _, x := range f.Txs {
					if x.TxID == txid {
						return vectors.Block(t, "fabric-1.4", f.Block), nil
					}
				}
			}
			return nil, errors.New("no such transaction")
		},
		Definition: func(context.Context, string) ([]byte, error) { return nil, nil },
	}
}

// TestSampleChain finds the reason for every code in the chain that a real peer has judged: none comes out otherwise.
func TestSampleChain(t *testing.T) {
	source := sampleChain(t)
	datadriven.RunTest(t, "testdata/sample-chain.txt", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for _, f := range vectors.Facts(t, "fabric-1.4") {
			b := vectors.Block(t, "fabric-1.4", f.Block)
			for i, x := range f.Txs {
				r, err := At(t.Context(), source, Query{Channel: "mychannel", TxID: x.TxID}, b, i)
				require.NoError(t, err)
				require.Equal(t, x.Code, r.Code)
				require.Empty(t, r.Computed, "block %d, transaction %d: %s", f.Block, i, r.Doubt)
				require.Empty(t, r.Doubt)
				require.NotEmpty(t, r.Reason)
				if x.Code == "VALID" {
					require.Empty(t, r.Unreadable)
					continue
				}
				fmt.Fprintf(&out, "%d:%d %s\n  %s\n", f.Block, i, r.Code, r.Reason)
				if r.Policy != nil {
					fmt.Fprintf(&out, "  %s\n", r.Policy)
				}
			}
		}
		return strings.ReplaceAll(out.String(), "\u00a0", " ") // in some builds, protobuf's errors have one
	})
}

// TestWholeLife prints two transactions in full.
func TestWholeLife(t *testing.T) {
	source := sampleChain(t)
	datadriven.RunTest(t, "testdata/life.txt", func(t *testing.T, d *datadriven.TestData) string {
		var number uint64
		var index int
		d.ScanArgs(t, "block", &number)
		d.ScanArgs(t, "tx", &index)
		r, err := Find(t.Context(), source, Query{Channel: "mychannel", Block: &number, Index: index})
		require.NoError(t, err)
		again, err := Find(t.Context(), source, Query{Channel: "mychannel", TxID: r.TxID, Block: &number})
		require.NoError(t, err)
		require.Equal(t, r, again)
		raw, err := json.MarshalIndent(r, "", "  ")
		require.NoError(t, err)
		return string(raw)
	})
}

// TestNoTime: a time that JSON cannot write is none.
func TestNoTime(t *testing.T) {
	header := &commonpb.Header{ChannelHeader: wire.MustMarshal(&commonpb.ChannelHeader{Timestamp: &timestamppb.Timestamp{Seconds: 1 << 50}})}
	envelope := &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Header: header})}
	x := &Transaction{}
	require.Error(t, x.read(wire.MustMarshal(envelope), msp.NewManager()), "a message is no transaction")
	require.Equal(t, "MESSAGE", x.Type)
	_, err := json.Marshal(x)
	require.NoError(t, err)
}

// TestShortSearch: where the blocks that may be looked through do not hold the answer, that is said.
func TestShortSearch(t *testing.T) {
	source := sampleChain(t)
	doubts := 0
	for _, f := range vectors.Facts(t, "fabric-1.4") {
		for i, x := range f.Txs {
			r, err := At(t.Context(), source, Query{Channel: "mychannel", TxID: x.TxID, Most: 2}, vectors.Block(t, "fabric-1.4", f.Block), i)
			require.NoError(t, err)
			if r.Computed != "" {
				require.Contains(t, r.Doubt, "were looked through, more can be with --blocks")
				doubts++
			}
		}
	}
	require.Positive(t, doubts)
	_, err := Find(t.Context(), source, Query{TxID: "nobody"})
	require.Error(t, err)
	three := uint64(3)
	_, err = Find(t.Context(), source, Query{Channel: "mychannel", TxID: "nobody", Block: &three})
	require.ErrorContains(t, err, "block [3] of channel mychannel holds no transaction nobody")
	_, err = Find(t.Context(), source, Query{Channel: "mychannel", Block: &three, Index: 1})
	require.ErrorContains(t, err, "holds 1 transactions; there is none at 1")
	_, err = At(t.Context(), source, Query{}, vectors.OrderedBlock(t, "fabric-1.4", 3), 0)
	require.ErrorContains(t, err, "ask a peer, not an orderer")
}

// FuzzRead reads anything as an envelope.
func FuzzRead(f *testing.F) {
	for _, n := range []uint64{0, 5, 12, 30, 72, 75} {
		for _, raw := range vectors.Block(f, "fabric-1.4", n).Data.Data {
			f.Add(raw)
		}
	}
	before, err := sampleChain(f).configBefore(f.Context(), vectors.Block(f, "fabric-1.4", 3))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &Transaction{}
		if r.read(raw, before.MSPs()) == nil {
			_, err := json.Marshal(r)
			require.NoError(t, err)
		}
		p := newPast(t.Context(), Source{}, 1, 0)
		p.number, p.from = 0, 0
		codes := []byte{0, 0}
		_, err := p.conflict(&commonpb.Block{Header: &commonpb.BlockHeader{}, Data: &commonpb.BlockData{Data: [][]byte{raw, raw}},
			Metadata: &commonpb.BlockMetadata{Metadata: [][]byte{nil, nil, codes}}}, 1, false)
		require.NoError(t, err)
	})
}
