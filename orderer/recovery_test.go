package orderer_test

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/blocksync"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// order sends n messages one by one, so that each gets a block, and returns the header hashes of all blocks.
func (n *node) order(channel string, count int) (hashes []string) {
	n.t.Helper()
	client := user(n.t, "Org1MSP", "User1")
	for range count {
		c, ok := n.registry.Channel(channel)
		require.True(n.t, ok)
		height := c.Height()
		n.accepted(transaction(n.t, client, channel, strings.Repeat("x", 1000)))
		n.waitHeight(channel, height+1)
	}
	return n.hashes(channel)
}

func (n *node) hashes(channel string) (hashes []string) {
	n.t.Helper()
	c, ok := n.registry.Channel(channel)
	require.True(n.t, ok)
	for i := range c.Height() {
		b, err := c.Block(i)
		require.NoError(n.t, err)
		hashes = append(hashes, string(block.HeaderHash(b.Header)))
	}
	return hashes
}

// lastSegment is the file that holds the newest blocks of a channel.
func (s *setup) lastSegment(t *testing.T, channel string) string {
	files, err := filepath.Glob(filepath.Join(s.dir, "chains", channel, "blocks_??????"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	sort.Strings(files)
	return files[len(files)-1]
}

// TestBlockFileIsRebuilt: a machine that loses power may lose what was not synced of the block file; the log still has it.
func TestBlockFileIsRebuilt(t *testing.T) {
	for _, lost := range []int64{1, 900, 2500, 9000} {
		s := newSetup(t, "etcdraft")
		n := s.start(t)
		n.createChannel("mychannel")
		want := n.order("mychannel", 10)
		n.stop()
		file := s.lastSegment(t, "mychannel")
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(file, info.Size()-lost))

		n = s.start(t)
		n.waitHeight("mychannel", uint64(len(want)))
		require.Equal(t, want, n.hashes("mychannel"), "%d bytes lost", lost)
		require.Equal(t, want, n.order("mychannel", 2)[:len(want)])
		c, _ := n.registry.Channel("mychannel")
		checkChain(t, c)
		n.stop()
	}
}

// TestLogLost: without its consensus storage a node goes on after its block file.
func TestLogLost(t *testing.T) {
	s := newSetup(t, "etcdraft")
	n := s.start(t)
	n.createChannel("mychannel")
	want := n.order("mychannel", 5)
	n.stop()
	require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "raft")))
	n = s.start(t)
	got := n.order("mychannel", 5)
	require.Equal(t, want, got[:len(want)])
	n.stop()
	n = s.start(t)
	require.Equal(t, got, n.hashes("mychannel"))
}

// TestStorageAndBlockFileDoNotMeet: what cannot be mended is said, and nothing is served.
func TestStorageAndBlockFileDoNotMeet(t *testing.T) {
	t.Run("the storage is older", func(t *testing.T) {
		s := newSetup(t, "etcdraft")
		n := s.start(t)
		n.createChannel("mychannel")
		n.order("mychannel", 2)
		n.stop()
		old := filepath.Join(t.TempDir(), "raft")
		require.NoError(t, os.CopyFS(old, os.DirFS(filepath.Join(s.dir, "raft"))))
		n = s.start(t)
		n.order("mychannel", 5)
		n.stop()
		require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "raft")))
		require.NoError(t, os.CopyFS(filepath.Join(s.dir, "raft"), os.DirFS(old)))
		_, store, err := s.open(context.WithoutCancel(t.Context()), ordererSigner(t))
		require.ErrorContains(t, err, "the consensus storage is older than the block file; remove "+filepath.Join(s.dir, "raft", "mychannel")+" to continue")
		require.NoError(t, store.Close())
	})
	t.Run("the block file is older than the snapshot", func(t *testing.T) {
		s := newSetup(t, "etcdraft", smallSnapshots)
		n := s.start(t)
		n.createChannel("mychannel")
		n.order("mychannel", 2)
		n.stop()
		chain := filepath.Join(s.dir, "chains", "mychannel")
		old := filepath.Join(t.TempDir(), "mychannel")
		require.NoError(t, os.CopyFS(old, os.DirFS(chain)))
		n = s.start(t)
		n.order("mychannel", 60)
		n.stop()
		require.NoError(t, os.RemoveAll(chain))
		require.NoError(t, os.CopyFS(chain, os.DirFS(old)))
		_, store, err := s.open(context.WithoutCancel(t.Context()), ordererSigner(t))
		require.ErrorContains(t, err, "blocks between them are lost")
		require.NoError(t, store.Close())
	})
}

// TestManySnapshots: with a log that is dropped every few blocks, restarts find everything.
func TestManySnapshots(t *testing.T) {
	s := newSetup(t, "etcdraft", smallSnapshots)
	n := s.start(t)
	n.createChannel("mychannel")
	var want []string
	for range 4 {
		want = n.order("mychannel", 25)
		n.stop()
		n = s.start(t)
		require.Equal(t, want, n.hashes("mychannel"))
	}
	c, _ := n.registry.Channel("mychannel")
	require.Equal(t, 101, checkChain(t, c))
}

