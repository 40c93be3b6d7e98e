package comm_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/internal/measured"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// TestMetrics: connections, calls and messages are counted, refused calls as well.
func TestMetrics(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	address := serve(t, comm.ServerOptions{Metrics: comm.NewMetrics(r), Limits: map[string]int{"orderer.AtomicBroadcast": 1}})
	conn, err := comm.Dial(t.Context(), address, comm.ClientOptions{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := ordererpb.NewAtomicBroadcastClient(conn).Broadcast(ctx)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, stream.Send(&commonpb.Envelope{}))
		_, err = stream.Recv()
		require.NoError(t, err)
	}
	require.ErrorContains(t, call(t, conn, &commonpb.Envelope{}), "too many requests")
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.Error(t, err)
	cancel()
	require.NoError(t, conn.Close())

	require.Eventually(t, func() bool { return measured.Samples(t, r)["grpc_comm_conn_closed"] == 1 }, 10*time.Second, time.Millisecond)
	samples := measured.Samples(t, r)
	require.Equal(t, 1.0, samples["grpc_comm_conn_opened"])
	const method = " Broadcast orderer_AtomicBroadcast"
	require.Equal(t, 2.0, samples["grpc_server_stream_requests_received"+method])
	require.Equal(t, 2.0, samples["grpc_server_stream_messages_received"+method])
	require.Equal(t, 2.0, samples["grpc_server_stream_messages_sent"+method])
	for _, code := range []string{" OK", " ResourceExhausted"} {
		require.Equal(t, 1.0, samples["grpc_server_stream_requests_completed"+code+method])
		require.Equal(t, 1.0, samples["grpc_server_stream_request_duration"+code+method])
	}
}
