package bench

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/block"
)

func TestReplay(t *testing.T) {
	facts := vectors.Facts(t, "fabric-1.4")
	var file bytes.Buffer
	want := map[string]int{}
	for _, f := range facts {
		file.Write(block.AppendFile(nil, vectors.OrderedBlock(t, "fabric-1.4", f.Block)))
		for _, transaction := range f.Txs {
			if f.Block > 0 {
				want[transaction.Code]++
			}
		}
	}
	taken := 0
	r, err := Replay(t.Context(), t.TempDir(), vectors.OrderedBlock(t, "fabric-1.4", 0), &file, 4, slog.New(slog.DiscardHandler), func(done int) { taken = done })
	require.NoError(t, err)
	require.Equal(t, want, r.Outcomes)
	require.Equal(t, taken, r.Count)
	require.Greater(t, r.TPS, 0.0)

	gap := bytes.NewReader(block.AppendFile(nil, vectors.OrderedBlock(t, "fabric-1.4", 2)))
	_, err = Replay(t.Context(), t.TempDir(), vectors.OrderedBlock(t, "fabric-1.4", 0), gap, 0, slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "expected block [1]")
}
