package statedb

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkStateBatch collects and applies what a block of 100 transactions changes: for each a key of 100 bytes, its history and the
// transaction's place.
func BenchmarkStateBatch(b *testing.B) {
	const txs = 100
	d, err := Open(b.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer func() { require.NoError(b, d.Close()) }()
	value := make([]byte, 100)
	number := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		batch := d.NewBatch()
		for i := range uint64(txs) {
			at := Version{number, i}
			key := fmt.Sprintf("key_%d_%d", number, i)
			require.NoError(b, batch.Put(Key{Namespace: "kv", Key: key}, Value{Value: value, Version: at}))
			require.NoError(b, batch.History("kv", key, at))
			require.NoError(b, batch.Tx(fmt.Sprintf("%064x", number*txs+i), TxLocation{Version: at}))
		}
		require.NoError(b, batch.Block(fmt.Append(nil, "hash", number), number))
		require.NoError(b, batch.Apply())
		number++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*txs), "µs/tx")
}
