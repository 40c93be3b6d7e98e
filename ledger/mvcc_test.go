package ledger

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// TestMVCC runs the scripts in testdata/mvcc. Their commands:
//
//	simulate tx=<name>      run a transaction on the current state; its lines are those of simulateLine
//	rwset tx=<name>         write a read-write set by hand, as a hostile endorser could; its lines are those of rwsetLine
//	commit <name>...        commit a block of those transactions; prints their codes
//	state                   print the world state
func TestMVCC(t *testing.T) {
	datadriven.Walk(t, "testdata/mvcc", func(t *testing.T, path string) {
		s := &script{t: t, l: openLedger(t, t.TempDir(), Options{}), sets: map[string]*rwset.Set{}}
		datadriven.RunTest(t, path, s.run)
	})
}

type script struct {
	t    *testing.T
	l    *Ledger
	sets map[string]*rwset.Set
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.t = t
	switch d.Cmd {
	case "simulate":
		return s.simulate(d)
	case "rwset":
		return s.rwset(d)
	case "commit":
		return s.commit(d)
	case "state":
		return s.state()
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

func (s *script) simulate(d *datadriven.TestData) string {
	sim, err := s.l.NewSimulator("tx")
	require.NoError(s.t, err)
	defer sim.Close()
	var out strings.Builder
	for line := range strings.Lines(d.Input) {
		s.simulateLine(sim, strings.Fields(line), &out)
	}
	raw, err := sim.Results()
	require.NoError(s.t, err)
	var name string
	d.ScanArgs(s.t, "tx", &name)
	s.sets[name], err = rwset.Parse(raw)
	require.NoError(s.t, err)
	return out.String()
}

// simulateLine does one of: get <key>, put <key> <value>, fill <prefix> <count>, wipe <prefix> <count>, del <key>, meta <key> [<name> <value>],
// range <start> <end> [<results to take>] with "-" for empty.
func (s *script) simulateLine(sim *Simulator, f []string, out *strings.Builder) {
	const ns = "cc"
	var err error
	switch f[0] {
	case "get":
		var v []byte
		v, err = sim.Get(ns, f[1])
		fmt.Fprintf(out, "%s = %q\n", f[1], v)
	case "put":
		err = sim.Put(ns, f[1], []byte(f[2]))
	case "fill":
		count, _ := strconv.Atoi(f[2])
		for i := range count {
			require.NoError(s.t, sim.Put(ns, fmt.Sprintf("%s%03d", f[1], i), []byte("v")))
		}
	case "wipe":
		count, _ := strconv.Atoi(f[2])
		for i := range count {
			require.NoError(s.t, sim.Delete(ns, fmt.Sprintf("%s%03d", f[1], i)))
		}
	case "del":
		err = sim.Delete(ns, f[1])
	case "meta":
		m := map[string][]byte{}
		if len(f) > 2 {
			m[f[2]] = []byte(f[3])
		}
		err = sim.SetMetadata(ns, f[1], m)
	case "range":
		take := 1 << 30
		if len(f) > 3 {
			take, _ = strconv.Atoi(f[3])
		}
		s.rangeLine(sim, strings.Trim(f[1], "-"), strings.Trim(f[2], "-"), take, out)
	default:
		s.t.Fatalf("unknown line %v", f)
	}
	require.NoError(s.t, err)
}

func (s *script) rangeLine(sim *Simulator, start, end string, take int, out *strings.Builder) {
	it, err := sim.Range("cc", start, end, 0)
	require.NoError(s.t, err)
	var keys []string
	for range take {
		kv, err := it.Next()
		require.NoError(s.t, err)
		if kv == nil {
			break
		}
		keys = append(keys, kv.Key)
	}
	if len(keys) > 6 {
		keys = append(keys[:3:3], fmt.Sprintf("… %d keys", len(keys)))
	}
	fmt.Fprintf(out, "range: %s\n", strings.Join(keys, " "))
}

func (s *script) rwset(d *datadriven.TestData) string {
	ns := rwset.Namespace{Name: "cc", KV: &kvrwsetpb.KVRWSet{}}
	for line := range strings.Lines(d.Input) {
		s.rwsetLine(&ns, strings.Fields(line))
	}
	var name string
	d.ScanArgs(s.t, "tx", &name)
	s.sets[name] = &rwset.Set{Namespaces: []rwset.Namespace{ns}}
	return ""
}

// rwsetLine adds one of: read <key> <version>, write <key> [<value>], meta <key> [<name> <value>], raw <start> <end> [<key>@<version>]...,
// merkle <start> <end> <degree>; and for a collection: hread <coll> <key> <version>, hwrite <coll> <key> [<value>], hmeta <coll> <key> [<name> <value>].
// A version is block.tx or "none"; "!" after a range's start means that it was exhausted.
func (s *script) rwsetLine(ns *rwset.Namespace, f []string) {
	kv := ns.KV
	f = append(f, "", "", "") // absent arguments are empty
	switch f[0] {
	case "read":
		kv.Reads = append(kv.Reads, &kvrwsetpb.KVRead{Key: f[1], Version: parseVersion(s.t, f[2])})
	case "write":
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: f[1], Value: []byte(f[2]), IsDelete: f[2] == ""})
	case "meta":
		kv.MetadataWrites = append(kv.MetadataWrites, &kvrwsetpb.KVMetadataWrite{Key: f[1], Entries: entries(f[2], f[3])})
	case "raw":
		q := s.rangeInfo(f)
		reads := &kvrwsetpb.QueryReads{}
		for _, r := range f[3:] {
			if key, version, ok := strings.Cut(r, "@"); ok {
				reads.KvReads = append(reads.KvReads, &kvrwsetpb.KVRead{Key: key, Version: parseVersion(s.t, version)})
			}
		}
		q.ReadsInfo = &kvrwsetpb.RangeQueryInfo_RawReads{RawReads: reads}
		kv.RangeQueriesInfo = append(kv.RangeQueriesInfo, q)
	case "merkle":
		q := s.rangeInfo(f)
		degree, _ := strconv.ParseUint(f[3], 10, 32)
		q.ReadsInfo = &kvrwsetpb.RangeQueryInfo_ReadsMerkleHashes{ReadsMerkleHashes: &kvrwsetpb.QueryReadsMerkleSummary{MaxDegree: uint32(degree)}}
		kv.RangeQueriesInfo = append(kv.RangeQueriesInfo, q)
	case "hread":
		h := collection(ns, f[1])
		h.HashedReads = append(h.HashedReads, &kvrwsetpb.KVReadHash{KeyHash: []byte(f[2]), Version: parseVersion(s.t, f[3])})
	case "hwrite":
		h := collection(ns, f[1])
		h.HashedWrites = append(h.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: []byte(f[2]), ValueHash: []byte(f[3]), IsDelete: f[3] == ""})
	case "hmeta":
		h := collection(ns, f[1])
		h.MetadataWrites = append(h.MetadataWrites, &kvrwsetpb.KVMetadataWriteHash{KeyHash: []byte(f[2]), Entries: entries(f[3], f[4])})
	default:
		s.t.Fatalf("unknown line %v", f)
	}
}

