//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
)

// nodeCommand runs "peer node …" as the operator of a peer does, in the peer's own folder, and returns its exit code and standard error.
func (n *network) nodeCommand(of localnet.Org, args ...string) (int, string) {
	n.t.Helper()
	cmd := exec.CommandContext(n.t.Context(), kit.Binary(n.t), append([]string{"peer", "node"}, args...)...)
	cmd.Dir = filepath.Join(n.Dir, "nodes", of.Peer.Name)
	cmd.Env = append(os.Environ(), "FABRIC_CFG_PATH="+cmd.Dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	require.NotNil(n.t, cmd.ProcessState)
	return cmd.ProcessState.ExitCode(), stderr.String()
}

// TestRollback takes a peer's channel back and expects it to come to the same blocks again, and to endorse nothing before.
func TestRollback(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	for i := range 5 {
		n.invoke("counter", "add", numbered("k", i), "1")
	}
	org := n.Orgs[1]
	before := n.chain(n.peers[1])

	code, stderr := n.nodeCommand(org, "reset")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "Error: as another peer node command is executing, wait for that command to complete its execution or terminate it before retrying")
	require.NoError(t, n.StopNode(org.Peer))
	code, stderr = n.nodeCommand(org, "rollback", "-c", "nochannel", "-b", "1")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "Error: ledgerID [nochannel] does not exist")
	code, stderr = n.nodeCommand(org, "rollback", "-c", n.Channel, "-b", "1000")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "Error: target block number [1000] should be less than the biggest block number [")

	for _, command := range [][]string{{"rollback", "-c", n.Channel, "-b", "3"}, {"reset"}} {
		if command[0] == "reset" {
			require.NoError(t, n.StopNode(org.Peer))
		}
		require.NoError(t, n.StopNode(n.Orderer), "nobody gives the blocks back")
		code, stderr = n.nodeCommand(org, command...)
		require.Zero(t, code, stderr)
		require.NoError(t, n.StartNode(t.Context(), org.Peer))
		p, err := client.ConnectPeer(t.Context(), org.Peer.Address(), n.tls(n.PeerCA(org)))
		require.NoError(t, err)
		_, err = n.user.Query(t.Context(), p, n.request("counter", "get", "k0001"))
		require.ErrorContains(t, err, "endorse requests are blocked while ledgers are being rebuilt")
		require.NoError(t, n.StartNode(t.Context(), n.Orderer))
		require.Eventually(t, func() bool {
			_, err := n.user.Query(t.Context(), p, n.request("counter", "get", "k0001"))
			return err == nil
		}, 30*time.Second, 100*time.Millisecond)
		require.NoError(t, p.Close())
		n.connect()
		require.Equal(t, before, n.chain(n.peers[1]))
		require.Equal(t, "1", n.same("counter", "get", numbered("k", 4)))
	}
	require.Equal(t, "2", n.invoke("counter", "add", "k0001", "1"))
}

// chain is every block of a peer, encoded, validation codes and commit hashes included.
func (n *network) chain(p *client.Peer) (blocks [][]byte) {
	n.t.Helper()
	newest, err := n.admin.Block(n.t.Context(), p, n.Channel, client.Newest())
	require.NoError(n.t, err)
	for i := range newest.Header.Number + 1 {
		b, err := n.admin.Block(n.t.Context(), p, n.Channel, client.Number(i))
		require.NoError(n.t, err)
		blocks = append(blocks, wire.MustMarshal(b))
	}
	return blocks
}

// TestLogLevels changes what a running peer logs.
func TestLogLevels(t *testing.T) {
	n := startBare(t, localnet.Options{})
	admin := n.Admin(n.Orgs[0])
	logging := func(args ...string) string { return n.peer(admin, append([]string{"logging"}, args...)...).Stderr }
	require.Contains(t, logging("getlogspec"), "Current logging spec: info")
	require.Contains(t, logging("setlevel", "endorser", "debug"), "Log level set for logger name/prefix 'endorser': DEBUG")
	require.Contains(t, logging("getlevel", "endorser"), "Current log level for logger 'endorser': DEBUG")
	require.Contains(t, logging("setlogspec", "msp=warn:error"), "Current logging spec set to: msp=warn:error")
	require.Contains(t, logging("getlevel", "endorser"), "Current log level for logger 'endorser': ERROR")
	require.Contains(t, logging("revertlevels"), "Logging spec reverted to the peer's spec at startup.")
	require.Contains(t, logging("getlogspec"), "Current logging spec: info")
	require.Contains(t, n.peerFails(admin, "logging", "setlogspec", "=x"), "Error: invalid logging specification '=x'")
	require.Contains(t, n.peerFails(n.User(n.Orgs[0]), "logging", "getlogspec"), "access denied")
}
