package blockfile

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain makes n blocks of different sizes that follow each other.
func chain(n int) []*commonpb.Block {
	var blocks []*commonpb.Block
	var previous []byte
	for i := range n {
		b := block.New(uint64(i), previous, [][]byte{bytes.Repeat([]byte{byte(i + 1)}, 40+7*i), []byte("envelope")})
		previous = block.HeaderHash(b.Header)
		blocks = append(blocks, b)
	}
	return blocks
}

func open(t testing.TB, dir string, opts Options) *Store {
	opts.Log = slog.New(slog.DiscardHandler)
	s, err := Open(dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// filled is a directory with the blocks in segments of some 700 bytes.
func filled(t testing.TB, blocks []*commonpb.Block) string {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentSize: 700})
	for _, b := range blocks {
		require.NoError(t, s.Append(b))
	}
	require.NoError(t, s.Close())
	return dir
}

func requireBlocks(t testing.TB, s *Store, want []*commonpb.Block) {
	require.EqualValues(t, len(want), s.Height())
	for i, b := range want {
		raw, err := s.RawBlock(uint64(i))
		require.NoError(t, err)
		require.Equal(t, wire.MustMarshal(b), raw)
		got, err := s.Block(uint64(i))
		require.NoError(t, err)
		require.True(t, proto.Equal(b, got))
	}
	_, err := s.Block(uint64(len(want)))
	require.ErrorIs(t, err, ErrNotFound)
	require.EqualError(t, err, "Entry not found in index")
}

func TestAppendAndReopen(t *testing.T) {
	blocks := chain(12)
	dir := t.TempDir()
	for from := 0; from < len(blocks); from += 3 {
		s := open(t, dir, Options{SegmentSize: 700})
		requireBlocks(t, s, blocks[:from])
		require.NoError(t, s.Append(blocks[from]))
		require.NoError(t, s.AppendNoSync(blocks[from+1]))
		require.NoError(t, s.AppendNoSync(blocks[from+2]))
		require.NoError(t, s.Sync())
		requireBlocks(t, s, blocks[:from+3])
		require.ErrorContains(t, s.Append(blocks[0]), "cannot follow")
		require.ErrorContains(t, s.Append(nil), "a block without header")
		require.NoError(t, s.Close())
		require.Error(t, s.Append(blocks[from]))
		_, err := s.RawBlock(0)
		require.ErrorIs(t, err, os.ErrClosed)
	}
	count, err := segmentCount(dir)
	require.NoError(t, err)
	require.Greater(t, count, 3)
}

func TestOnlyOneProcess(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{})
	_, err := Open(dir, Options{Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "in use by another process")
}

// Whatever part of the last record is missing, the record is cut off and can be written again.
func TestTornTail(t *testing.T) {
	blocks := chain(6)
	dir := filled(t, blocks)
	file, whole := lastFile(t, dir)
	_, offset := func() (string, int64) { s := open(t, dir, Options{}); defer s.Close(); return s.End() }()
	require.EqualValues(t, len(whole), offset)
	start := int64(len(whole)) - recordHeaderSize - int64(proto.Size(blocks[5]))
	for cut := start; cut < int64(len(whole)); cut++ {
		for _, padding := range []int{0, 64} { // a file system may have grown the file without writing it
			tail := whole[:cut:cut]
			if padding > 0 {
				tail = append(whole[:start:start], make([]byte, padding)...)
			}
			require.NoError(t, os.WriteFile(file, tail, 0o600))
			s := open(t, dir, Options{})
			requireBlocks(t, s, blocks[:5])
			require.NoError(t, s.Append(blocks[5]))
			requireBlocks(t, s, blocks)
			require.NoError(t, s.Close())
		}
	}
	// A crash while the next segment was made leaves less than its header.
	next := filepath.Join(dir, fmt.Sprintf("blocks_%06d", segments(t, dir)+1))
	require.NoError(t, os.WriteFile(next, []byte(segmentMagic), 0o600))
	requireBlocks(t, open(t, dir, Options{}), blocks)
}

func segments(t testing.TB, dir string) int {
	n, err := segmentCount(dir)
	require.NoError(t, err)
	return n
}

func lastFile(t testing.TB, dir string) (path string, content []byte) {
	path = segmentPath(dir, segments(t, dir))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, content
}

// Every single flipped bit is found, named by file and offset, and what it touches is not served. Flips in an index do no harm.
func TestFlippedBits(t *testing.T) {
	blocks := chain(6)
	dir := filled(t, blocks)
	files, err := filepath.Glob(filepath.Join(dir, "blocks_*"))
	require.NoError(t, err)
	for _, file := range files {
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		for at := range whole {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1 << (at % 8)
			require.NoError(t, os.WriteFile(file, damaged, 0o600))
			found := readAll(t, dir, blocks)
			if filepath.Ext(file) == ".index" {
				require.NoError(t, found)
			} else {
				var corrupt *CorruptError
				require.ErrorAs(t, found, &corrupt, "%s at %d", file, at)
				require.Equal(t, file, corrupt.File)
				require.LessOrEqual(t, corrupt.Offset, int64(at))
				require.ErrorContains(t, found, fmt.Sprintf("at offset %d (block %d)", corrupt.Offset, corrupt.Block))
			}
		}
		require.NoError(t, os.WriteFile(file, whole, 0o600))
	}
	require.NoError(t, readAll(t, dir, blocks))
}

