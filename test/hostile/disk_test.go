//go:build e2e

package hostile

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// damage spoils the file's bytes.
type damage func([]byte) []byte

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 0x10
	return b
}

func cut(b []byte) []byte { return b[:len(b)/2] }

func empty([]byte) []byte { return nil }

// TestDisk damages files of a stopped node. Started again, or trying to, the node says what is damaged; whatever it serves is right; and with
// the file as it was, everything is as before.
func TestDisk(t *testing.T) {
	n := start(t)
	for range 5 {
		n.commits(t)
	}
	n.invoke(t, "put", "truth", "it")
	peer, orderer := n.Orgs[0].Peer, n.Orderer
	const (
		peerBlocks    = "ledgersData/mychannel/blocks/blocks_000001"
		ordererBlocks = "chains/mychannel/blocks_000001"
		consensusLog  = "etcdraft/wal/mychannel/log_000001"
	)
	const (
		damagedBlock = `block file \S+blocks_000001: .* at offset \d+ \(block \d+\)`
		behind       = `the consensus storage is older than the block file`
	)
	for _, c := range []struct {
		name   string
		node   localnet.Node
		file   string // below the node's data; the last that matches
		damage damage
		says   string // in the log
	}{
		{"peer, block file, a bit", peer, peerBlocks, flip, damagedBlock},
		{"peer, block file, cut", peer, peerBlocks, cut, damagedBlock},
		{"peer, block file, empty", peer, peerBlocks, empty, damagedBlock},
		{"peer, state, a bit", peer, "ledgersData/mychannel/state/*.sst", flip, `the state store is damaged: .*\.sst.* checksum mismatch`},
		{"peer, state, cut", peer, "ledgersData/mychannel/state/*.sst", cut, `opening the state store .*\.sst`},
		{"peer, state manifest, a bit", peer, "ledgersData/mychannel/state/MANIFEST-*", flip, `opening the state store \S+state: `},
		{"peer, state manifest, cut", peer, "ledgersData/mychannel/state/MANIFEST-*", cut, `opening the state store \S+state: `},
		{"peer, package, a bit", peer, "chaincodes/kv.1.0", flip, `chaincode fingerprint mismatch: data mismatch`},
		{"peer, package, cut", peer, "chaincodes/kv.1.0", cut, `cannot retrieve package for chaincode kv/1\.0, error \S+kv\.1\.0: could not unmarshal`},
		{"orderer, block file, a bit", orderer, ordererBlocks, flip, damagedBlock},
		// What is missing is in the consensus log, from which the orderer writes it again.
		{"orderer, block file, cut", orderer, ordererBlocks, cut, `cut an unfinished record off the block file .*blocks_000001 offset=\d+`},
		{"orderer, consensus log, a bit", orderer, consensusLog, flip, `consensus log \S+mychannel/log_000001: a frame at offset \d+ is damaged`},
		{"orderer, consensus log, cut", orderer, consensusLog, cut, behind},
		{"orderer, consensus log, empty", orderer, consensusLog, empty, `consensus log \S+mychannel/log_000001: the header is cut short`},
	} {
		t.Run(c.name, func(t *testing.T) { n.withDamage(t, c.node, c.file, c.damage, c.says) })
	}
	t.Run("peer, block file, a bit while it runs", n.withDamageUnderneath)
	n.noPanics(t)
}

// withDamageUnderneath changes a bit of the block file of a running peer: what it has checked once, it checks again.
func (n *network) withDamageUnderneath(t *testing.T) {
	node := n.Orgs[0].Peer
	want := n.chain(t, node)
	path := filepath.Join(n.data(node), "ledgersData", n.Channel, "blocks", "blocks_000001")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	write := func(mask byte) {
		var b [1]byte
		_, err := f.ReadAt(b[:], info.Size()/2)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte{b[0] ^ mask}, info.Size()/2)
		require.NoError(t, err)
	}
	write(0x10)
	blocks, err := n.blocks(t, node)
	require.ErrorContains(t, err, "SERVICE_UNAVAILABLE")
	require.Less(t, len(blocks), len(want))
	require.Equal(t, want[:len(blocks)], append([]string{}, blocks...))
	write(0x10)
	require.Equal(t, want, n.chain(t, node))
	log, err := os.ReadFile(n.LogFile(node))
	require.NoError(t, err)
	require.Regexp(t, `reading a block to deliver.*blocks_000001: checksum mismatch at offset \d+`, string(log))
}

