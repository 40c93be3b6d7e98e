//go:build e2e

package e2e

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestRestart stops the whole network in order and starts it again: nothing is lost, and chaincode runs at the first call. What signals told
// the nodes is in their logs.
func TestRestart(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	n.invoke("counter", "add", "c", "41")
	for _, node := range []localnet.Node{n.Orderer, n.Orgs[0].Peer} {
		require.NoError(t, syscall.Kill(n.Pid(node), syscall.SIGUSR1))
		n.waitForLog(node, "Go routines report:\ngoroutine ")
	}
	require.NoError(t, n.Stop())
	n.waitForLog(n.Orgs[0].Peer, "Received signal: 15 (terminated)")
	require.NoError(t, n.Start(t.Context()))
	require.NoError(t, n.CreateChannel(t.Context()), "what exists is left alone")
	n.connect()
	require.Equal(t, "42", n.invoke("counter", "add", "c", "1"))

	// A peer that was away catches up.
	require.NoError(t, n.StopNode(n.Orgs[1].Peer))
	r, err := n.user.Invoke(t.Context(), client.Route{Endorsers: n.peers[:1], Orderer: n.orderer, Wait: n.peers[:1]}, n.request("counter", "add", "c", "1"))
	require.Error(t, err, "one organisation alone does not satisfy the policy")
	require.Equal(t, peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, r.Commits[0].Code)
	require.NoError(t, n.StartNode(t.Context(), n.Orgs[1].Peer))
	n.connect()
	require.Equal(t, "43", n.invoke("counter", "add", "c", "1"))
	require.Equal(t, "43", n.same("counter", "get", "c"))
}
