package ledger

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
	"github.com/heddleledger/heddle/wire/tx"
)

func newSimulator(t testing.TB, l *Ledger, txid string) *Simulator {
	s, err := l.NewSimulator(txid)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// What chaincode did in each valid transaction of the sample chain, done again on the state it was done on, gives the bytes that Fabric's peers
// endorsed: among them the range queries of blocks 17 to 19 and 30, and block 80, whose every message is in the proposals folder.
func TestSimulateSampleChain(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	simulated := 0
	for _, c := range chainCodes(t) {
		b := orderedBlock(t, c)
		for i, t1 := range b.Txs {
			valid := c.Txs[i].Code == int32(peerpb.TxValidationCode_VALID) && t1.Type == commonpb.HeaderType_ENDORSER_TRANSACTION
			if !valid || touchesCollections(t1.RWSet) {
				continue
			}
			s := newSimulator(t, l, t1.ID)
			simulate(t, s, t1.RWSet)
			got, err := s.Results()
			require.NoError(t, err)
			s.Close()
			require.Equal(t, results(t, b.Data.Data[i]), got, "block %d, transaction %d", c.Block, i)
			simulated++
		}
		require.NoError(t, l.Commit(t.Context(), b))
	}
	require.Greater(t, simulated, 50)
}

func touchesCollections(s *rwset.Set) bool {
	for _, ns := range s.Namespaces {
		if len(ns.Collections) > 0 {
			return true
		}
	}
	return false
}

func results(t testing.TB, envelope []byte) []byte {
	e, err := tx.ParseEnvelope(envelope)
	require.NoError(t, err)
	transaction, err := tx.ParseTransaction(e)
	require.NoError(t, err)
	require.NoError(t, transaction.Open())
	return transaction.Action.Results
}

// simulate does what a read-write set says was done: queries, then reads, then writes.
func simulate(t testing.TB, s *Simulator, set *rwset.Set) {
	for _, ns := range set.Namespaces {
		for _, q := range ns.KV.RangeQueriesInfo {
			end, page := q.EndKey, 0
			if !q.ItrExhausted {
				end, page = "", len(q.GetRawReads().GetKvReads())
			}
			it, err := s.Range(ns.Name, q.StartKey, end, page)
			require.NoError(t, err)
			for i := 0; page == 0 || i < page; i++ {
				kv, err := it.Next()
				require.NoError(t, err)
				if kv == nil {
					break
				}
			}
		}
		for _, r := range ns.KV.Reads {
			_, err := s.Get(ns.Name, r.Key)
			require.NoError(t, err)
		}
	}
	for _, ns := range set.Namespaces {
		for _, w := range ns.KV.Writes {
			require.NoError(t, s.Put(ns.Name, w.Key, w.Value))
		}
		for _, w := range ns.KV.MetadataWrites {
			metadata := map[string][]byte{}
			for _, e := range w.Entries {
				metadata[e.Name] = e.Value
			}
			require.NoError(t, s.SetMetadata(ns.Name, w.Key, metadata))
		}
	}
}

func collect(t testing.TB, next func() (*querypb.KV, error)) (keys []string) {
	for {
		kv, err := next()
		require.NoError(t, err)
		if kv == nil {
			return keys
		}
		keys = append(keys, kv.Key)
	}
}

func TestSimulatorSeesItsSnapshotOnly(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 11)
	s := newSimulator(t, l, "tx1")
	before, err := s.Get("kv", "r0")
	require.NoError(t, err)
	require.Nil(t, before)
	replay(t, l, 12) // writes r0 to r4
	require.NoError(t, s.Put("kv", "r0", []byte("mine")))
	require.NoError(t, s.Delete("kv", "a"))
	after, err := s.Get("kv", "r0")
	require.NoError(t, err)
	require.Nil(t, after)
	a, err := s.Get("kv", "a")
	require.NoError(t, err)
	require.NotNil(t, a)
	it, err := s.Range("kv", "r", "s", 0)
	require.NoError(t, err)
	require.Empty(t, collect(t, it.Next))

	now, err := l.NewSnapshot()
	require.NoError(t, err)
	defer now.Close()
	height, err := now.Height()
	require.NoError(t, err)
	require.EqualValues(t, 13, height)
	value, err := now.Get("kv", "r0")
	require.NoError(t, err)
	require.Equal(t, "R0", string(value))
	every, err := now.Range("kv", "r", "s")
	require.NoError(t, err)
	defer every.Close()
	require.Equal(t, []string{"r0", "r1", "r2", "r3", "r4"}, collect(t, every.Next))
}

