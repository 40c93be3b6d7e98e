package vectors

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

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
			c.read(t, bufio.NewReader(files))
		}
	}
}

// read reads Fabric's block file: per block its length, then number, data hash, previous hash, and two lists, of envelopes and of metadata;
// numbers are varints, and every string of bytes has its length before it.
func (c *LongChain) read(t testing.TB, r *bufio.Reader) {
	number := func() uint64 {
		n, err := binary.ReadUvarint(r)
		require.NoError(t, err)
		return n
	}
	bytes := func() []byte {
		b := make([]byte, number())
		_, err := io.ReadFull(r, b)
		require.NoError(t, err)
		return b
	}
	list := func() [][]byte {
		l := make([][]byte, number())
		for i := range l {
			l[i] = bytes()
		}
		return l
	}
	for {
		if _, err := r.Peek(1); errors.Is(err, io.EOF) {
			return
		}
		number()
		b := &commonpb.Block{Header: &commonpb.BlockHeader{Number: number(), DataHash: bytes(), PreviousHash: bytes()}}
		b.Data = &commonpb.BlockData{Data: list()}
		b.Metadata = &commonpb.BlockMetadata{Metadata: list()}
		c.Blocks = append(c.Blocks, b)
	}
}
