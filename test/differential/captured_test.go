package differential

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCaptured lets Heddle's peer commit what a real 1.4.12 peer committed: each transaction's code, each block with its commit hash, and the
// whole state must be the same.
func TestCaptured(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "seed*.zst"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			captured, err := load[Captured](path)
			require.NoError(t, err)
			chain, err := captured.Chain()
			require.NoError(t, err)
			ours := chain.Commit(t)
			for n, raw := range captured.Blocks {
				theirs := &commonpb.Block{}
				require.NoError(t, proto.Unmarshal(raw, theirs))
				for i, code := range block.Codes(theirs) {
					require.Equal(t, code, ours.Codes[n][i], "block %d, transaction %d: %s", n, i, captured.Kinds[n][i])
				}
				require.Equal(t, block.CommitHash(theirs), ours.CommitHashes[n], "commit hash of block %d", n)
				require.Equal(t, raw, ours.Blocks[n], "bytes of block %d", n)
			}
			require.Equal(t, captured.StateHash, ours.StateHash(), "the world state")
		})
	}
}

// TestGeneratorIsSteady makes one chain twice.
func TestGeneratorIsSteady(t *testing.T) {
	first, second := Generate(t, 2, 150), Generate(t, 2, 150)
	require.Equal(t, first.Kinds, second.Kinds)
	for n := range first.Blocks {
		require.True(t, proto.Equal(first.Blocks[n], second.Blocks[n]), "block %d", n)
	}
}
