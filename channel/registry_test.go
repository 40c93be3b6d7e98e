package channel

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestJoinRefuses(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Dir: dir})
	tampered := ordered(t, 0)
	tampered.Data.Data[0] = append(tampered.Data.Data[0], 0)
	for reason, b := range map[string]*commonpb.Block{
		"no header":                           nil,
		"has no data":                         {Header: &commonpb.BlockHeader{}},
		"hashes to":                           tampered,
		"does not have application config":    vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "config", "genesis.block"),
		"number should have been 0 but was 1": ordered(t, 1),
		"must only contain one transaction":   block.New(0, nil, [][]byte{{}, {}}),
		"has no transactions":                 block.New(0, nil, nil),
		"envelope header cannot be nil":       block.New(0, nil, [][]byte{{}}),
	} {
		require.ErrorContains(t, r.Join(t.Context(), b), reason)
	}
	require.Empty(t, r.IDs())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "a refused channel leaves nothing behind")

	require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
	require.EqualError(t, r.Join(t.Context(), ordered(t, 0)), "cannot create ledger from genesis block: LedgerID already exists")
	require.Equal(t, []string{"mychannel"}, r.IDs())
	_, ok := r.Get("other")
	require.False(t, ok)
	_, ok = r.Bundle("other")
	require.False(t, ok)
	_, ok = r.Ledger("other")
	require.False(t, ok)
	bundle, ok := r.Bundle("mychannel")
	require.True(t, ok)
	require.Equal(t, "mychannel", bundle.ChannelID())
	l, ok := r.Ledger("mychannel")
	require.True(t, ok)
	require.EqualValues(t, 1, l.Height())
}

// TestReopen stops the peer in the middle of the sample chain, a few blocks after a configuration block, and lets it go on.
func TestReopen(t *testing.T) {
	facts := vectors.Facts(t, "fabric-1.4")
	dir := t.TempDir()
	r, err := Open(t.Context(), Options{Dir: dir, Log: quiet()})
	require.NoError(t, err)
	require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
	c, _ := r.Get("mychannel")
	for n := range uint64(50) {
		require.NoError(t, c.Submit(t.Context(), ordered(t, n+1)))
	}
	require.NoError(t, c.Wait(t.Context(), 20)) // the rest may or may not make it
	require.NoError(t, r.Close())
	require.NoError(t, r.Close(), "again")
	require.ErrorContains(t, c.Submit(t.Context(), ordered(t, 51)), "takes no more blocks")
	require.Error(t, r.Join(t.Context(), ordered(t, 0)))

	var inForce []uint64
	r = open(t, Options{Dir: dir, OnConfig: func(b *channelconfig.Bundle) { inForce = append(inForce, b.Sequence()) }})
	require.Equal(t, []string{"mychannel"}, r.IDs())
	require.Equal(t, []uint64{4}, inForce)
	require.EqualError(t, r.Join(t.Context(), ordered(t, 0)), "cannot create ledger from genesis block: LedgerID already exists")
	c, _ = r.Get("mychannel")
	for n := c.Height(); n < uint64(len(facts)); n++ {
		require.NoError(t, c.Submit(t.Context(), ordered(t, n)))
	}
	require.NoError(t, c.Wait(t.Context(), 80))
	last, err := c.Block(80)
	require.NoError(t, err)
	require.Equal(t, facts[80].CommitHash, hex.EncodeToString(block.CommitHash(last)))
	require.Equal(t, []uint64{4, 5}, inForce)
}

// TestJoinCutShort: the peer died between creating the ledger and storing the first block.
func TestJoinCutShort(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(filepath.Join(dir, "mychannel"), "mychannel", ledger.Options{Log: quiet()})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	r := open(t, Options{Dir: dir})
	require.Empty(t, r.IDs())
	require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
}

// TestDamagedChannelIsLeftOut: a ledger that cannot be opened keeps neither the peer from starting nor others from being served; and nobody
// may overwrite it.
func TestDamagedChannelIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "mychannel"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mychannel", "blocks"), []byte("not a folder"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a file"), nil, 0o600))
	r := open(t, Options{Dir: dir})
	require.Empty(t, r.IDs())
	require.ErrorContains(t, r.Join(t.Context(), ordered(t, 0)), "LedgerID already exists")
}

// TestSync pulls the sample chain from an orderer, over a connection.
func TestSync(t *testing.T) {
	facts := vectors.Facts(t, "fabric-1.4")
	d := &deliverer{}
	for _, f := range facts {
		d.blocks = append(d.blocks, ordered(t, f.Block))
	}
	address := d.serve(t)
	peer := signer(t, "Org1MSP", "peerOrganizations/org1.example.com/peers/peer0.org1.example.com")
	c := join(t, Options{Dir: t.TempDir(), Sync: &Sync{
		Dial:      func(*channelconfig.Bundle, string) (comm.ClientOptions, error) { return comm.ClientOptions{}, nil },
		Endpoints: func(*channelconfig.Bundle) []string { return []string{"127.0.0.1:1", address} },
		Signer:    func() tx.Signer { return peer },
		Now:       time.Now,
	}}, proto.CloneOf(d.blocks[0]))
	require.NoError(t, c.Wait(t.Context(), 80))
	last, err := c.Block(80)
	require.NoError(t, err)
	require.Equal(t, facts[80].CommitHash, hex.EncodeToString(block.CommitHash(last)))
}

// TestRollback takes a channel back while the peer is stopped, and lets it catch up.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Reset(quiet(), filepath.Join(dir, "none")), "a peer without channels")
	fill := func(r *Registry, from, to uint64) {
		c, ok := r.Get("mychannel")
		require.True(t, ok)
		for n := from; n <= to; n++ {
			require.NoError(t, c.Submit(t.Context(), ordered(t, n)))
		}
		require.NoError(t, c.Wait(t.Context(), to))
	}
	r := open(t, Options{Dir: dir})
	require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
	fill(r, 1, 30)
	require.Empty(t, r.FormerHeights())
	require.NoError(t, r.Rebuilt(t.Context()), "at once")
	require.NoError(t, r.Close())

	require.EqualError(t, Rollback(quiet(), dir, "other", 1), "ledgerID [other] does not exist")
	require.EqualError(t, Rollback(quiet(), dir, "../"+filepath.Base(dir)+"/mychannel", 1), "ledgerID [../"+filepath.Base(dir)+"/mychannel] does not exist")
	require.NoError(t, Rollback(quiet(), dir, "mychannel", 20))
	require.NoError(t, Reset(quiet(), dir))
	r = open(t, Options{Dir: dir})
	require.Equal(t, map[string]uint64{"mychannel": 31}, r.FormerHeights())
	rebuilt := make(chan error, 1)
	go func() { rebuilt <- r.Rebuilt(t.Context()) }()
	fill(r, 1, 29)
	require.Empty(t, rebuilt)
	fill(r, 30, 30)
	require.NoError(t, <-rebuilt)
	require.Empty(t, r.FormerHeights())
}
