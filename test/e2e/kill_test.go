//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestKilledNodesLoseNothing kills one node after the other, as a power cut would, while clients submit transactions, and expects every
// transaction that was reported committed to be there on both peers, with one and the same chain of commit hashes.
func TestKilledNodesLoseNothing(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	n.invoke("counter", "add", "warm", "1") // both peers have built it

	var mu sync.Mutex
	committed := map[string]string{} // key → transaction
	load, stop := context.WithCancel(t.Context())
	var g errgroup.Group
	for w := range 4 {
		g.Go(func() error {
			for i := 0; load.Err() == nil; i++ {
				key := fmt.Sprintf("k%d-%d", w, i)
				if txID := n.submitOnce(load, key); txID != "" {
					mu.Lock()
					committed[key] = txID
					mu.Unlock()
				}
			}
			return nil
		})
	}
	victims := []localnet.Node{n.Orgs[1].Peer, n.Orderer, n.Orgs[0].Peer, n.Orderer, n.Orgs[1].Peer, n.Orgs[0].Peer}
	for _, victim := range victims {
		time.Sleep(time.Duration(500+rand.IntN(700)) * time.Millisecond)
		n.KillNode(victim)
		require.NoError(t, n.StartNode(t.Context(), victim))
	}
	time.Sleep(time.Second)
	stop()
	require.NoError(t, g.Wait())
	require.NotEmpty(t, committed)
	t.Logf("%d transactions committed while nodes were killed", len(committed))

	n.connect()
	n.invoke("counter", "add", "after", "1") // waits for both peers, so both have caught up
	for key, txID := range committed {
		require.Equal(t, "1", n.same("counter", "get", key), "key %s, transaction %s", key, txID)
		for _, p := range n.peers {
			tx, err := n.user.Transaction(t.Context(), p, n.Channel, txID)
			require.NoError(t, err)
			require.Equal(t, int32(peerpb.TxValidationCode_VALID), tx.ValidationCode)
		}
	}
	var last [2][]byte
	for i, p := range n.peers {
		b, err := n.user.Block(t.Context(), p, n.Channel, client.Newest())
		require.NoError(t, err)
		last[i] = block.CommitHash(b)
	}
	require.NotEmpty(t, last[0])
	require.Equal(t, last[0], last[1])
}

// submitOnce tries one transaction on connections of its own and returns its id if every peer reported it VALID.
func (n *network) submitOnce(ctx context.Context, key string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var peers []*client.Peer
	for _, org := range n.Orgs {
		p, err := client.ConnectPeer(ctx, org.Peer.Address(), n.tls(n.PeerCA(org)))
		if err != nil {
			return ""
		}
		defer p.Close()
		peers = append(peers, p)
	}
	o, err := client.ConnectOrderer(ctx, n.Orderer.Address(), n.tls(n.OrdererCA()))
	if err != nil {
		return ""
	}
	defer o.Close()
	r, err := n.user.Invoke(ctx, client.Route{Endorsers: peers, Orderer: o, Wait: peers}, n.request("counter", "add", key, "1"))
	if err != nil {
		return ""
	}
	return r.TxID
}

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