func (s *script) rangeInfo(f []string) *kvrwsetpb.RangeQueryInfo {
	start, exhausted := strings.CutSuffix(f[1], "!")
	return &kvrwsetpb.RangeQueryInfo{StartKey: start, EndKey: f[2], ItrExhausted: exhausted}
}

func collection(ns *rwset.Namespace, name string) *kvrwsetpb.HashedRWSet {
	name = strings.Trim(name, "-")
	for _, c := range ns.Collections {
		if c.Name == name {
			return c.Hashed
		}
	}
	ns.Collections = append(ns.Collections, rwset.Collection{Name: name, Hashed: &kvrwsetpb.HashedRWSet{}})
	return ns.Collections[len(ns.Collections)-1].Hashed
}

func entries(name, value string) []*kvrwsetpb.KVMetadataEntry {
	if name == "" {
		return nil
	}
	return []*kvrwsetpb.KVMetadataEntry{{Name: name, Value: []byte(value)}}
}

func parseVersion(t *testing.T, s string) *kvrwsetpb.Version {
	if s == "none" {
		return nil
	}
	v := &kvrwsetpb.Version{}
	_, err := fmt.Sscanf(s, "%d.%d", &v.BlockNum, &v.TxNum)
	require.NoError(t, err)
	return v
}

func (s *script) commit(d *datadriven.TestData) string {
	b := &Block{}
	var envelopes [][]byte
	for _, arg := range d.CmdArgs {
		require.Contains(s.t, s.sets, arg.Key)
		envelopes = append(envelopes, []byte(arg.Key))
		b.Txs = append(b.Txs, Tx{ID: fmt.Sprint(s.l.Height(), arg.Key), Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: s.sets[arg.Key]})
	}
	b.Block = block.New(s.l.Height(), s.l.Info().CurrentBlockHash, envelopes)
	require.NoError(s.t, s.l.Commit(s.t.Context(), b))
	var out strings.Builder
	fmt.Fprintf(&out, "block %d\n", b.Header.Number)
	for i, arg := range d.CmdArgs {
		fmt.Fprintf(&out, "%s: %s\n", arg.Key, b.Txs[i].Code)
		if conflict, err := s.l.Explain(b, i); conflict != nil || err != nil {
			require.NoError(s.t, err)
			fmt.Fprintf(&out, "  %s\n", conflict)
		}
	}
	if hash := block.CommitHash(b.Block); hash != nil {
		fmt.Fprintf(&out, "commit hash %s…\n", hex.EncodeToString(hash[:4]))
	}
	return out.String()
}

func (s *script) state() string {
	view, err := s.l.NewSnapshot()
	require.NoError(s.t, err)
	defer view.Close()
	var out strings.Builder
	require.NoError(s.t, view.Each(func(k statedb.Key, v statedb.Value) error {
		m, err := parseMetadata(v.Metadata)
		require.NoError(s.t, err)
		fmt.Fprintf(&out, "%s%s = %q at %d.%d", strings.TrimPrefix(k.Collection+"/", "/"), k.Key, v.Value, v.Version.Block, v.Version.Tx)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&out, " %s=%s", name, m[name])
		}
		out.WriteString("\n")
		return nil
	}))
	return out.String()
}
