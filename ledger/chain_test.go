package ledger

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var quiet = slog.New(slog.DiscardHandler)

// chainBlock is one entry of codes.json.
type chainBlock struct {
	Block      uint64
	HeaderHash string `json:"header_hash"`
	CommitHash string `json:"commit_hash"`
	Txs        []struct {
		TxID string
		Code int32 `json:"code_number"`
	}
}

func chainCodes(t testing.TB) []chainBlock {
	raw, err := os.ReadFile(vectors.Path("fabric-1.4", "chain", "codes.json"))
	require.NoError(t, err)
	var blocks []chainBlock
	require.NoError(t, json.Unmarshal(raw, &blocks))
	return blocks
}

func readBlock(t testing.TB, path ...string) *commonpb.Block {
	raw, err := os.ReadFile(vectors.Path(append([]string{"fabric-1.4"}, path...)...))
	require.NoError(t, err)
	b := &commonpb.Block{}
	require.NoError(t, proto.Unmarshal(raw, b))
	return b
}

// orderedBlock is block n of the sample chain as the orderer made it, judged by what Fabric's validation said before MVCC.
func orderedBlock(t testing.TB, c chainBlock) *Block {
	b := readBlock(t, "chain", fmt.Sprintf("%d.block", c.Block))
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_COMMIT_HASH] = nil
	codes := make([]peerpb.TxValidationCode, len(c.Txs))
	for i, tx := range c.Txs {
		switch code := peerpb.TxValidationCode(tx.Code); code {
		case peerpb.TxValidationCode_MVCC_READ_CONFLICT, peerpb.TxValidationCode_PHANTOM_READ_CONFLICT:
			codes[i] = peerpb.TxValidationCode_VALID
		default:
			codes[i] = code
		}
	}
	block.SetCodes(b, codes)
	r, err := restore(b)
	require.NoError(t, err)
	block.SetCodes(b, nil)
	return r
}

func openLedger(t testing.TB, dir string, opts Options) *Ledger {
	if opts.Log == nil {
		opts.Log = quiet
	}
	l, err := Open(dir, "mychannel", opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// replay commits the sample chain's blocks up to and with block last.
func replay(t testing.TB, l *Ledger, last uint64) {
	for _, c := range chainCodes(t) {
		if c.Block > last {
			return
		}
		if c.Block >= l.Height() {
			require.NoError(t, l.Commit(t.Context(), orderedBlock(t, c)), "block %d", c.Block)
		}
	}
}

// The sample chain of Fabric 1.4.12 gives the same codes, commit hashes and bytes, and the same world state.
func TestSampleChain(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	for _, c := range chainCodes(t) {
		b := orderedBlock(t, c)
		require.NoError(t, l.Commit(t.Context(), b))
		for i, tx := range c.Txs {
			require.Equal(t, peerpb.TxValidationCode(tx.Code), b.Txs[i].Code, "block %d, transaction %d", c.Block, i)
		}
		require.Equal(t, c.CommitHash, hex.EncodeToString(block.CommitHash(b.Block)), "block %d", c.Block)
		require.Equal(t, c.HeaderHash, hex.EncodeToString(l.Info().CurrentBlockHash))

		want, err := os.ReadFile(vectors.Path("fabric-1.4", "chain", fmt.Sprintf("%d.block", c.Block)))
		require.NoError(t, err)
		got, err := l.RawBlock(c.Block)
		require.NoError(t, err)
		require.Equal(t, want, got, "block %d", c.Block)
	}
	requireWorldState(t, l)
}

type stateRow struct {
	Namespace  string
	Collection string
	Kind       string
	Key        string `json:"key_base64"`
	Value      string
	Version    [2]uint64
	Metadata   string
}

func (r stateRow) String() string {
	return strings.Join([]string{r.Namespace, r.Collection, r.Key, r.Value, fmt.Sprint(r.Version), r.Metadata}, " ")
}

func requireWorldState(t testing.TB, l *Ledger) {
	raw, err := os.ReadFile(vectors.Path("fabric-1.4", "state", "world_state.jsonl"))
	require.NoError(t, err)
	var want []string
	for line := range strings.Lines(string(raw)) {
		var r stateRow
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		if r.Kind == "private" {
			continue
		}
		if r.Namespace == "" {
			r.Value = canonicalConfig(t, r.Value)
		}
		want = append(want, r.String())
	}
	require.ElementsMatch(t, want, worldState(t, l))
}

// canonicalConfig encodes a configuration anew: Fabric's order of map entries is random.
func canonicalConfig(t testing.TB, value string) string {
	raw, err := base64.StdEncoding.DecodeString(value)
	require.NoError(t, err)
	c := &commonpb.Config{}
	require.NoError(t, proto.Unmarshal(raw, c))
	raw, err = proto.MarshalOptions{Deterministic: true}.Marshal(c)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(raw)
}

// worldState lists every entry of the state as text.
func worldState(t testing.TB, l *Ledger) []string {
	s, err := l.NewSnapshot()
	require.NoError(t, err)
	defer s.Close()
	var rows []string
	encode := base64.StdEncoding.EncodeToString
	require.NoError(t, s.Each(func(k statedb.Key, v statedb.Value) error {
		rows = append(rows, stateRow{Namespace: k.Namespace, Collection: k.Collection, Key: encode([]byte(k.Key)),
			Value: encode(v.Value), Version: [2]uint64{v.Version.Block, v.Version.Tx}, Metadata: encode(v.Metadata)}.String())
		return nil
	}))
	return rows
}
