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
)

// commitSet commits a block of one valid transaction.
func commitSet(t testing.TB, l *Ledger, set *rwset.Set) {
	id := fmt.Sprint("tx", l.Height())
	b := &Block{Block: block.New(l.Height(), l.Info().CurrentBlockHash, [][]byte{endorsed(id, set, 10)})}
	b.Txs = []Tx{{ID: id, Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: set}}
	require.NoError(t, l.Commit(t.Context(), b))
	require.Zero(t, b.Txs[0].Code)
}

// A hash written at block n to a collection with block-to-live 2 goes with block n+3, unless it has been written again; also when the ledger
// was opened again in between, from its block file alone.
func TestBlockToLive(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir, Options{})
	config := wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{
		{Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{Name: "forever"}}},
		{Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{Name: "short", BlockToLive: 2}}},
	}})
	var b rwset.Builder
	b.Write("lscc", "cc~collection", config)
	commitSet(t, l, b.Set())
	put := func(collection string, keys ...string) *rwset.Set {
		h := &kvrwsetpb.HashedRWSet{}
		for _, k := range keys {
			h.HashedWrites = append(h.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: []byte(k), ValueHash: []byte("hash")})
		}
		return &rwset.Set{Namespaces: []rwset.Namespace{{Name: "cc", KV: &kvrwsetpb.KVRWSet{},
			Collections: []rwset.Collection{{Name: collection, Hashed: h}}}}}
	}
	there := func() (keys []string) {
		require.NoError(t, l.state.Each(func(k statedb.Key, v statedb.Value) error {
			if k.Collection != "" {
				keys = append(keys, k.Collection+"/"+k.Key)
			}
			return nil
		}))
		return keys
	}
	commitSet(t, l, put("short", "a", "b", "c")) // block 1: they go with block 4
	commitSet(t, l, put("forever", "a"))
	commitSet(t, l, put("short", "b")) // block 3: b goes with block 6
	require.Equal(t, []string{"short/a", "short/b", "short/c", "forever/a"}, there())
	commitSet(t, l, put("short", "c")) // block 4, in which c would go: it goes with block 7
	require.Equal(t, []string{"short/b", "short/c", "forever/a"}, there())
	require.NoError(t, l.Close())
	l = openLedger(t, dir, Options{})
	commitSet(t, l, put("other", "x")) // not configured: for ever
	require.Equal(t, []string{"other/x", "short/b", "short/c", "forever/a"}, there())
	commitSet(t, l, put("forever", "b"))
	require.Equal(t, []string{"other/x", "short/c", "forever/a", "forever/b"}, there())
	commitSet(t, l, put("forever", "c"))
	want := []string{"other/x", "forever/a", "forever/b", "forever/c"}
	require.Equal(t, want, there())
	requireSound(t, l)
}
