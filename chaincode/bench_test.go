package chaincode_test

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// BenchmarkInvoke measures a warm invoke of one GET_STATE and one PUT_STATE: the peer's part alone (memory), and with gRPC and the chaincode
// in the same process (gRPC).
func BenchmarkInvoke(b *testing.B) {
	run := func(b *testing.B, p *peer) {
		one := func() {
			c := p.call("kv", "getput", "a", "1", "1")
			c.ChannelID = channel
			var err error
			if c.Simulator, err = p.ledgers[channel].NewSimulator(c.TxID); err != nil {
				b.Fatal(err)
			}
			defer c.Simulator.Close()
			if _, _, err := p.Invoke(context.Background(), c); err != nil {
				b.Fatal(err)
			}
		}
		one()
		b.ReportAllocs()
		b.Run("one at a time", func(b *testing.B) {
			for b.Loop() {
				one()
			}
		})
		b.Run("many at once", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					one()
				}
			})
		})
	}
	b.Run("memory", func(b *testing.B) {
		p := newPeer(b)
		p.define(channel, "kv", "1.0", "code")
		p.run("kv:1.0")
		run(b, p)
	})
	b.Run("gRPC", func(b *testing.B) {
		p := newPeer(b)
		p.define(channel, "kv", "1.0", "code")
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		server := comm.NewServer(comm.ServerOptions{Log: slog.New(slog.DiscardHandler)})
		peerpb.RegisterChaincodeSupportServer(server, p.Support)
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(listener)
		}()
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(b, err)
		s, err := peerpb.NewChaincodeSupportClient(conn).Register(context.Background())
		require.NoError(b, err)
		require.NoError(b, s.Send(registration("kv:1.0")))
		for range 2 {
			_, err := s.Recv()
			require.NoError(b, err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = serveToy(s)
		}()
		b.Cleanup(func() {
			conn.Close()
			<-ended
			server.Stop()
			<-served
		})
		run(b, p)
	})
}
