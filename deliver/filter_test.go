package deliver

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestFilterAgainstFabric compares with what a real 1.4 peer sent: for block 72, a status in its place.
func TestFilterAgainstFabric(t *testing.T) {
	for number, name := range map[uint64]string{24: "deliver_filtered_block_24_with_event", 3: "deliver_filtered_block_3_config", 72: "deliver_filtered_block_72"} {
		want := vectors.Message(t, &peerpb.DeliverResponse{}, "fabric-1.4", "queries", name+".pb")
		s := &search{session: &session{filtered: true, encode: peerAnswers}, log: slog.New(slog.DiscardHandler)}
		got := s.filter(number, vectors.Read(t, "fabric-1.4", "chain", fmt.Sprintf("%d.block", number)))
		require.True(t, proto.Equal(want, got), "block %d: want %v, got %v", number, want, got)
	}
}

// TestFilterWholeChain holds codes and order against the facts of every block that can be filtered: all but those with damaged transactions.
func TestFilterWholeChain(t *testing.T) {
	unfit := map[uint64]bool{72: true, 74: true}
	for _, facts := range vectors.Facts(t, "fabric-1.4") {
		got, err := filter(wire.MustMarshal(vectors.Block(t, "fabric-1.4", facts.Block)))
		require.Equal(t, unfit[facts.Block], err != nil, "block %d: %v", facts.Block, err)
		if err != nil {
			continue
		}
		require.Equal(t, facts.Block, got.Number)
		require.Len(t, got.FilteredTransactions, len(facts.Txs), "block %d", facts.Block)
		for i, f := range got.FilteredTransactions {
			require.Equal(t, facts.Txs[i].Number, int32(f.TxValidationCode), "block %d transaction %d", facts.Block, i)
			for _, a := range f.GetTransactionActions().GetChaincodeActions() {
				require.Empty(t, a.ChaincodeEvent.Payload)
			}
		}
	}
}

// blockOf is an encoded block of the envelopes whose data is given.
func blockOf(datas ...[]byte) []byte {
	b := &commonpb.Block{Header: &commonpb.BlockHeader{Number: 5}, Data: &commonpb.BlockData{}, Metadata: &commonpb.BlockMetadata{}}
	for _, d := range datas {
		h := wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), ChannelId: "ch", TxId: "tx"})
		p := wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{ChannelHeader: h}, Data: d})
		b.Data.Data = append(b.Data.Data, wire.MustMarshal(&commonpb.Envelope{Payload: p}))
	}
	return wire.MustMarshal(b)
}

func action(a *peerpb.ChaincodeAction) []byte {
	response := wire.MustMarshal(&peerpb.ProposalResponsePayload{Extension: wire.MustMarshal(a)})
	payload := wire.MustMarshal(&peerpb.ChaincodeActionPayload{Action: &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: response}})
	return wire.MustMarshal(&peerpb.Transaction{Actions: []*peerpb.TransactionAction{{Payload: payload}, nil}})
}

// TestFilterMalformed: what is skipped, and what makes the peer send BAD_REQUEST in the block's place (probe.md: "garbage tx data", "action
// events garbage").
func TestFilterMalformed(t *testing.T) {
	got, err := filter(blockOf(nil, action(&peerpb.ChaincodeAction{})))
	require.NoError(t, err)
	require.Len(t, got.FilteredTransactions, 2)
	require.Equal(t, peerpb.TxValidationCode_NOT_VALIDATED, got.FilteredTransactions[0].TxValidationCode)

	_, err = filter(blockOf([]byte("garbage")))
	require.ErrorContains(t, err, "error unmarshal transaction payload for block event")
	_, err = filter(blockOf(action(&peerpb.ChaincodeAction{Events: []byte("garbage")})))
	require.ErrorContains(t, err, "error unmarshal chaincode event for block event")
	odd := protowire.AppendBytes(protowire.AppendVarint(nil, 1<<29<<3|uint64(protowire.BytesType)), []byte("x"))
	_, err = filter(blockOf(action(&peerpb.ChaincodeAction{Events: odd})))
	require.NoError(t, err, "such an event can be in a valid transaction")

	b := &commonpb.Block{Header: &commonpb.BlockHeader{}, Data: &commonpb.BlockData{Data: [][]byte{nil, []byte("\xff\xff"), {}}}}
	got, err = filter(wire.MustMarshal(b))
	require.NoError(t, err)
	require.Empty(t, got.FilteredTransactions)
}

func FuzzFilter(f *testing.F) {
	for _, n := range []int{0, 3, 24, 72, 74, 75, 77} {
		f.Add(vectors.Read(f, "fabric-1.4", "chain", fmt.Sprintf("%d.block", n)))
	}
	f.Add(blockOf(nil, []byte("garbage"), action(&peerpb.ChaincodeAction{Events: []byte{0x0a, 0xff}})))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := filter(raw)
		if err == nil {
			_, err = proto.Marshal(got)
			require.NoError(t, err)
		}
	})
}
