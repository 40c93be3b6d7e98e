//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// TestChaincodeDiesWithItsPeer kills a peer, as nothing could be told to its chaincode.
func TestChaincodeDiesWithItsPeer(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	n.diesWithItsPeer("counter:1.0", "counter", "get", "c")
}

// diesWithItsPeer kills Org1's peer and waits for the end of all processes of a chaincode, which runs again after the peer's restart.
func (n *network) diesWithItsPeer(id string, call ...string) {
	n.t.Helper()
	victim := n.Orgs[0].Peer
	running := filepath.Join(n.Dir, "nodes", victim.Name, "data", "chaincode-runtime", "running")
	require.NotEmpty(n.t, processesOf(n.t, running, id))
	n.KillNode(victim)
	require.Eventually(n.t, func() bool { return len(processesOf(n.t, running, id)) == 0 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(n.t, n.StartNode(n.t.Context(), victim))
	n.connect()
	n.query(0, call[0], call[1:]...)
}

// processesOf finds the processes, dead ones left out, that a peer has started for a chaincode in a folder below running.
func processesOf(t *testing.T, running, id string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f) // that of a dead one is empty
		if err == nil && bytes.Contains(b, []byte("CORE_CHAINCODE_ID_NAME="+id+"\x00")) && bytes.Contains(b, []byte("TMPDIR="+running)) {
			found = append(found, f)
		}
	}
	return found
}
