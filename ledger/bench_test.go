package ledger

import (
	"fmt"
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
