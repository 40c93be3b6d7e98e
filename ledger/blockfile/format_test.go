package blockfile

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzScan reads any bytes as a segment: it never fails but by naming the damage, and never lists a record whose checksum is wrong.
func FuzzScan(f *testing.F) {
	dir := filled(f, chain(6))
	for i := 1; i <= 2; i++ {
		whole, err := os.ReadFile(segmentPath(dir, i))
		require.NoError(f, err)
		f.Add(whole)
		f.Add(whole[:len(whole)-9])
		f.Add(append(whole, make([]byte, 30)...))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		first, _ := parseSegmentHeader(b)
		r := bytes.NewReader(b)
		s := &segment{path: "f", first: first, size: segmentHeaderSize}
		torn, err := s.scan(r, int64(len(b)))
		if err != nil {
			var corrupt *CorruptError
			require.True(t, errors.As(err, &corrupt), "%v", err)
			return
		}
		require.Equal(t, torn, s.size < int64(len(b)))
		for i := range s.offsets {
			_, err := s.read(r, first+uint64(i))
			require.NoError(t, err)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(encodeIndex(3, 700, []uint32{28, 90}), uint64(3))
	f.Add(encodeIndex(0, 28, nil), uint64(0))
	f.Add([]byte(indexMagic), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, first uint64) {
		if size, offsets, ok := decodeIndex(b, first); ok {
			require.Equal(t, b, encodeIndex(first, size, offsets))
		}
	})
}