func TestPages(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 30)
	s := newSimulator(t, l, "tx1")
	var pages [][]string
	for start := "r0"; start != ""; {
		it, err := s.Range("kv", start, "r9", 2)
		require.NoError(t, err)
		pages = append(pages, collect(t, it.Next))
		start, err = it.Bookmark()
		require.NoError(t, err)
		_, err = it.Next()
		require.EqualError(t, err, "this iterator is closed")
		_, err = it.Bookmark()
		require.EqualError(t, err, "this iterator is closed")
	}
	require.Equal(t, [][]string{{"r0", "r1"}, {"r2", "r3"}, {"r4"}}, pages)
	require.EqualError(t, s.Put("kv", "k", []byte("v")),
		"txid [tx1]: Transaction has already performed a paginated query. Writes are not allowed")
	require.EqualError(t, s.SetMetadata("kv", "k", nil),
		"txid [tx1]: Transaction has already performed a paginated query. Writes are not allowed")

	unlimited := newSimulator(t, l, "tx2")
	it, err := unlimited.Range("kv", "r0", "r9", -1)
	require.NoError(t, err)
	require.Len(t, collect(t, it.Next), 5)
	require.ErrorContains(t, unlimited.Delete("kv", "k"), "paginated query")

	writer := newSimulator(t, l, "tx3")
	require.NoError(t, writer.Delete("kv", "k"))
	_, err = writer.Range("kv", "r0", "r9", 2)
	require.EqualError(t, err, "txid [tx3]: Paginated queries are supported only in a read-only transaction")
	it, err = writer.Range("kv", "r0", "", 0)
	require.NoError(t, err)
	require.NotEmpty(t, collect(t, it.Next))
}

func TestSimulatorAfterClose(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 12)
	s := newSimulator(t, l, "tx1")
	it, err := s.Range("kv", "", "", 0)
	require.NoError(t, err)
	s.Close()
	s.Close()
	const done = "this instance should not be used after calling Done()"
	_, err = s.Get("kv", "a")
	require.EqualError(t, err, done)
	_, err = s.Metadata("kv", "a")
	require.EqualError(t, err, done)
	require.EqualError(t, s.Put("kv", "a", nil), done)
	_, err = s.Range("kv", "", "", 0)
	require.EqualError(t, err, done)
	_, err = s.History("kv", "a")
	require.EqualError(t, err, done)
	_, err = it.Next()
	require.EqualError(t, err, "this iterator is closed")
	_, err = s.Results()
	require.NoError(t, err)
	_, err = s.Results()
	require.EqualError(t, err, "this function should only be called once on a transaction simulator instance")
}

func TestMetadata(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 80)
	s := newSimulator(t, l, "tx1")
	m, err := s.Metadata("kv", "sbe1")
	require.NoError(t, err)
	require.Len(t, m, 1)
	require.NotEmpty(t, m["VALIDATION_PARAMETER"])
	m, err = s.Metadata("kv", "a")
	require.NoError(t, err)
	require.Nil(t, m)
	raw, err := s.Results()
	require.NoError(t, err)
	set, err := rwset.Parse(raw)
	require.NoError(t, err)
	require.Len(t, set.Namespaces[0].KV.Reads, 2)

	view, err := l.NewSnapshot()
	require.NoError(t, err)
	defer view.Close()
	m, err = view.Metadata("kv", "sbe1")
	require.NoError(t, err)
	require.Len(t, m, 1)
	m, err = view.HashedMetadata("kv", "coll1", []byte("hash"))
	require.NoError(t, err)
	require.Nil(t, m)
}

// Chaincode may ask for many things at once.
func TestSimulatorConcurrently(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 30)
	s := newSimulator(t, l, "tx1")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				_, _ = s.Get("kv", fmt.Sprintf("f%04d", j))
				_ = s.Put("kv", fmt.Sprint(i, j), []byte("v"))
				if it, err := s.Range("kv", "f", "g", 0); err == nil {
					_, _ = it.Next()
					it.Close()
				}
			}
		})
	}
	wg.Go(func() { s.Close() })
	wg.Wait()
}
