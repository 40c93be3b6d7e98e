package channel

import (
	"archive/tar"
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestSampleChain lets the pipeline take the blocks of a real 1.4.12 orderer, and wants what a real 1.4.12 peer made of them: each
// transaction's code, each block byte for byte with its commit hash, and the state.
func TestSampleChain(t *testing.T) {
	facts := vectors.Facts(t, "fabric-1.4")
	var commits []Committed
	o := Options{Dir: t.TempDir(), OnCommit: func(c Committed) { commits = append(commits, c) }}
	c := join(t, o, ordered(t, 0))
	for _, f := range facts[1:] {
		require.NoError(t, c.Submit(t.Context(), ordered(t, f.Block)))
	}
	last := uint64(len(facts) - 1)
	require.NoError(t, c.Wait(t.Context(), last))
	for _, f := range facts {
		got, err := c.Block(f.Block)
		require.NoError(t, err)
		codes := block.Codes(got)
		for _, want := range f.Txs {
			require.Equal(t, peerpb.TxValidationCode(want.Number), codes[want.Index], "block %d, transaction %d: %s", f.Block, want.Index, want.What)
		}
		require.Equal(t, f.CommitHash, hex.EncodeToString(block.CommitHash(got)), "block %d: %s", f.Block, f.What)
		raw, err := c.RawBlock(f.Block)
		require.NoError(t, err)
		require.Equal(t, vectors.Read(t, "fabric-1.4", "chain", fmt.Sprintf("%d.block", f.Block)), raw, "block %d", f.Block)
	}
	require.Equal(t, expectedState(t), state(t, c))
	require.EqualValues(t, 5, c.Sequence())
	require.NoError(t, c.Err())

	for _, commit := range commits {
		for _, r := range commit.Refusals {
			require.Error(t, r.Err)
			require.Equal(t, facts[commit.Block.Header.Number].Txs[r.Index].Code, r.Code.String())
		}
	}
}

// ordered is a block of the sample chain as the orderer served it: what peers added is taken off.
func ordered(t testing.TB, n uint64) *commonpb.Block {
	b := vectors.Block(t, "fabric-1.4", n)
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_TRANSACTIONS_FILTER] = nil
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_COMMIT_HASH] = nil
	return b
}

// row is an entry of the world state as text.
type row struct {
	Namespace, Collection, Kind string
	Key                         string `json:"key_base64"`
	Value, Metadata             string
	Version                     [2]uint64
}

func (r row) String() string {
	return strings.Join([]string{r.Namespace, r.Collection, r.Key, r.Value, fmt.Sprint(r.Version), r.Metadata}, " ")
}

func expectedState(t *testing.T) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(string(vectors.Read(t, "fabric-1.4", "state", "world_state.jsonl"))) {
		var r row
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		if r.Namespace == "" { // a configuration: Fabric's order of map entries is random
			raw, err := base64.StdEncoding.DecodeString(r.Value)
			require.NoError(t, err)
			config := &commonpb.Config{}
			require.NoError(t, proto.Unmarshal(raw, config))
			r.Value = base64.StdEncoding.EncodeToString(wire.MustMarshal(config))
		}
		if r.Kind != "private" {
			all[r.String()] = true
		}
	}
	return all
}

func state(t *testing.T, c *Channel) map[string]bool {
	s, err := c.Ledger().NewSnapshot()
	require.NoError(t, err)
	defer s.Close()
	all := map[string]bool{}
	encode := base64.StdEncoding.EncodeToString
	require.NoError(t, s.Each(func(k statedb.Key, v statedb.Value) error {
		all[row{Namespace: k.Namespace, Collection: k.Collection, Key: encode([]byte(k.Key)), Value: encode(v.Value),
			Version: [2]uint64{v.Version.Block, v.Version.Tx}, Metadata: encode(v.Metadata)}.String()] = true
		return nil
	}))
	return all
}

// TestLongChains takes 12,000 transactions in blocks of 100 to the commit hashes that a real peer reached.
func TestLongChains(t *testing.T) {
	for _, name := range []string{"1.4.12-b100-e1.tar.zst", "1.4.12-b100-e2.tar.zst"} {
		t.Run(name, func(t *testing.T) {
			chain := readLongChain(t, name)
			c := join(t, Options{Dir: t.TempDir()}, chain.blocks[0])
			start, txs := time.Now(), 0
			for _, b := range chain.blocks[1:] {
				require.NoError(t, c.Submit(t.Context(), b))
				txs += len(b.Data.Data)
			}
			last := chain.blocks[len(chain.blocks)-1].Header.Number
			require.NoError(t, c.Wait(t.Context(), last))
			took := time.Since(start)
			t.Logf("%d transactions in %v: %.0f a second", txs, took.Round(time.Millisecond), float64(txs)/took.Seconds())
			require.NotEmpty(t, chain.expected)
			for n, want := range chain.expected {
				b, err := c.Block(n)
				require.NoError(t, err)
				require.Equal(t, want, hex.EncodeToString(block.CommitHash(b)), "block %d", n)
			}
		})
	}
}

// longChain is a chain of small transactions as an orderer stored it, and the commit hashes that a peer reached, by block.
type longChain struct {
	blocks   []*commonpb.Block
	expected map[uint64]string
}

var (
	commitHashLine = regexp.MustCompile(`(?m)^block (\d+) ntx \d+ commitHash ([0-9a-f]+)$`)
	blockFile      = regexp.MustCompile(`^blockfile_\d+$`)
)

func readLongChain(t testing.TB, name string) *longChain {
	f, err := os.Open(vectors.Path("chains", name))
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
		switch base := path.Base(h.Name); {
		case base == "EXPECT.txt":
			raw, err := io.ReadAll(files)
			require.NoError(t, err)
			for _, m := range commitHashLine.FindAllSubmatch(raw, -1) {
				n, err := strconv.ParseUint(string(m[1]), 10, 64)
				require.NoError(t, err)
				c.expected[n] = string(m[2])
			}
		case blockFile.MatchString(base):
			c.read(t, bufio.NewReader(files))
		}
	}
}

// read reads Fabric's block file: per block its length, then number, data hash, previous hash, and two lists, of envelopes and of metadata;
// numbers are varints, and every string of bytes has its length before it.
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
