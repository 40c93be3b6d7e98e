package orderer_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// broadcastRaw sends one message on a stream of its own.
func (n *node) broadcastRaw(raw []byte) (*ordererpb.BroadcastResponse, error) {
	n.t.Helper()
	stream, err := n.conn.NewStream(n.t.Context(), &ordererpb.AtomicBroadcast_ServiceDesc.Streams[0],
		ordererpb.AtomicBroadcast_Broadcast_FullMethodName, grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2(encodingproto.Name)}))
	require.NoError(n.t, err)
	require.NoError(n.t, stream.SendMsg(raw))
	require.NoError(n.t, stream.CloseSend())
	r := &ordererpb.BroadcastResponse{}
	return r, stream.RecvMsg(r)
}

// TestEncodings: however an envelope is encoded, the block has it in its canonical encoding; what is no envelope ends the stream.
func TestEncodings(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		n.createChannel("mychannel")
		env := transaction(t, user(t, "Org1MSP", "User1"), "mychannel", "data")
		payload := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), env.Payload)
		signature := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), env.Signature)
		join := func(parts ...[]byte) (raw []byte) {
			for _, p := range parts {
				raw = append(raw, p...)
			}
			return raw
		}
		want := wire.MustMarshal(env)
		require.Equal(t, want, join(payload, signature))
		for i, raw := range [][]byte{want, join(signature, payload), join(signature, payload, signature)} {
			r, err := n.broadcastRaw(raw)
			require.NoError(t, err)
			require.Equal(t, commonpb.Status_SUCCESS, r.Status, r.Info)
			b, err := n.waitHeight("mychannel", uint64(i)+2).Block(uint64(i) + 1)
			require.NoError(t, err)
			require.Equal(t, [][]byte{want}, b.Data.Data)
		}
		_, err := n.broadcastRaw([]byte{0x0a, 0x05, 'x'})
		require.ErrorContains(t, err, "rpc error: code = Internal desc = grpc: failed to unmarshal the received message: ")
	})
}
