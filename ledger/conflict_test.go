package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// TestExplainReadsNoLargeBlock: the transaction that won is found out in a block that can be read in no time; in a larger one it goes by its place.
func TestExplainReadsNoLargeBlock(t *testing.T) {
	for size, want := range map[int]string{
		10:           `key "k" of chaincode cc was read at version 7:0, but transaction writer (block 0, transaction 0) wrote it`,
		maxExplained: `key "k" of chaincode cc was read at version 7:0, but the transaction at block 0, transaction 0 wrote it`,
	} {
		l := openLedger(t, t.TempDir(), Options{})
		var writes, reads rwset.Builder
		writes.Write("cc", "k", []byte("v"))
		reads.Read("cc", "k", &kvrwsetpb.Version{BlockNum: 7})
		commit := func(id string, set *rwset.Set, size int) *Block {
			b := &Block{Block: block.New(l.Height(), l.Info().CurrentBlockHash, [][]byte{endorsed(id, set, size)})}
			b.Txs = []Tx{{ID: id, Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: set}}
			require.NoError(t, l.Commit(t.Context(), b))
			return b
		}
		commit("writer", writes.Set(), size)
		conflict, err := l.Explain(commit("reader", reads.Set(), 10), 0)
		require.NoError(t, err)
		require.Equal(t, want, conflict.Error())
		require.NoError(t, l.Close())
	}
}
