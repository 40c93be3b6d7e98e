package channel

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/measured"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger"
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
	metrics := prometheus.NewRegistry()
	o := Options{Dir: t.TempDir(), Metrics: NewMetrics(metrics), Ledger: ledger.Options{Metrics: ledger.NewMetrics(metrics)}, OnCommit: func(c Committed) { commits = append(commits, c) }}
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

	c.settle()
	samples := measured.Samples(t, metrics)
	require.Equal(t, float64(len(facts)), samples["ledger_blockchain_height mychannel"])
	for _, step := range []string{"block_processing", "blockstorage_commit", "blockstorage_and_pvtdata_commit", "statedb_commit"} {
		require.Equal(t, float64(len(facts)), samples["ledger_"+step+"_time mychannel"], step)
	}
	require.Equal(t, 5.0, samples["ledger_transaction_count lscc:latest mychannel ENDORSER_TRANSACTION VALID"])
	for _, commit := range commits {
		for _, r := range commit.Refusals {
			require.Error(t, r.Err)
			require.Equal(t, facts[commit.Block.Header.Number].Txs[r.Index].Code, r.Code.String())
		}
	}
}

// ordered is a block of the sample chain as the orderer served it.
func ordered(t testing.TB, n uint64) *commonpb.Block { return vectors.OrderedBlock(t, "fabric-1.4", n) }

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
			chain := vectors.ReadLongChain(t, name)
			c := join(t, Options{Dir: t.TempDir()}, chain.Blocks[0])
			start, txs := time.Now(), 0
			for _, b := range chain.Blocks[1:] {
				require.NoError(t, c.Submit(t.Context(), b))
				txs += len(b.Data.Data)
			}
			last := chain.Blocks[len(chain.Blocks)-1].Header.Number
			require.NoError(t, c.Wait(t.Context(), last))
			took := time.Since(start)
			t.Logf("%d transactions in %v: %.0f a second", txs, took.Round(time.Millisecond), float64(txs)/took.Seconds())
			require.NotEmpty(t, chain.CommitHashes)
			for n, want := range chain.CommitHashes {
				b, err := c.Block(n)
				require.NoError(t, err)
				require.Equal(t, want, hex.EncodeToString(block.CommitHash(b)), "block %d", n)
			}
		})
	}
}
