package ledger

import (
	"context"
	"encoding/hex"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const putK1 = "9a1aa3157700d52c6f19ba130e4cf5a14662799c9b3e9e3e04279a75ec9bb470" // block 7

// qscc passes these answers on; the payloads are those of Fabric's qscc.
func TestQueries(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 80)
	requirePayload := func(name string, m proto.Message) {
		t.Helper()
		want, err := os.ReadFile(vectors.Path("fabric-1.4", "queries", name+".payload.pb"))
		require.NoError(t, err)
		require.Equal(t, want, wire.MustMarshal(m))
	}
	requirePayload("qscc_GetChainInfo", l.Info())
	b, err := l.Block(7)
	require.NoError(t, err)
	requirePayload("qscc_GetBlockByNumber", b)
	b, err = l.BlockByTxID(putK1)
	require.NoError(t, err)
	requirePayload("qscc_GetBlockByTxID", b)
	processed, err := l.TransactionByID(putK1)
	require.NoError(t, err)
	requirePayload("qscc_GetTransactionByID", processed)

	last, err := l.Block(math.MaxUint64)
	require.NoError(t, err)
	require.EqualValues(t, 80, last.Header.Number)
	raw, err := l.RawBlock(math.MaxUint64)
	require.NoError(t, err)
	require.Equal(t, wire.MustMarshal(last), raw)
	for _, c := range chainCodes(t) {
		hash, err := hex.DecodeString(c.HeaderHash)
		require.NoError(t, err)
		b, err := l.BlockByHash(hash)
		require.NoError(t, err)
		require.Equal(t, c.Block, b.Header.Number)
	}
}

func TestNotFound(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	_, err := l.Block(math.MaxUint64)
	require.ErrorIs(t, err, ErrNotFound)
	replay(t, l, 7)
	const text = "Entry not found in index"
	_, err = l.Block(8)
	require.EqualError(t, err, text)
	_, err = l.RawBlock(8)
	require.EqualError(t, err, text)
	_, err = l.BlockByHash([]byte("no such hash"))
	require.EqualError(t, err, text)
	_, err = l.BlockByTxID("nope")
	require.EqualError(t, err, text)
	_, err = l.TransactionByID("nope")
	require.EqualError(t, err, text)
	_, err = l.Code("nope")
	require.EqualError(t, err, text)
	found, err := l.HasTx("nope")
	require.NoError(t, err)
	require.False(t, found)
}

// Every transaction is found by its id, where it first stood, with the code it got there; also those without an id of their own.
func TestTransactionIndex(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 80)
	view, err := l.NewSnapshot()
	require.NoError(t, err)
	defer view.Close()
	seen := map[string]bool{}
	for _, c := range chainCodes(t) {
		b, err := l.Block(c.Block)
		require.NoError(t, err)
		r, err := restore(b)
		require.NoError(t, err)
		for i, tx := range c.Txs {
			id := r.indexID(i)
			if tx.TxID != "" {
				require.Equal(t, tx.TxID, id)
			}
			if id == "" || seen[id] {
				continue
			}
			seen[id] = true
			code, err := l.Code(id)
			require.NoError(t, err)
			require.Equal(t, peerpb.TxValidationCode(tx.Code), code)
			p, err := l.TransactionByID(id)
			require.NoError(t, err)
			require.Equal(t, tx.Code, p.ValidationCode)
			require.Equal(t, b.Data.Data[i], wire.MustMarshal(p.TransactionEnvelope))
			found, err := view.HasTx(id)
			require.NoError(t, err)
			require.True(t, found)
		}
	}
	require.Greater(t, len(seen), 80)
}

func TestWait(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 1)
	require.NoError(t, l.Wait(t.Context(), 0))
	require.NoError(t, l.Wait(t.Context(), 1))
	done := make(chan error)
	go func() { done <- l.Wait(t.Context(), 3) }()
	replay(t, l, 2)
	select {
	case <-done:
		t.Fatal("Wait returned before block 3 was there")
	case <-time.After(10 * time.Millisecond):
	}
	replay(t, l, 3)
	require.NoError(t, <-done)

	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- l.Wait(ctx, 4) }()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	go func() { done <- l.Wait(t.Context(), 4) }()
	require.NoError(t, l.Close())
	require.ErrorContains(t, <-done, "ledger of channel [mychannel] is closed")
}

func TestClosed(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 3)
	view, err := l.NewSnapshot()
	require.NoError(t, err)
	it, err := view.Range("lscc", "", "")
	require.NoError(t, err)
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	for l.acquire() == nil { // until Close has begun
		l.release()
	}
	_, err = view.Get("kv", "a")
	require.NoError(t, err)
	_, err = l.NewSimulator("tx")
	require.ErrorContains(t, err, "is closed")
	require.ErrorContains(t, l.Commit(t.Context(), &Block{}), "is closed")
	_, err = l.HasTx("tx")
	require.ErrorContains(t, err, "is closed")
	view.Close()
	_, err = it.Next()
	require.NoError(t, err)
	select {
	case <-closed:
		t.Fatal("the ledger closed under an open iterator")
	case <-time.After(10 * time.Millisecond):
	}
	it.Close()
	require.NoError(t, <-closed)
	require.NoError(t, l.Close())
}

func TestCommitRefuses(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 6)
	chain := chainCodes(t)
	for name, c := range map[string]struct {
		change func(b *Block)
		want   string
	}{
		"no block":      {func(b *Block) { b.Block = nil }, "block without header"},
		"no header":     {func(b *Block) { b.Header = nil }, "block without header"},
		"no data":       {func(b *Block) { b.Data = nil }, "block without header or data where block [7] was expected"},
		"a gap":         {func(b *Block) { b.Header.Number = 8 }, "block [8] is out of order: the next block is [7]"},
		"again":         {func(b *Block) { *b = *orderedBlock(t, chain[6]) }, "block [6] is out of order"},
		"another chain": {func(b *Block) { b.Header.PreviousHash = []byte("x") }, "it belongs to another chain"},
		"no judgement":  {func(b *Block) { b.Txs = nil }, "has 1 envelopes, but 0 of them were judged"},
		"no set":        {func(b *Block) { b.Txs[0].RWSet = nil }, "is valid but came without its read-write set"},
	} {
		t.Run(name, func(t *testing.T) {
			b := orderedBlock(t, chain[7])
			c.change(b)
			require.ErrorContains(t, l.Commit(t.Context(), b), c.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Commit(ctx, orderedBlock(t, chain[7])), context.Canceled)
	require.EqualValues(t, 7, l.Height())
	replay(t, l, 80) // nothing of that did harm
	requireWorldState(t, l)
}

func TestConfigRWSet(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 0)
	v, found, err := l.state.Get(statedb.Key{Key: ConfigKey})
	require.NoError(t, err)
	require.True(t, found)
	require.NotEmpty(t, v.Value)
	b := orderedBlock(t, chainCodes(t)[0])
	require.Nil(t, block.CommitHash(b.Block))
}
