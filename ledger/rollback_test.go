package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/blockfile"
)

var smallSegments = Options{SegmentSize: 64 << 10}

// filledLedger is a closed ledger with the sample chain's blocks up to and with block last.
func filledLedger(t *testing.T, last uint64) string {
	dir := filepath.Join(t.TempDir(), "mychannel")
	l := openLedger(t, dir, smallSegments)
	replay(t, l, last)
	require.NoError(t, l.Close())
	return dir
}

// A ledger that was rolled back is what it was when the block was its last, and comes to the same end again.
func TestRollback(t *testing.T) {
	const last = 80
	for _, n := range []uint64{0, 1, 8, 40, last - 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := filledLedger(t, last)
			require.NoError(t, Rollback(quiet, dir, n))
			t.Run("cut", func(t *testing.T) {
				l := openLedger(t, dir, smallSegments)
				require.EqualValues(t, n+1, l.Height())
				require.EqualValues(t, last+1, l.FormerHeight())
				requireSound(t, l)
				canceled, cancel := context.WithCancel(t.Context())
				cancel()
				require.ErrorIs(t, l.Rebuilt(canceled), context.Canceled)
			})
			l := openLedger(t, dir, smallSegments)
			require.EqualValues(t, last+1, l.FormerHeight(), "still")
			replay(t, l, last)
			require.NoError(t, l.Rebuilt(t.Context()))
			require.Zero(t, l.FormerHeight())
			requireChain(t, l)
			requireWorldState(t, l)
			require.NoError(t, l.Close())
			require.Zero(t, openLedger(t, dir, smallSegments).FormerHeight(), "for good")
		})
	}
}

func TestRollbackRefuses(t *testing.T) {
	dir := filledLedger(t, 8)
	require.EqualError(t, Rollback(quiet, dir, 8), "target block number [8] should be less than the biggest block number [8]")
	l := openLedger(t, dir, smallSegments)
	require.ErrorContains(t, Rollback(quiet, dir, 1), "in use")
	require.Zero(t, l.FormerHeight())
	require.NoError(t, l.Close())
	require.ErrorContains(t, Reset(quiet, t.TempDir()), "listing block files")
	require.NoError(t, os.WriteFile(filepath.Join(dir, formerFile), []byte("x"), 0o644))
	require.ErrorContains(t, Reset(quiet, dir), "does not hold a height")
	_, err := Open(dir, "mychannel", Options{Log: quiet})
	require.ErrorContains(t, err, "does not hold a height")
}

// The greatest height counts, however often a ledger is taken back; and a reset of a ledger of one block is fine.
func TestResetAgain(t *testing.T) {
	dir := filledLedger(t, 20)
	require.NoError(t, Rollback(quiet, dir, 10))
	require.NoError(t, Reset(quiet, dir))
	require.NoError(t, Reset(quiet, dir))
	l := openLedger(t, dir, smallSegments)
	require.EqualValues(t, 1, l.Height())
	require.EqualValues(t, 21, l.FormerHeight())
	requireSound(t, l)
}

// A ledger that does not open for a damaged block is taken back to the block before it.
func TestRollbackOfDamage(t *testing.T) {
	dir := filledLedger(t, 20)
	path := filepath.Join(dir, blocksFolder, "blocks_000001")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)-100] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o644))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, stateFolder)))
	_, err = Open(dir, "mychannel", Options{Log: quiet})
	var damage *blockfile.CorruptError
	require.ErrorAs(t, err, &damage)
	require.NoError(t, Rollback(quiet, dir, damage.Block-2))
	l := openLedger(t, dir, smallSegments)
	require.Equal(t, damage.Block-1, l.Height())
	requireSound(t, l)
}
