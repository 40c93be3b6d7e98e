package ledger

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// longChain is a chain of 12,000 small transactions as an orderer stored it, and the commit hashes that a peer reached.
type longChain struct {
	blocks   []*commonpb.Block
	expected map[uint64]string
}

var commitHashLine = regexp.MustCompile(`(?m)^block (\d+) ntx \d+ commitHash ([0-9a-f]+)$`)

func readLongChain(t testing.TB, name string) *longChain {
	f, err := os.Open(filepath.Join("..", "testdata", "chains", name))
	require.NoError(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<27))
	require.NoError(t, err)
	defer z.Close()
	c := &longChain{expected: map[uint64]string{}}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return c
		}
		require.NoError(t, err)
		if path.Base(h.Name) == "EXPECT.txt" {
			raw, err := io.ReadAll(files)
			require.NoError(t, err)
			for _, m := range commitHashLine.FindAllSubmatch(raw, -1) {
				n, err := strconv.ParseUint(string(m[1]), 10, 64)
				require.NoError(t, err)
				c.expected[n] = string(m[2])
			}
		}
		if regexp.MustCompile(`blockfile_\d+$`).MatchString(h.Name) {
			c.read(t, bufio.NewReader(files))
		}
	}
}

// read reads Fabric's block file: per block its length, then number, data hash, previous hash, the count and each of the envelopes, the count
// and each of the metadata slots; numbers as varints, bytes with their length before them.
func (c *longChain) read(t testing.TB, r *bufio.Reader) {
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
		c.blocks = append(c.blocks, b)
	}
}

// judged is a block whose transactions are all valid so far.
func judged(t testing.TB, b *commonpb.Block) *Block {
	b = proto.CloneOf(b)
	block.SetCodes(b, make([]peerpb.TxValidationCode, len(b.Data.Data)))
	r, err := restore(b)
	require.NoError(t, err)
	return r
}

func TestLongChains(t *testing.T) {
	for _, name := range []string{"1.4.12-b100-e1.tar.zst", "1.4.12-b100-e2.tar.zst"} {
		t.Run(name, func(t *testing.T) {
			c := readLongChain(t, name)
			require.NotEmpty(t, c.expected)
			l := openLedger(t, t.TempDir(), Options{})
			for _, b := range c.blocks {
				j := judged(t, b)
				require.NoError(t, l.CommitNoSync(t.Context(), j))
				if want := c.expected[b.Header.Number]; want != "" {
					require.Equal(t, want, hex.EncodeToString(block.CommitHash(j.Block)), "block %d", b.Header.Number)
					delete(c.expected, b.Header.Number)
				}
			}
			require.Empty(t, c.expected)
		})
	}
}
