package peer

import (
	"bytes"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// seekRecorder is an orderer that answers every request with one block, and keeps what was asked for.
type seekRecorder struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	block *commonpb.Block
	asked chan *ordererpb.SeekInfo
}

func (s *seekRecorder) Deliver(stream ordererpb.AtomicBroadcast_DeliverServer) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	e, err := tx.FromEnvelope(request)
	if err != nil {
		return err
	}
	seek := &ordererpb.SeekInfo{}
	if err := proto.Unmarshal(e.Data, seek); err != nil {
		return err
	}
	s.asked <- seek
	if err := stream.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Block{Block: s.block}}); err != nil {
		return err
	}
	return stream.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Status{Status: commonpb.Status_SUCCESS}})
}

// TestFetch: what is asked for, by flags and target, and the file that the answer is written to.
func TestFetch(t *testing.T) {
	orderer := &seekRecorder{block: vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "chain", "5.block"), asked: make(chan *ordererpb.SeekInfo, 2)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ordererpb.RegisterAtomicBroadcastServer(server, orderer)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})

	admin := vectors.Path("fabric-1.4", "crypto", "peerOrganizations", "org1.example.com", "users", "Admin@org1.example.com", "msp")
	env := []string{"FABRIC_CFG_PATH=.", "CORE_PEER_LOCALMSPID=Org1MSP", "CORE_PEER_MSPCONFIGPATH=" + admin}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("core.yaml", []byte("peer: {}\n"), 0o644))
	for _, c := range []struct {
		args   []string
		seeks  int
		number uint64 // of the last seek
		errors ordererpb.SeekInfo_SeekErrorResponse
		file   string
	}{
		{[]string{"5"}, 1, 5, ordererpb.SeekInfo_STRICT, "mychannel_5.block"},
		{[]string{"5", "--bestEffort"}, 1, 5, ordererpb.SeekInfo_BEST_EFFORT, "mychannel_5.block"},
		{[]string{"config", "--bestEffort"}, 2, 3, ordererpb.SeekInfo_BEST_EFFORT, "mychannel_config.block"},
		{[]string{"+7", "mine"}, 1, 7, ordererpb.SeekInfo_STRICT, "mine"},
	} {
		var stderr bytes.Buffer
		args := append([]string{"channel", "fetch", "-c", "mychannel", "-o", listener.Addr().String()}, c.args...)
		require.Zero(t, Run(t.Context(), args, IO{Stdout: t.Output(), Stderr: &stderr, Env: env}), "%s", &stderr)
		require.Len(t, orderer.asked, c.seeks)
		var seek *ordererpb.SeekInfo
		for range c.seeks {
			seek = <-orderer.asked
			require.Equal(t, c.errors, seek.ErrorResponse, "%v", c.args)
			require.Equal(t, ordererpb.SeekInfo_BLOCK_UNTIL_READY, seek.Behavior)
		}
		require.Equal(t, c.number, seek.Start.GetSpecified().GetNumber(), "%v", c.args)
		require.Equal(t, c.number, seek.Stop.GetSpecified().GetNumber(), "%v", c.args)
		raw, err := os.ReadFile(c.file)
		require.NoError(t, err)
		require.Equal(t, wire.MustMarshal(orderer.block), raw)
	}
}
