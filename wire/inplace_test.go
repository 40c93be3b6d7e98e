package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// inPlace are the messages that UnmarshalInPlace reads itself, with all that makes them plain.
func inPlace() []proto.Message {
	id := &peerpb.ChaincodeID{Path: "p", Name: "n", Version: "v"}
	block := &commonpb.Block{
		Header: &commonpb.BlockHeader{Number: 7, PreviousHash: []byte("p"), DataHash: []byte("d")},
		Data:   &commonpb.BlockData{Data: [][]byte{[]byte("a"), {}, []byte("b")}}, Metadata: &commonpb.BlockMetadata{Metadata: [][]byte{{}, []byte("m")}},
	}
	return []proto.Message{
		&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Block{Block: block}},
		block,
		&commonpb.Envelope{Payload: []byte("p"), Signature: []byte("s")},
		&commonpb.Header{ChannelHeader: []byte("c"), SignatureHeader: []byte("s")},
		&peerpb.Proposal{Header: []byte("h"), Payload: []byte("p"), Extension: []byte("e")},
		&commonpb.Payload{Header: &commonpb.Header{ChannelHeader: []byte("c"), SignatureHeader: []byte("s")}, Data: []byte("d")},
		&commonpb.ChannelHeader{
			Type: 3, Version: -1, Timestamp: &timestamppb.Timestamp{Seconds: -7, Nanos: 5}, ChannelId: "c", TxId: "t", Epoch: 1 << 60,
			Extension: []byte("e"), TlsCertHash: []byte("h"),
		},
		&commonpb.SignatureHeader{Creator: []byte("c"), Nonce: []byte("n")},
		&peerpb.Transaction{Actions: []*peerpb.TransactionAction{{Header: []byte("h"), Payload: []byte("p")}}},
		&peerpb.ChaincodeActionPayload{ChaincodeProposalPayload: []byte("p"), Action: &peerpb.ChaincodeEndorsedAction{
			ProposalResponsePayload: []byte("r"), Endorsements: []*peerpb.Endorsement{{Endorser: []byte("e")}, {Signature: []byte("s")}, {}},
		}},
		&peerpb.ProposalResponsePayload{ProposalHash: []byte("h"), Extension: []byte("e")},
		&peerpb.ChaincodeAction{
			Results: []byte("r"), Events: []byte("e"), Response: &peerpb.Response{Status: 200, Message: "m", Payload: []byte("p")}, ChaincodeId: id,
		},
		&peerpb.ChaincodeEvent{ChaincodeId: "c", TxId: "t", EventName: "e", Payload: []byte("p")},
		&peerpb.ChaincodeHeaderExtension{PayloadVisibility: []byte("v"), ChaincodeId: id},
		&rwsetpb.TxReadWriteSet{DataModel: 1, NsRwset: []*rwsetpb.NsReadWriteSet{{Namespace: "a", Rwset: []byte("s")}, {}}},
		&kvrwsetpb.KVRWSet{
			Reads:  []*kvrwsetpb.KVRead{{Key: "a", Version: &kvrwsetpb.Version{BlockNum: 300, TxNum: 2}}, {Key: "b"}},
			Writes: []*kvrwsetpb.KVWrite{{Key: "a", IsDelete: true}, {Key: "b", Value: []byte("v")}},
		},
	}
}

// agree requires that UnmarshalInPlace makes of b what UnmarshalAs14 makes of it.
func agree(t testing.TB, b []byte, of proto.Message) {
	t.Helper()
	want, got := of.ProtoReflect().New().Interface(), of.ProtoReflect().New().Interface()
	wantErr, gotErr := wire.UnmarshalAs14(b, want), wire.UnmarshalInPlace(b, got)
	if wantErr != nil {
		require.EqualError(t, gotErr, wantErr.Error())
		return
	}
	require.NoError(t, gotErr)
	require.True(t, proto.Equal(want, got), "%x as %T", b, of)
}

// TestInPlaceDoesNotCopy: what is plain shares the bytes that it was read from, and holds no more of them than its own.
func TestInPlaceDoesNotCopy(t *testing.T) {
	raw := wire.MustMarshal(&commonpb.Envelope{Payload: []byte("payload"), Signature: []byte("signature")})
	m := &commonpb.Envelope{}
	require.NoError(t, wire.UnmarshalInPlace(raw, m))
	require.Same(t, &raw[2], &m.Payload[0])
	require.Equal(t, len(m.Payload), cap(m.Payload))
	for _, m := range inPlace() {
		raw, into := wire.MustMarshal(m), m.ProtoReflect().New().Interface()
		into.ProtoReflect().SetUnknown(protowire.AppendTag(nil, 900, protowire.StartGroupType)) // which a second reading would leave out
		require.NoError(t, wire.UnmarshalInPlace(raw, into))
		require.NotEmpty(t, into.ProtoReflect().GetUnknown(), "%T is plain, and was not read in place", m)
	}
}

// TestInPlaceOdd: every way not to be plain ends where UnmarshalAs14 ends.
func TestInPlaceOdd(t *testing.T) {
	for _, m := range inPlace() {
		raw := wire.MustMarshal(m)
		agree(t, raw, m)
		agree(t, joined(raw, raw), m)
		agree(t, joined(raw, bytesField(1<<29, 'x')), m)
		for i := range raw {
			agree(t, raw[:i], m)
			for _, flip := range []byte{0x01, 0x08, 0x80, 0xff} {
				odd := append([]byte(nil), raw...)
				odd[i] ^= flip
				agree(t, odd, m)
			}
		}
	}
}

func FuzzInPlace(f *testing.F) {
	for i, m := range inPlace() {
		f.Add(uint8(i), wire.MustMarshal(m))
	}
	b := vectors.Block(f, "fabric-1.4", 80)
	for i := range inPlace() {
		f.Add(uint8(i), b.Data.Data[0])
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		all := inPlace()
		agree(t, raw, all[int(kind)%len(all)])
	})
}
