package vectors

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// LongChain is a chain of 12,000 small transactions as an orderer stored it, and what a real peer made of it.
type LongChain struct {
	Blocks       []*commonpb.Block
	CommitHashes map[uint64]string // hex, of some blocks
}

// LongChains are the names of the chains there are: with one and with two endorsements per transaction.
func LongChains() []string { return []string{"1.4.12-b100-e1.tar.zst", "1.4.12-b100-e2.tar.zst"} }

var (
	commitHashLine = regexp.MustCompile(`(?m)^block (\d+) ntx \d+ commitHash ([0-9a-f]+)$`)
	blockFile      = regexp.MustCompile(`^blockfile_\d+$`)
)

// ReadLongChain unpacks one of LongChains.
func ReadLongChain(t testing.TB, name string) *LongChain {
	t.Helper()
	f, err := os.Open(Path("chains", name))
	require.NoError(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<27))
	require.NoError(t, err)
	defer z.Close()
	c := &LongChain{CommitHashes: map[uint64]string{}}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, c.Blocks)
			require.NotEmpty(t, c.CommitHashes)
			return c
		}
		require.NoError(t, err)
		switch base := path.Base(h.Name); {
		case base == "EXPECT.txt":
			raw, err := io.ReadAll(files)
			require.NoError(t, err)
			for _, m := range commitHashLine.FindAllSubmatch(raw, -1) {
				n, err := strconv.ParseUint(string(m[1]), 10, 64)
				require.NoError(t, err)
				c.CommitHashes[n] = string(m[2])
			}
		case blockFile.MatchString(base):
			require.NoError(t, block.ReadFile(files, func(b *commonpb.Block) error {
				c.Blocks = append(c.Blocks, b)
				return nil
			}))
		}
	}
}
