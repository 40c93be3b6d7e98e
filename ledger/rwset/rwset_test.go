package rwset

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chainSets are the read-write sets of the sample chain's valid transactions, as Fabric encoded them.
func chainSets(t testing.TB) map[string][]byte {
	sets := map[string][]byte{}
	files, err := filepath.Glob("../../testdata/fabric-1.4/chain/*.block")
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		b := &commonpb.Block{}
		require.NoError(t, proto.Unmarshal(raw, b))
		codes := block.Codes(b)
		for i, envelope := range b.Data.Data {
			if codes[i] != peerpb.TxValidationCode_VALID {
				continue
			}
			e, err := tx.ParseEnvelope(envelope)
			require.NoError(t, err)
			if e.Type() != commonpb.HeaderType_ENDORSER_TRANSACTION {
				continue
			}
			transaction, err := tx.ParseTransaction(e)
			require.NoError(t, err)
			require.NoError(t, transaction.Open())
			sets[fmt.Sprintf("block %d, transaction %d", b.Header.Number, i)] = transaction.Action.Results
		}
	}
	require.NotEmpty(t, sets)
	return sets
}

// What Fabric encoded, parsed and encoded again, is the same; so is what a Builder makes of its parts in any order.
func TestBytesAreFabrics(t *testing.T) {
	for name, raw := range chainSets(t) {
		s, err := Parse(raw)
		require.NoError(t, err, name)
		again, err := s.Marshal()
		require.NoError(t, err, name)
		require.Equal(t, raw, again, name)

		var b Builder
		collections := 0
		for _, ns := range s.Namespaces {
			collections += len(ns.Collections)
			b.namespace(ns.Name)
			for i := range ns.KV.Writes {
				w := ns.KV.Writes[len(ns.KV.Writes)-1-i]
				b.Write(ns.Name, w.Key, []byte("overwritten"))
				b.Write(ns.Name, w.Key, w.Value)
			}
			for _, r := range ns.KV.Reads {
				b.Read(ns.Name, r.Key, r.Version)
			}
			for _, q := range ns.KV.RangeQueriesInfo {
				b.Range(ns.Name, q)
				b.Range(ns.Name, proto.CloneOf(q))
			}
			for _, w := range ns.KV.MetadataWrites {
				entries := map[string][]byte{}
				for _, e := range w.Entries {
					entries[e.Name] = e.Value
				}
				b.WriteMetadata(ns.Name, w.Key, entries)
			}
		}
		if collections > 0 {
			continue
		}
		built, err := b.Set().Marshal()
		require.NoError(t, err, name)
		require.Equal(t, raw, built, name)
	}
}

func TestEmptySet(t *testing.T) {
	var b Builder
	raw, err := b.Set().Marshal()
	require.NoError(t, err)
	require.Empty(t, raw)
	require.NotNil(t, raw)
}

func TestParseRefuses(t *testing.T) {
	_, err := Parse([]byte{0xff})
	require.ErrorContains(t, err, "error unmarshaling TxReadWriteSet")
	_, err = Parse([]byte("\x12\x07\x0a\x02cc\x12\x01\xff"))
	require.ErrorContains(t, err, "error unmarshaling KVRWSet of namespace [cc]")
	_, err = Parse([]byte("\x12\x09\x1a\x07\x0a\x02co\x12\x01\xff"))
	require.ErrorContains(t, err, "error unmarshaling HashedRWSet of collection [:co]")
}

func FuzzParse(f *testing.F) {
	for _, raw := range chainSets(f) {
		f.Add(raw)
	}
	f.Add([]byte("\x12\x07\x0a\x02cc\x12\x01\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			return
		}
		once, err := s.Marshal()
		require.NoError(t, err)
		s, err = Parse(once)
		require.NoError(t, err)
		twice, err := s.Marshal()
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

// summaryOf is the rule of RangeReads put the slow way round: level by level over all results.
func summaryOf(t testing.TB, degree, results int) *kvrwsetpb.QueryReadsMerkleSummary {
	if results <= degree {
		return nil
	}
	var hashes [][]byte
	for from := 0; from < results; from += degree + 1 {
		group := &kvrwsetpb.QueryReads{}
		for i := from; i < min(from+degree+1, results); i++ {
			group.KvReads = append(group.KvReads, read(i))
		}
		sum := sha256.Sum256(wire.MustMarshal(group))
		hashes = append(hashes, sum[:])
	}
	level := 1
	for ; len(hashes) > degree; level++ {
		var up [][]byte
		for from := 0; from < len(hashes); from += degree + 1 {
			group := hashes[from:min(from+degree+1, len(hashes))]
			if len(group) == 1 {
				up = append(up, group[0])
			} else {
				up = append(up, combine(group))
			}
		}
		hashes = up
	}
	return &kvrwsetpb.QueryReadsMerkleSummary{MaxDegree: uint32(degree), MaxLevel: uint32(level), MaxLevelHashes: hashes}
}

func read(i int) *kvrwsetpb.KVRead {
	return &kvrwsetpb.KVRead{Key: fmt.Sprintf("key%05d", i), Version: &kvrwsetpb.Version{BlockNum: uint64(i / 10), TxNum: uint64(i % 10)}}
}

func TestRangeReads(t *testing.T) {
	for _, degree := range []int{2, 3, 50} {
		for results := range 200 {
			want := summaryOf(t, degree, results)
			r, err := NewRangeReads(uint32(degree))
			require.NoError(t, err)
			for i := range results {
				require.NoError(t, r.Add(read(i).Key, read(i).Version))
				require.False(t, want != nil && r.Diverged(want))
			}
			info := &kvrwsetpb.RangeQueryInfo{}
			require.NoError(t, r.Finish(info))
			require.True(t, proto.Equal(want, info.GetReadsMerkleHashes()), "degree %d, %d results: %v, %v", degree, results, want, info)
			if want == nil {
				require.Len(t, info.GetRawReads().GetKvReads(), results)
			}
			require.Equal(t, results == 0, info.ReadsInfo == nil)
		}
	}
}

// A changed result is noticed as soon as the hash over it is complete.
func TestDiverged(t *testing.T) {
	want := summaryOf(t, 2, 50)
	for changed := range 50 {
		r, err := NewRangeReads(2)
		require.NoError(t, err)
		diverged := false
		for i := 0; i < 50 && !diverged; i++ {
			key := read(i).Key
			if i == changed {
				key += "x"
			}
			require.NoError(t, r.Add(key, read(i).Version))
			diverged = r.Diverged(want)
			require.False(t, diverged && i < changed)
		}
		got, err := r.Summary()
		require.NoError(t, err)
		require.False(t, proto.Equal(want, got))
	}
	_, err := NewRangeReads(1)
	require.EqualError(t, err, "maxDegree [1] should not be less than 2 in the merkle tree")
}