func (n *network) withDamage(t *testing.T, node localnet.Node, file string, d damage, says string) {
	want := n.chain(t, n.Orgs[1].Peer)
	require.NoError(t, n.StopNode(node))
	data := n.data(node)
	saved := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(saved, os.DirFS(data)))
	files, err := filepath.Glob(filepath.Join(data, file))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no file %s", file)
	path := files[len(files)-1]
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, d(raw), 0o644))
	defer n.restore(t, node, saved, want)
	before, err := os.ReadFile(n.LogFile(node))
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	started := n.StartNode(ctx, node)
	if started == nil {
		n.servesOnlyTheTruth(t, node, want)
		_ = n.StopNode(node) // it may end with an error
	}
	log, err := os.ReadFile(n.LogFile(node))
	require.NoError(t, err)
	log = log[len(before):]
	require.Regexp(t, says, string(log), "%v", started)
}

// restore runs a node on the data that it had before it was damaged.
func (n *network) restore(t *testing.T, node localnet.Node, saved string, want []string) {
	_ = n.StopNode(node)
	data := n.data(node)
	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.CopyFS(data, os.DirFS(saved)))
	require.NoError(t, n.StartNode(t.Context(), node))
	n.commits(t)
	require.Equal(t, want, n.chain(t, node)[:len(want)])
}

func (n *network) data(node localnet.Node) string {
	return filepath.Join(n.Dir, "nodes", node.Name, "data")
}

// chain is what a node serves of the channel: each block's header and transactions.
func (n *network) chain(t *testing.T, node localnet.Node) []string {
	t.Helper()
	blocks, err := n.blocks(t, node)
	require.NoError(t, err)
	return blocks
}

func (n *network) blocks(t *testing.T, node localnet.Node) (all []string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var from client.Deliverer
	if node == n.Orderer {
		o, err := client.ConnectOrderer(ctx, node.Address(), kit.TLS(t, n.OrdererCA()))
		require.NoError(t, err)
		defer o.Close()
		from = o
	} else {
		p, err := client.ConnectPeer(ctx, node.Address(), kit.TLS(t, n.PeerCA(n.orgOf(node))))
		require.NoError(t, err)
		defer p.Close()
		from = p
	}
	err = n.user.Blocks(ctx, from, n.Channel, client.Oldest(), client.Newest(), func(b *commonpb.Block) error {
		raw, err := proto.Marshal(&commonpb.Block{Header: b.Header, Data: b.Data})
		all = append(all, string(raw))
		return err
	})
	return all, err
}

func (n *network) orgOf(node localnet.Node) localnet.Org {
	for _, o := range n.Orgs {
		if o.Peer == node {
			return o
		}
	}
	return localnet.Org{}
}

// servesOnlyTheTruth asks a damaged node for the chain and for a key. It may refuse either.
func (n *network) servesOnlyTheTruth(t *testing.T, node localnet.Node, want []string) {
	blocks, err := n.blocks(t, node)
	t.Logf("%d of %d blocks; %v", len(blocks), len(want), err)
	require.LessOrEqual(t, len(blocks), len(want))
	require.Equal(t, want[:len(blocks)], append([]string{}, blocks...))
	if node == n.Orderer {
		return
	}
	p, err := client.ConnectPeer(t.Context(), node.Address(), kit.TLS(t, n.PeerCA(n.orgOf(node))))
	require.NoError(t, err)
	defer p.Close()
	r, err := n.user.Query(t.Context(), p, client.Request{ChannelID: n.Channel, Chaincode: "kv", Args: client.Args("get", "truth")})
	if err == nil {
		require.Equal(t, "it", string(r.Payload))
	}
}
