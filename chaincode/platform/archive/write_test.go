package archive

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBytesArePinned packs what makes the compressor use all it has: long matches, short ones, none. A change of this hash would be a change of
// every code hash.
func TestBytesArePinned(t *testing.T) {
	var words, noise strings.Builder
	x := uint32(1)
	next := func() uint32 { x = x*1664525 + 1013904223; return x >> 8 }
	for range 60_000 {
		fmt.Fprintf(&words, "word%d ", next()%977)
		noise.WriteByte(byte(next()))
	}
	code, err := Pack([]File{
		{"src/noise", []byte(noise.String())}, {"src/same", []byte(strings.Repeat("a", 300_000))}, {"src/words", []byte(words.String())},
		{"src/" + strings.Repeat("long/", 40) + "name", nil},
	})
	require.NoError(t, err)
	require.Equal(t, "798eaec9b1e311f0da456f491c97cd510fac410960ea3336f4b05575c195f565", fmt.Sprintf("%x", sha256.Sum256(code)))
}

func TestPackChecksMetadata(t *testing.T) {
	index := File{"META-INF/statedb/couchdb/indexes/i.json", []byte(`{"index":{"fields":["a"]}}`)}
	with, err := Pack([]File{{"META-INF/statedb/couchdb/indexes/.hidden", []byte("junk")}, index})
	require.NoError(t, err)
	without, err := Pack([]File{index})
	require.NoError(t, err)
	require.Equal(t, without, with)
	_, err = Pack([]File{{"META-INF/x", nil}})
	require.ErrorContains(t, err, "metadata file path or name is not supported")
}
