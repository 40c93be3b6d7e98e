package validation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/block"
)

// BenchmarkBlock validates blocks of 100 transactions with two endorsements each: three signatures a transaction. Compare it with
// BenchmarkSignatures, which verifies as many and does nothing else.
func BenchmarkBlock(b *testing.B) {
	n := newNetwork(b)
	state := n.newMemory()
	envelopes := make([][]byte, 100)
	for i := range envelopes {
		e := n.put("k")
		e.chaincode, e.set = "strict", writeSet("strict", string(rune('a'+i)))
		envelopes[i] = n.build(e)
	}
	v := New(channelID, Options{})
	blk := block.New(7, nil, envelopes)
	for b.Loop() {
		p, err := v.Prepare(b.Context(), blk, n.bundle)
		require.NoError(b, err)
		verdict, err := v.Decide(b.Context(), p, state)
		require.NoError(b, err)
		require.Empty(b, verdict.Refusals)
	}
	b.ReportMetric(float64(b.N*len(envelopes))/b.Elapsed().Seconds(), "tx/s")
}

// BenchmarkDecide is the part of BenchmarkBlock that cannot run in parallel.
func BenchmarkDecide(b *testing.B) {
	n := newNetwork(b)
	state := n.newMemory()
	envelopes := make([][]byte, 100)
	for i := range envelopes {
		envelopes[i] = n.build(n.put(string(rune('a' + i))))
	}
	v := New(channelID, Options{})
	p, err := v.Prepare(b.Context(), block.New(7, nil, envelopes), n.bundle)
	require.NoError(b, err)
	for b.Loop() {
		_, err := v.Decide(b.Context(), p, state)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N*len(envelopes))/b.Elapsed().Seconds(), "tx/s")
}

// BenchmarkSignatures verifies 300 signatures on every processor.
func BenchmarkSignatures(b *testing.B) {
	n := newNetwork(b)
	message := []byte("message")
	signature, err := n.peer1.Sign(message)
	require.NoError(b, err)
	id, err := n.bundle.MSPs().Identity(n.peer1.Creator())
	require.NoError(b, err)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for range 300 {
				if id.Verify(message, signature) != nil {
					b.Error("a good signature was refused")
				}
			}
		}
	})
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "tx/s")
}
