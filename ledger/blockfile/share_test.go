package blockfile

import (
	"bytes"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/block"
)

// TestReadersShareLargeBlocks: while somebody has a large block, others get the same bytes; when nobody has, the file is read and checked.
func TestReadersShareLargeBlocks(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	defer s.Close()
	large := block.New(0, nil, [][]byte{bytes.Repeat([]byte("x"), shareFrom)})
	small := block.New(1, block.HeaderHash(large.Header), [][]byte{[]byte("x")})
	require.NoError(t, s.Append(large))
	require.NoError(t, s.Append(small))

	first, err := s.RawBlock(0)
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			again, err := s.RawBlock(0)
			require.NoError(t, err)
			require.Same(t, &first[0], &again[0])
			require.Len(t, again, len(first))
		})
	}
	all.Wait()
	one, err := s.RawBlock(1)
	require.NoError(t, err)
	other, err := s.RawBlock(1)
	require.NoError(t, err)
	require.NotSame(t, &one[0], &other[0])

	path, _ := s.End()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte("y"), segmentHeaderSize+recordHeaderSize+100)
	require.NoError(t, err)
	again, err := s.RawBlock(0)
	require.NoError(t, err)
	require.Equal(t, first, again, "what was right when it was read")
	runtime.KeepAlive(first)
	first, again = nil, nil
	runtime.GC()
	runtime.GC()
	_, err = s.RawBlock(0)
	require.ErrorContains(t, err, "checksum mismatch at offset")
}

func TestSharingForgets(t *testing.T) {
	var s sharing
	for n := range uint64(10 * sweepAt) {
		b, err := s.get(n, func() ([]byte, error) { return make([]byte, 64), nil })
		require.NoError(t, err)
		require.Len(t, b, 64)
		if n%sweepAt == 0 {
			runtime.GC()
		}
	}
	require.LessOrEqual(t, len(s.blocks), 2*sweepAt)
}
