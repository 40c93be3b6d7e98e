package node_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
)

// TestAbsentServices: a client that needs what a peer does not have is told what to do, whether its call is a stream or not. What only
// nodes ask one another for, or nobody uses, is a service unknown to gRPC.
func TestAbsentServices(t *testing.T) {
	n := files(t, localnet.Options{Consensus: "solo"})
	org := n.Orgs[0]
	startPeer(t, org, coreOf(t, n, org))
	conn, err := comm.Dial(t.Context(), org.Peer.Address(), connection(t, n, org, "", ""))
	require.NoError(t, err)
	defer conn.Close()

	for method, text := range map[string]string{
		"/discovery.Discovery/Discover": "this peer has no discovery service: tell the client to work without discovery",
		"/gateway.Gateway/Evaluate":     "this peer has no gateway service, which came with Fabric 2.4",
		"/gossip.Gossip/Ping":           "unknown service gossip.Gossip",
		"/protos.Prover/ProcessCommand": "unknown service protos.Prover",
	} {
		err := conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
		require.Equal(t, codes.Unimplemented, status.Code(err), method)
		require.ErrorContains(t, err, text)
	}
	events, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/gateway.Gateway/ChaincodeEvents")
	require.NoError(t, err)
	require.Equal(t, codes.Unimplemented, status.Code(events.RecvMsg(&emptypb.Empty{})))

	startOrderer(t, n, ordererOf(t, n))
	roots, err := comm.LoadRoots(n.OrdererCA())
	require.NoError(t, err)
	orderer, err := comm.Dial(t.Context(), n.Orderer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	require.NoError(t, err)
	defer orderer.Close()
	step, err := orderer.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/orderer.Cluster/Step")
	require.NoError(t, err)
	err = step.RecvMsg(&emptypb.Empty{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
	require.ErrorContains(t, err, "unknown service orderer.Cluster")
}
