//go:build clients

package clients

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// TestFabricNetwork runs npm's fabric-network 2.2 and the fabric-common below it.
func TestFabricNetwork(t *testing.T) {
	const dir = "node2.2"
	require.DirExists(t, dir+"/node_modules", "run `make clients`")
	n := start(t, localnet.Options{})
	n.material(t)
	n.programs(t, dir, "node", "deploy.js", "offline.js", "errors.js", "gateway.js", "events.js")

	t.Run("checkpoint", func(t *testing.T) {
		n.run(t, dir, "node", "checkpoint.js", "die")
		require.NoError(t, n.StopNode(n.Orgs[0].Peer))
		require.NoError(t, n.StartNode(t.Context(), n.Orgs[0].Peer))
		n.run(t, dir, "node", "checkpoint.js", "resume")
	})
}

// TestFabricClient runs npm's fabric-client 1.4.
func TestFabricClient(t *testing.T) {
	const dir = "node1.4"
	require.DirExists(t, dir+"/node_modules", "run `make clients`")
	n := start(t, localnet.Options{})
	n.material(t)
	n.programs(t, dir, "node", "deploy.js", "transactions.js")
}
