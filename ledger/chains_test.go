package ledger

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// judged is a block whose transactions are all valid so far.
func judged(t testing.TB, b *commonpb.Block) *Block {
	b = proto.CloneOf(b)
	block.SetCodes(b, make([]peerpb.TxValidationCode, len(b.Data.Data)))
	r, err := restore(b)
	require.NoError(t, err)
	return r
}

func TestLongChains(t *testing.T) {
	for _, name := range vectors.LongChains() {
		t.Run(name, func(t *testing.T) {
			c := vectors.ReadLongChain(t, name)
			l := openLedger(t, t.TempDir(), Options{})
			for _, b := range c.Blocks {
				j := judged(t, b)
				require.NoError(t, l.CommitNoSync(t.Context(), j))
				if want := c.CommitHashes[b.Header.Number]; want != "" {
					require.Equal(t, want, hex.EncodeToString(block.CommitHash(j.Block)), "block %d", b.Header.Number)
					delete(c.CommitHashes, b.Header.Number)
				}
			}
			require.Empty(t, c.CommitHashes)
		})
	}
}
