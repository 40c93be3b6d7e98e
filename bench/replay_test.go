package bench

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// stored is a block as a block file holds it.
func stored(b *commonpb.Block) []byte {
	list := func(raw []byte, all [][]byte) []byte {
		raw = protowire.AppendVarint(raw, uint64(len(all)))
		for _, one := range all {
			raw = protowire.AppendBytes(raw, one)
		}
		return raw
	}
	raw := protowire.AppendVarint(nil, b.Header.Number)
	raw = protowire.AppendBytes(protowire.AppendBytes(raw, b.Header.DataHash), b.Header.PreviousHash)
	raw = list(list(raw, b.Data.Data), b.Metadata.Metadata)
	return protowire.AppendBytes(nil, raw)
}

func TestReplay(t *testing.T) {
	facts := vectors.Facts(t, "fabric-1.4")
	var file bytes.Buffer
	want := map[string]int{}
	for _, f := range facts {
		file.Write(stored(vectors.OrderedBlock(t, "fabric-1.4", f.Block)))
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

	gap := bytes.NewReader(stored(vectors.OrderedBlock(t, "fabric-1.4", 2)))
	_, err = Replay(t.Context(), t.TempDir(), vectors.OrderedBlock(t, "fabric-1.4", 0), gap, 0, slog.New(slog.DiscardHandler), nil)
	require.ErrorContains(t, err, "expected block [1]")
}
