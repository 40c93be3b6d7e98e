package orderer_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// envelopes are n different messages of about 3 kB, the size of a small transaction with one endorsement.
func envelopes(b *testing.B, n int) []*commonpb.Envelope {
	client := user(b, "Org1MSP", "User1")
	envs := make([]*commonpb.Envelope, n)
	for i := range envs {
		envs[i] = transaction(b, client, "mychannel", fmt.Sprint(i, strings.Repeat("x", 2000)))
	}
	return envs
}

// BenchmarkThroughput: many clients, each waiting for the answer to its last message; measured until the last block is visible. One operation is
// one message.
func BenchmarkThroughput(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			n := newSetup(b, kind, setBatch(500, 2<<20, "500ms")).start(b)
			c := n.createChannel("mychannel")
			envs := envelopes(b, 1000)
			var next atomic.Int64
			b.SetParallelism(64)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(b.Context())
				if err != nil {
					b.Error(err)
					return
				}
				for pb.Next() {
					if err := stream.Send(envs[next.Add(1)%int64(len(envs))]); err != nil {
						b.Error(err)
						return
					}
					if r, err := stream.Recv(); err != nil || r.Status != commonpb.Status_SUCCESS {
						b.Error(r, err)
						return
					}
				}
			})
			ordered := 0
			for i := uint64(1); ordered < b.N; i++ {
				require.NoError(b, c.Wait(b.Context(), i))
				block, err := c.Block(i)
				require.NoError(b, err)
				ordered += len(block.Data.Data)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64(b.N)/float64(c.Height()-1), "msg/block")
		})
	}
}

// BenchmarkLatency: one client sends a message and waits for its block. One operation is one block of one message.
func BenchmarkLatency(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			n := newSetup(b, kind, setBatch(500, 2<<20, "500ms")).start(b)
			c := n.createChannel("mychannel")
			envs := envelopes(b, 100)
			stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(b.Context())
			require.NoError(b, err)
			b.ReportAllocs()
			height := c.Height()
			for i := 0; b.Loop(); i++ {
				if err := stream.Send(envs[i%len(envs)]); err != nil {
					b.Fatal(err)
				}
				if r, err := stream.Recv(); err != nil || r.Status != commonpb.Status_SUCCESS {
					b.Fatal(r, err)
				}
				if err := c.Wait(b.Context(), height); err != nil {
					b.Fatal(err)
				}
				height++
			}
		})
	}
}
