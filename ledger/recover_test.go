package ledger

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var errCrash = errors.New("crash")

// A ledger stopped at any step of a commit opens again with every block that Commit returned for, with the state those blocks make,
// and goes on to the same end. The state store may have been flushed long before, or never.
func TestCrashAtEveryStep(t *testing.T) {
	const flushedAt, crashFrom = 40, 45
	for _, flushed := range []bool{true, false} {
		for _, step := range Failpoints {
			t.Run(fmt.Sprintf("%s, flushed %t", step, flushed), func(t *testing.T) {
				dir, image := t.TempDir(), ""
				opts := Options{SegmentSize: 64 << 10}
				if flushed {
					l := openLedger(t, dir, opts)
					replay(t, l, flushedAt)
					require.NoError(t, l.Close())
				}
				var armed atomic.Bool
				opts.Failpoint = func(reached string) error {
					if reached != step || !armed.CompareAndSwap(true, false) {
						return nil
					}
					image = crashed(t, dir)
					return errCrash
				}
				l := openLedger(t, dir, opts)
				replay(t, l, crashFrom)
				armed.Store(true)
				returned := commitUntilCrash(t, l)

				again := openLedger(t, image, Options{SegmentSize: 64 << 10})
				require.GreaterOrEqual(t, again.Height(), returned)
				require.LessOrEqual(t, again.Height(), returned+1)
				requireSound(t, again)
				replay(t, again, 80)
				requireChain(t, again)
				requireWorldState(t, again)
			})
		}
	}
}

// commitUntilCrash commits the sample chain and returns how many blocks Commit returned for.
func commitUntilCrash(t testing.TB, l *Ledger) uint64 {
	for _, c := range chainCodes(t) {
		if c.Block < l.Height() {
			continue
		}
		b := orderedBlock(t, c)
		if err := l.Commit(t.Context(), b); err != nil {
			require.ErrorIs(t, err, errCrash)
			require.ErrorIs(t, l.Commit(t.Context(), b), errCrash, "after a crash no block is taken")
			return c.Block
		}
	}
	t.Fatal("the step was never reached")
	return 0
}

// requireChain holds every stored block against Fabric's.
func requireChain(t testing.TB, l *Ledger) {
	for _, c := range chainCodes(t) {
		want, err := os.ReadFile(vectors.Path("fabric-1.4", "chain", fmt.Sprintf("%d.block", c.Block)))
		require.NoError(t, err)
		got, err := l.RawBlock(c.Block)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// requireSound holds the state, history and index of l against those of a ledger that applied the same blocks without interruption.
func requireSound(t testing.TB, l *Ledger) {
	fresh := openLedger(t, t.TempDir(), Options{})
	var ids []string
	for n := range l.Height() {
		stored, err := l.Block(n)
		require.NoError(t, err)
		b, err := restore(stored)
		require.NoError(t, err)
		want := block.CommitHash(stored)
		require.NoError(t, fresh.CommitNoSync(t.Context(), b))
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(block.CommitHash(b.Block)))
		for _, tx := range b.Txs {
			ids = append(ids, tx.ID)
		}
	}
	require.Equal(t, fresh.Info().String(), l.Info().String())
	require.Equal(t, worldState(t, fresh), worldState(t, l))
	for _, id := range ids {
		want, wantErr := fresh.Code(id)
		got, err := l.Code(id)
		require.Equal(t, wantErr, err)
		require.Equal(t, want, got)
	}
	if l.Height() > 8 {
		require.Len(t, history(t, newSimulator(t, l, "tx"), "kv", "k1"), len(history(t, newSimulator(t, fresh, "tx"), "kv", "k1")))
	}
}

// crashed is what a crash of the process would leave of an open ledger. Its state store flushes and clears up on its own: what was copied while a file
// came, changed or went is no state the disk was ever in, and is copied again.
func crashed(t testing.TB, dir string) string {
	for range 1000 {
		before := listing(t, dir)
		image := filepath.Join(t.TempDir(), "image")
		err := os.CopyFS(image, os.DirFS(dir))
		if before == listing(t, dir) {
			require.NoError(t, err)
			return image
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("the files of %s never stay as they are", dir)
	return ""
}

// listing has path, size and time of every file below dir.
func listing(t testing.TB, dir string) string {
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				fmt.Fprintln(&list, path, info.Size(), info.ModTime())
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(&list, path, "went away")
			return nil
		}
		return err
	})
	require.NoError(t, err)
	return list.String()
}

