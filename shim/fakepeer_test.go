package shim

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// fakePeer is a real gRPC server whose Register is the test's.
type fakePeer struct {
	pb.UnimplementedChaincodeSupportServer
	register func(grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error
}

func (p *fakePeer) Register(s grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error {
	return p.register(s)
}

// startPeer serves register on a local port until the test ends, and returns the address.
func startPeer(t testing.TB, tlsConf *tls.Config, register func(grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	opts := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessageSize), grpc.MaxSendMsgSize(maxMessageSize)}
	if tlsConf != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(tlsConf)))
	}
	s := grpc.NewServer(opts...)
	pb.RegisterChaincodeSupportServer(s, &fakePeer{register: register})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Stop
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

// chat runs a chaincode against the peer at address and returns how its session ended.
func chat(t testing.TB, address string, tlsConf *tls.Config, cc Chaincode) error {
	t.Helper()
	stream, err := dial(t.Context(), address, tlsConf)
	require.NoError(t, err)
	defer stream.Close()
	return newSession("cc:1.0", stream, cc).serve()
}

// handshake takes a chaincode's REGISTER and makes it ready.
func handshake(t testing.TB, s PeerChaincodeStream) string {
	t.Helper()
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, pb.ChaincodeMessage_REGISTER, m.Type)
	require.NoError(t, s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_REGISTERED}))
	require.NoError(t, s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_READY}))
	return string(m.Payload)
}
