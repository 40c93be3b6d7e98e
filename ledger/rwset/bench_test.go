package rwset_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/tx"
)

// BenchmarkReadWriteSet decodes the read-write set of a transaction that reads its chaincode's definition and writes a key.
func BenchmarkReadWriteSet(b *testing.B) {
	e, err := tx.ParseEnvelope(vectors.Block(b, "fabric-1.4", 80).Data.Data[0])
	require.NoError(b, err)
	t, err := tx.ParseTransaction(e)
	require.NoError(b, err)
	require.NoError(b, t.Open())
	b.ReportAllocs()
	for b.Loop() {
		_, err := rwset.Parse(t.Action.Results)
		require.NoError(b, err)
	}
}