// TestReplayOnce: what was applied again after a crash is on the disk then, though the next crash comes before the state store's memory is full; and
// after so many blocks it is there without a crash.
func TestReplayOnce(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir, Options{})
	c := &chainBuilder{}
	grow := func(blocks int) {
		for range blocks {
			require.NoError(t, l.CommitNoSync(t.Context(), c.next(1)))
		}
	}
	// reopened leaves another image of a ledger that was not closed, and tells what opening it logged.
	reopened := func(image string) (next, log string, err error) {
		var text strings.Builder
		again, err := Open(image, "mychannel", Options{Log: slog.New(slog.NewTextHandler(&text, nil))})
		if err != nil {
			return "", "", err
		}
		require.Equal(t, c.number, again.Height())
		next = crashed(t, image)
		return next, text.String(), again.Close()
	}
	grow(10)
	next, log, err := reopened(crashed(t, dir))
	require.NoError(t, err)
	require.Contains(t, log, "from=0 to=9")
	_, log, err = reopened(next)
	require.NoError(t, err)
	require.Empty(t, log)

	grow(flushEvery)
	replayed := fmt.Sprintf("from=%d to=%d", flushEvery, flushEvery+9)
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(log, replayed); time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the state store was not flushed: opening it says %q", log)
		_, log, err = reopened(crashed(t, dir))
		require.NoError(t, err)
	}
}

// Nothing but the block file is needed.
func TestStateIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir, Options{})
	replay(t, l, 80)
	require.NoError(t, l.Close())
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "state")))
	l = openLedger(t, dir, Options{})
	requireWorldState(t, l)
	requireSound(t, l)
}

// Blocks that the state knows and the file has lost are reported with file and offset; nothing is served or mended.
func TestTruncatedBlockFile(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir, Options{})
	replay(t, l, 80)
	file, size := l.blocks.End()
	require.NoError(t, l.Close())
	require.NoError(t, os.Truncate(file, size-100))
	for range 2 {
		_, err := Open(dir, "mychannel", Options{Log: quiet})
		var corrupt *blockfile.CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.Equal(t, file, corrupt.File)
		require.EqualValues(t, 80, corrupt.Block)
		require.ErrorContains(t, err, "the file ends, though the state was made of 81 blocks")
	}
}

func TestFlippedBit(t *testing.T) {
	for _, at := range []float64{0.1, 0.5, 0.9} {
		dir := t.TempDir()
		l := openLedger(t, dir, Options{SegmentSize: 64 << 10})
		replay(t, l, 80)
		require.NoError(t, l.Close())
		file := filepath.Join(dir, "blocks", "blocks_000002")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		raw[int(at*float64(len(raw)))] ^= 4
		require.NoError(t, os.WriteFile(file, raw, 0o600))
		l = openLedger(t, dir, Options{})
		damaged := 0
		for n := range l.Height() {
			if _, err := l.Block(n); err != nil {
				var corrupt *blockfile.CorruptError
				require.ErrorAs(t, err, &corrupt)
				require.Equal(t, file, corrupt.File)
				require.Equal(t, n, corrupt.Block)
				damaged++
			}
		}
		require.Equal(t, 1, damaged)
		require.NoError(t, l.Close())

		require.NoError(t, os.RemoveAll(filepath.Join(dir, "state"))) // nor is state made of a damaged block
		_, err = Open(dir, "mychannel", Options{Log: quiet})
		require.ErrorContains(t, err, "block file "+file)
	}
}

// A block whose metadata lost its codes cannot be applied again.
func TestRestoreRefuses(t *testing.T) {
	b := readBlock(t, "chain", "7.block")
	block.SetCodes(b, nil)
	_, err := restore(b)
	require.ErrorContains(t, err, "block [7] has 1 envelopes, but its metadata has 0 validation codes")
	b.Data.Data[0] = []byte("garbage")
	block.SetCodes(b, make([]peerpb.TxValidationCode, 1))
	_, err = restore(b)
	require.ErrorContains(t, err, "block [7], transaction 0 was valid but cannot be read again")
}

const childDir = "HEDDLE_LEDGER_TEST_DIR"

// commitForEver is the child of TestKill: it commits block after block and prints how many are done.
func commitForEver(dir string) error {
	l, err := Open(dir, "mychannel", Options{Log: quiet, SegmentSize: 1 << 20})
	if err != nil {
		return err
	}
	c := &chainBuilder{number: l.Height(), previous: l.Info().CurrentBlockHash, size: 500}
	for {
		if err := l.Commit(context.Background(), c.next(20)); err != nil {
			return err
		}
		fmt.Println(l.Height())
	}
}

// kill -9 at any moment loses no block that Commit returned for.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		kill := time.AfterFunc(time.Duration(150+rand.IntN(150))*time.Millisecond, func() { _ = child.Process.Kill() })
		defer kill.Stop()
		committed := uint64(0)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.ParseUint(strings.TrimSpace(lines.Text()), 10, 64); err == nil {
				committed = n
			}
		}
		require.ErrorContains(t, child.Wait(), "killed")

		l := openLedger(t, dir, Options{SegmentSize: 1 << 20})
		require.GreaterOrEqual(t, l.Height(), committed)
		s, err := l.NewSnapshot()
		require.NoError(t, err)
		for n := range l.Height() {
			b, err := l.Block(n)
			require.NoError(t, err)
			for i := range b.Data.Data {
				v, err := s.Get("bench", fmt.Sprintf("key_%d_%d", n, i))
				require.NoError(t, err)
				require.NotNil(t, v)
			}
		}
		s.Close()
		require.NoError(t, l.Close())
		t.Logf("killed after %d blocks", committed)
	}
}