// TestOpenErrors: what a node says that cannot start.
func TestOpenErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*setup)
		want   string
	}{
		"no genesis":   {func(s *setup) { s.genesis = nil }, "no genesis block to start one with"},
		"spoiled data": {func(s *setup) { s.genesis.Data.Data[0][7] ^= 1 }, "genesis block: "},
		"empty block":  {func(s *setup) { s.genesis = &commonpb.Block{} }, "genesis block: block has no header"},
		"no consortiums": {func(s *setup) {
			s.genesis = genesis(t, s.kind, s.certPEM, func(g *commonpb.ConfigGroup) { delete(g.Groups, "Consortiums") })
		}, "has no Consortiums group"},
		"no TLS":  {func(s *setup) { s.certPEM = nil }, "TLS is required for running ordering nodes of type etcdraft."},
		"bad TLS": {func(s *setup) { s.certPEM = []byte("garbage") }, "this node's TLS certificate: invalid PEM block"},
		"unknown type": {func(s *setup) {
			s.genesis = genesis(t, "solo", nil, func(g *commonpb.ConfigGroup) {
				g.Groups["Orderer"].Values["ConsensusType"].Value = []byte("\x0a\x05bogus")
			})
		}, `unknown consensus type "bogus"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, "etcdraft")
			c.change(s)
			_, store, err := s.open(context.WithoutCancel(t.Context()), ordererSigner(t))
			require.ErrorContains(t, err, c.want)
			require.NoError(t, store.Close())
		})
	}
}

// TestNotServed: a channel whose consenters do not include this node can be read, not written.
func TestNotServed(t *testing.T) {
	s := newSetup(t, "etcdraft")
	_, s.certPEM = s.ca.issue(t)
	n := s.start(t)
	r := n.broadcast(creation(t, "mychannel", user(t, "Org1MSP", "Admin"), user(t, "Org2MSP", "Admin")))
	require.Equal(t, commonpb.Status_SERVICE_UNAVAILABLE, r.Status)
	require.Equal(t, "channel "+n.registry.SystemChannelID()+" is not serviced by me", r.Info)
}

// TestPeerPulls: blocksync against a real orderer with mutual TLS, over a restart.
func TestPeerPulls(t *testing.T) {
	s := newSetup(t, "etcdraft")
	s.mutual = true
	n := s.start(t)
	c := n.createChannel("mychannel")
	n.order("mychannel", 5)
	roots, err := comm.NewRoots(s.ca.pem)
	require.NoError(t, err)
	got := make(chan *commonpb.Block, 100)
	peer := signer(t, "Org1MSP", "crypto", "peerOrganizations", "org1.example.com", "peers", "peer0.org1.example.com")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- blocksync.Run(ctx, blocksync.Config{
			ChannelID: "mychannel",
			Endpoints: func() []string { return []string{n.address} },
			Dial: func(string) (comm.ClientOptions, error) {
				return comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots, Certificate: &s.cert}}, nil
			},
			Height: func() uint64 { return 0 },
			Verify: func(b *commonpb.Block) error { return nil },
			Handle: func(_ context.Context, b *commonpb.Block) error { got <- b; return nil },
			Signer: func() tx.Signer { return peer },
			Now:    time.Now,
			Log:    s.log,
		})
	}()
	for i := range uint64(6) {
		b := <-got
		require.Equal(t, i, b.Header.Number)
		want, err := c.Block(i)
		require.NoError(t, err)
		require.Equal(t, want.String(), b.String())
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// TestConsenterUpdates: a consenter's certificate can be renewed; consenters that this node could not work with are refused.
func TestConsenterUpdates(t *testing.T) {
	s := newSetup(t, "etcdraft")
	n := s.start(t)
	n.createChannel("mychannel")
	consenters := func(certs ...[]byte) func(*commonpb.ConfigGroup) {
		return func(root *commonpb.ConfigGroup) {
			root.Groups["Orderer"].Values["ConsensusType"].Value = wire.MustMarshal(&ordererpb.ConsensusType{
				Type: "etcdraft", Metadata: wire.MustMarshal(raftMetadata(certs...)),
			})
		}
	}
	renewed, renewedPEM := s.ca.issue(t)
	for want, certs := range map[string][][]byte{
		"the update asks for 2 consenters; this orderer can only order alone": {s.certPEM, renewedPEM},
		"empty consenter set":                                nil,
		"server TLS certificate is not PEM encoded: garbage": {[]byte("garbage")},
	} {
		r := n.broadcast(n.reconfigure("mychannel", consenters(certs...), ordererAdmin(t)))
		require.Equal(t, commonpb.Status_SERVICE_UNAVAILABLE, r.Status)
		require.Equal(t, want, r.Info)
	}
	for _, channel := range []string{"mychannel", n.registry.SystemChannelID()} {
		c, _ := n.registry.Channel(channel)
		height := c.Height()
		n.accepted(n.reconfigure(channel, consenters(renewedPEM), ordererAdmin(t)))
		n.waitHeight(channel, height+1)
	}
	want := n.order("mychannel", 2)
	n.stop()
	s.cert, s.certPEM = renewed, renewedPEM
	n = s.start(t)
	require.Equal(t, want, n.hashes("mychannel"))
	n.order("mychannel", 1)
}
