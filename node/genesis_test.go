package node_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/node"
)

// systemChain asks an orderer for the hash of the system channel's first block.
func systemChain(t *testing.T, n *localnet.Network, channel string) []byte {
	t.Helper()
	roots, err := comm.LoadRoots(n.OrdererCA())
	require.NoError(t, err)
	o, err := client.ConnectOrderer(t.Context(), n.Orderer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	require.NoError(t, err)
	defer o.Close()
	signer, err := msp.LoadSigner(filepath.Join(n.Dir, n.OrdererDir(), "msp"), "OrdererMSP")
	require.NoError(t, err)
	b, err := client.New(signer).Block(t.Context(), o, channel, client.Number(0))
	require.NoError(t, err)
	return b.Header.DataHash
}

// provisional makes an orderer that makes its genesis block itself.
func provisional(t *testing.T, n *localnet.Network) *config.Orderer {
	t.Helper()
	t.Setenv("FABRIC_CFG_PATH", n.Dir) // where configtx.yaml is
	c := ordererOf(t, n)
	c.General.GenesisMethod, c.General.GenesisProfile, c.General.SystemChannel = "provisional", "Genesis", "made-here"
	return c
}

// TestProvisionalGenesis: the first start makes the system channel of a profile, and later ones keep it.
func TestProvisionalGenesis(t *testing.T) {
	n := files(t, localnet.Options{Consensus: "solo"})
	c := provisional(t, n)
	var first []byte
	for range 2 {
		o := startOrderer(t, n, c)
		hash := systemChain(t, n, "made-here")
		if first == nil {
			first = hash
		}
		require.Equal(t, first, hash)
		o.stop()
	}
	c.General.GenesisProfile = "Nope"
	fails(t, func(ctx context.Context, logs *logging.Logs) error { return node.RunOrderer(ctx, c, logs) }, "General.GenesisProfile", "Nope")
}

// TestLedgerInMemory: what an orderer with a ledger of type ram has is gone when it stops, the log of consensus too.
func TestLedgerInMemory(t *testing.T) {
	n := files(t, localnet.Options{})
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	c := provisional(t, n)
	c.General.LedgerType = "ram"
	var hashes [][]byte
	for range 2 {
		o := startOrderer(t, n, c)
		hashes = append(hashes, systemChain(t, n, "made-here"))
		o.stop()
		left, err := filepath.Glob(filepath.Join(temporary, "hyperledger-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
	require.NotEqual(t, hashes[0], hashes[1])
	_, err := os.Stat(c.FileLedger.Location)
	require.ErrorIs(t, err, os.ErrNotExist)
}
