package tx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/tx"
)

// BenchmarkParse decodes a transaction of a block, but for its read-write set.
func BenchmarkParse(b *testing.B) {
	raw := vectors.Block(b, "fabric-1.4", 80).Data.Data[0]
	b.ReportAllocs()
	for b.Loop() {
		e, err := tx.ParseEnvelope(raw)
		require.NoError(b, err)
		t, err := tx.ParseTransaction(e)
		require.NoError(b, err)
		require.NoError(b, t.Open())
	}
}
