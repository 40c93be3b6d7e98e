// Package kit is what the end-to-end tests share: a network of real processes that lives as long as its test, keys from the network's
// crypto folder, and requests that are odd in one thing each.
//
// The executable under test is bin/heddle; `make e2e` builds it first.
package kit

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
)

// Binary is the executable under test. Tests run in their package's folder, test/<name>.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/heddle")
	require.NoError(t, err)
	require.FileExists(t, path, "run `make build` first, or `make e2e`")
	return path
}

// Run makes a network in a directory of its own, starts it and creates its channel. Before it starts, the given functions may change its
// files. It ends with the test; if that failed, the ends of the nodes' logs are shown.
func Run(t testing.TB, o localnet.Options, change ...func(*localnet.Network)) *localnet.Network {
	t.Helper()
	o.Dir, o.FreePorts = t.TempDir(), true
	if o.Executable == "" {
		o.Executable = Binary(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := localnet.Open(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			showLogs(t, n)
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range change {
		c(n)
	}
	require.NoError(t, n.Start(ctx))
	require.NoError(t, n.CreateChannel(ctx))
	return n
}

// Nodes are the orderer and the peers.
func Nodes(n *localnet.Network) []localnet.Node {
	nodes := []localnet.Node{n.Orderer}
	for _, o := range n.Orgs {
		nodes = append(nodes, o.Peer)
	}
	return nodes
}

func showLogs(t testing.TB, n *localnet.Network) {
	for _, node := range Nodes(n) {
		b, _ := os.ReadFile(n.LogFile(node))
		t.Logf("--- %s\n%s", node.Name, b[max(0, len(b)-6000):])
	}
}

// Signer signs as the owner of the folder dir below the network's directory, such as localnet.Identity.UserDir.
func Signer(t testing.TB, n *localnet.Network, dir, mspID string) *msp.Signer {
	t.Helper()
	s, err := msp.LoadSigner(filepath.Join(n.Dir, dir, "msp"), mspID)
	require.NoError(t, err)
	return s
}

// TLS trusts the certificates in the file ca.
func TLS(t testing.TB, ca string) comm.ClientOptions {
	t.Helper()
	roots, err := comm.LoadRoots(ca)
	require.NoError(t, err)
	return comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}}
}