// readAll opens the directory and reads every block; what is served must be right.
func readAll(t testing.TB, dir string, blocks []*commonpb.Block) error {
	s, err := Open(dir, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.Close()
	var all error
	for i, b := range blocks {
		raw, err := s.RawBlock(uint64(i))
		if err == nil {
			require.Equal(t, wire.MustMarshal(b), raw)
		}
		all = errors.Join(all, err)
	}
	return all
}

func TestDamagedFiles(t *testing.T) {
	blocks := chain(8)
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"truncated middle": {func(dir string) error { return os.Truncate(segmentPath(dir, 1), 300) }, "blocks_000001: the file is 300 bytes long"},
		"truncated middle, no index": {func(dir string) error {
			return errors.Join(os.Remove(segmentPath(dir, 1)+".index"), os.Truncate(segmentPath(dir, 1), 300))
		}, "blocks_000001: the file ends inside a record at offset"},
		"lost block, no index": {func(dir string) error {
			return errors.Join(os.Remove(segmentPath(dir, 1)+".index"), os.Truncate(segmentPath(dir, 1), segmentHeaderSize))
		}, "blocks_000002: segment begins with block"},
		"missing segment":  {func(dir string) error { return os.Remove(segmentPath(dir, 2)) }, "blocks_000002 is missing"},
		"swapped segments": {func(dir string) error { return os.Rename(segmentPath(dir, 3), segmentPath(dir, 2)) }, "segment begins with block"},
		"something else": {func(dir string) error {
			return os.WriteFile(segmentPath(dir, 2), bytes.Repeat([]byte("x"), 100), 0o600)
		}, "not a block file"},
		"grown middle": {func(dir string) error { return appendTo(segmentPath(dir, 1), "more") }, "blocks_000001: the file ends inside a record"},
		"zeros in the middle, no index": {func(dir string) error {
			return errors.Join(os.Remove(segmentPath(dir, 1)+".index"), os.Truncate(segmentPath(dir, 1), 5000))
		}, "blocks_000001: the file ends inside a record"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t, blocks)
			require.NoError(t, c.damage(dir))
			require.ErrorContains(t, readAll(t, dir, blocks), c.want)
		})
	}
}

func appendTo(path, s string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}

// A store stopped at any step holds every acknowledged block, and goes on from there.
func TestFailpoints(t *testing.T) {
	blocks := chain(8)
	for _, step := range []string{FailHalfWritten, FailWritten, FailSynced, FailSealed, FailRolled} {
		t.Run(step, func(t *testing.T) {
			dir, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
			crash := errors.New("crash")
			acknowledged := 0
			s := open(t, dir, Options{SegmentSize: 700, Failpoint: func(reached string) error {
				if reached != step || acknowledged < 2 {
					return nil
				}
				require.NoError(t, os.CopyFS(image, os.DirFS(dir)))
				return crash
			}})
			var err error
			for _, b := range blocks {
				if err = s.Append(b); err != nil {
					break
				}
				acknowledged++
			}
			require.ErrorIs(t, err, crash)
			require.ErrorIs(t, s.Append(blocks[acknowledged]), crash)
			again := open(t, image, Options{SegmentSize: 700})
			require.GreaterOrEqual(t, again.Height(), uint64(acknowledged))
			for _, b := range blocks[again.Height():] {
				require.NoError(t, again.Append(b))
			}
			requireBlocks(t, again, blocks)
		})
	}
}

// A store that was closed is opened by its index, without reading the blocks; what it was given after that is found if it is not closed again.
func TestIndexOfTheNewestSegment(t *testing.T) {
	blocks := chain(6)
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for _, b := range blocks[:3] {
		require.NoError(t, s.Append(b))
	}
	require.NoError(t, s.Close())
	file, whole := lastFile(t, dir)

	damaged := bytes.Clone(whole)
	damaged[len(whole)/2] ^= 1
	require.NoError(t, os.WriteFile(file, damaged, 0o600))
	s = open(t, dir, Options{})
	require.EqualValues(t, 3, s.Height())
	require.NoError(t, s.Close())
	require.ErrorContains(t, readAll(t, dir, blocks[:3]), "checksum mismatch at offset")
	require.NoError(t, os.WriteFile(file, whole, 0o600))

	s = open(t, dir, Options{})
	for _, b := range blocks[3:] {
		require.NoError(t, s.Append(b))
	}
	crashed := filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.CopyFS(crashed, os.DirFS(dir)))
	require.NoError(t, appendTo(segmentPath(crashed, 1), "half a record"))
	requireBlocks(t, open(t, crashed, Options{}), blocks)
	require.NoError(t, s.Close())

	c := cutting(t, dir) // the index must not survive what it tells of
	require.NoError(t, c.Cut(2))
	require.NoError(t, c.Close())
	s = open(t, dir, Options{})
	longer := block.New(2, block.HeaderHash(blocks[1].Header), [][]byte{make([]byte, 300)})
	require.NoError(t, s.Append(longer))
	crashed = filepath.Join(t.TempDir(), "image")
	require.NoError(t, os.CopyFS(crashed, os.DirFS(dir)))
	s = open(t, crashed, Options{})
	requireBlocks(t, s, append(blocks[:2:2], longer))
	require.NoError(t, s.Close())

	other := filled(t, blocks) // nor is another file's taken for this one's
	require.NoError(t, os.Rename(segmentPath(other, 1)+".index", segmentPath(crashed, 1)+".index"))
	requireBlocks(t, open(t, crashed, Options{}), append(blocks[:2:2], longer))
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	blk := block.New(0, nil, [][]byte{make([]byte, 400_000)})
	b.SetBytes(400_000)
	for b.Loop() {
		require.NoError(b, s.Append(blk))
		blk.Header.Number++
	}
}
