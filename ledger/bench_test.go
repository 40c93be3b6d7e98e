package ledger

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// chainBuilder makes blocks of small transactions that follow each other: each reads lscc's entry and one key, and writes that key.
type chainBuilder struct {
	number   uint64
	previous []byte
	size     int // bytes of an envelope, beside its read-write set; with two endorsements some 4000
}

func (c *chainBuilder) next(txs int) *Block {
	b := &Block{}
	envelopes := make([][]byte, txs)
	for i := range envelopes {
		id := fmt.Sprintf("%064x", c.number*1e6+uint64(i))
		var set rwset.Builder
		key := fmt.Sprintf("key_%d_%d", c.number, i)
		set.Read("lscc", "bench", nil)
		set.Read("bench", key, nil)
		set.Write("bench", key, []byte("a value of some thirty bytes size"))
		envelopes[i] = endorsed(id, set.Set(), c.size)
		b.Txs = append(b.Txs, Tx{ID: id, Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: set.Set()})
	}
	b.Block = block.New(c.number, c.previous, envelopes)
	c.number, c.previous = c.number+1, block.HeaderHash(b.Header)
	return b
}

// endorsed is a well-formed transaction without signatures, made larger by its creator.
func endorsed(id string, set *rwset.Set, size int) []byte {
	results, err := set.Marshal()
	if err != nil {
		panic(err)
	}
	header := &commonpb.Header{
		ChannelHeader: wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), TxId: id,
			Extension: wire.MustMarshal(&peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{Name: "bench"}})}),
		SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: make([]byte, size), Nonce: []byte("nonce")}),
	}
	action := &peerpb.ChaincodeActionPayload{Action: &peerpb.ChaincodeEndorsedAction{
		ProposalResponsePayload: wire.MustMarshal(&peerpb.ProposalResponsePayload{
			Extension: wire.MustMarshal(&peerpb.ChaincodeAction{Results: results})}),
	}}
	transaction := &peerpb.Transaction{Actions: []*peerpb.TransactionAction{{Header: header.SignatureHeader, Payload: wire.MustMarshal(action)}}}
	payload := &commonpb.Payload{Header: header, Data: wire.MustMarshal(transaction)}
	return wire.MustMarshal(&commonpb.Envelope{Payload: wire.MustMarshal(payload)})
}

func BenchmarkCommit(b *testing.B) {
	for _, txs := range []int{1, 10, 100, 500} {
		for name, commit := range map[string]func(*Ledger, *testing.B, *Block) error{
			"sync":   func(l *Ledger, b *testing.B, blk *Block) error { return l.Commit(b.Context(), blk) },
			"nosync": func(l *Ledger, b *testing.B, blk *Block) error { return l.CommitNoSync(b.Context(), blk) },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, txs), func(b *testing.B) {
				l := openLedger(b, b.TempDir(), Options{})
				c := &chainBuilder{size: 1800} // twice in an envelope
				for b.Loop() {
					b.StopTimer()
					blk := c.next(txs)
					b.StartTimer()
					require.NoError(b, commit(l, b, blk))
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*txs), "µs/tx")
			})
		}
	}
}

func BenchmarkMVCC(b *testing.B) {
	l := openLedger(b, b.TempDir(), Options{})
	c := &chainBuilder{size: 100}
	for range 100 {
		require.NoError(b, l.CommitNoSync(b.Context(), c.next(500)))
	}
	blk := c.next(500)
	for i := range blk.Txs { // read keys that exist
		ns := blk.Txs[i].RWSet.Namespaces[0]
		ns.KV.Reads[0] = &kvrwsetpb.KVRead{Key: fmt.Sprintf("key_%d_%d", i%100, i), Version: &kvrwsetpb.Version{BlockNum: uint64(i % 100), TxNum: uint64(i)}}
	}
	for b.Loop() {
		_, _, err := decide(l.state.Reader, c.number, blk.Txs)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*500), "µs/tx")
}

func BenchmarkGet(b *testing.B) {
	l := openLedger(b, b.TempDir(), Options{})
	c := &chainBuilder{size: 100}
	for range 100 {
		require.NoError(b, l.CommitNoSync(b.Context(), c.next(500)))
	}
	s, err := l.NewSnapshot()
	require.NoError(b, err)
	defer s.Close()
	i := 0
	for b.Loop() {
		v, found, err := s.get(statedb.Key{Namespace: "bench", Key: fmt.Sprintf("key_%d_%d", i%100, i%500)})
		require.NoError(b, err)
		require.True(b, found)
		require.NotEmpty(b, v.Value)
		i++
	}
}

// BenchmarkSimulate measures what an endorser asks of the ledger for one transaction: is its id new, a definition, a key that is there, a key that is
// not, a write, the read-write set.
func BenchmarkSimulate(b *testing.B) {
	l := openLedger(b, b.TempDir(), Options{})
	c := &chainBuilder{size: 100}
	for range 100 {
		require.NoError(b, l.CommitNoSync(b.Context(), c.next(500)))
	}
	require.NoError(b, l.state.Flush())
	one := func(i int) {
		txid := fmt.Sprintf("%064x", i+1<<40)
		seen, err := l.HasTx(txid)
		require.NoError(b, err)
		require.False(b, seen)
		s, err := l.NewSimulator(txid)
		require.NoError(b, err)
		defer s.Close()
		_, err = s.Get("bench", "key_1_1")
		require.NoError(b, err)
		_, err = s.Get("bench", fmt.Sprintf("key_%d_%d", i%100, i%500))
		require.NoError(b, err)
		_, err = s.Get("bench", txid)
		require.NoError(b, err)
		require.NoError(b, s.Put("bench", txid, []byte("value")))
		_, err = s.Results()
		require.NoError(b, err)
	}
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			one(i)
			i++
		}
	})
	b.Run("many at once", func(b *testing.B) {
		b.ReportAllocs()
		held, err := l.NewSnapshot() // as another transaction would
		require.NoError(b, err)
		defer held.Close()
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(int(n.Add(1)))
			}
		})
	})
}
