//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// TestExplain makes a fingerprint mismatch on a network of two peers and asks for the reason.
func TestExplain(t *testing.T) {
	n := start(t, localnet.Options{})
	one, two := n.Orgs[0], n.Orgs[1]
	source := filepath.Join(n.gopath, "src", "example.com", "counter")
	explain := func(org localnet.Org, args ...string) (string, string) {
		out, err := n.PeerWith(t.Context(), n.Admin(org), nil, append([]string{"chaincode", "explain", "-C", n.Channel, "-n", "cc"}, args...)...)
		t.Logf("%s\n%s", out.Stdout, out.Stderr)
		require.Equal(t, err != nil, out.Stderr != "", "the exit code is 0 only when all is well")
		return out.Stdout, out.Stderr
	}
	out, problem := explain(one)
	require.Contains(t, out, "could not find chaincode with name 'cc'")
	require.Contains(t, problem, "is not instantiated on channel")

	n.peer(n.Admin(one), "chaincode", "install", "-n", "cc", "-v", "1.0", "-p", "example.com/counter")
	n.instantiate("cc", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	_, problem = explain(two)
	require.Contains(t, problem, "cc:1.0 on channel "+n.Channel+" is not installed on "+two.Peer.Address())

	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	require.NoError(t, err)
	changed, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], append(changed, "\n// a change\n"...), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(source, "extra.go"), []byte("package main\n"), 0o644))
	n.peer(n.Admin(two), "chaincode", "package", "-n", "cc", "-v", "1.0", "-p", "example.com/counter", "other.pkg")
	n.peer(n.Admin(two), "chaincode", "install", "other.pkg")
	_, err = n.user.Query(t.Context(), n.peers[1], n.request("cc", "get", "x"))
	require.ErrorContains(t, err, "chaincode fingerprint mismatch: data mismatch: code hash: channel ")

	out, problem = explain(one)
	require.Regexp(t, `code hash +ok +[0-9a-f]{64}`, out)
	require.Contains(t, out, "OR('Org1MSP.peer', 'Org2MSP.peer')")
	require.Empty(t, problem)

	out, problem = explain(two, "--against", one.Peer.Address(), "--tlsRootCertFiles", n.PeerCA(one))
	require.Regexp(t, `code hash +differs +channel [0-9a-f]{64}\n +installed [0-9a-f]{64}`, out)
	require.Regexp(t, `metadata hash +ok`, out)
	require.Regexp(t, `changed +src/example.com/counter/`+filepath.Base(files[0]), out)
	require.Regexp(t, `removed +src/example.com/counter/extra.go +13 bytes`, out)
	require.Contains(t, problem, "cannot run on "+two.Peer.Address()+": code hash differs")
	log, err := os.ReadFile(n.LogFile(two.Peer))
	require.NoError(t, err)
	require.Contains(t, string(log), "code hash: channel ", "the peer's log says the same")

	out, problem = explain(one, "--against", "other.pkg")
	require.Regexp(t, `added +src/example.com/counter/extra.go`, out)
	require.Contains(t, problem, "are not the same")
	out, problem = explain(two, "--against", "other.pkg")
	require.Contains(t, out, "the same, byte for byte")
	require.Contains(t, problem, "code hash differs")
	_, problem = explain(one, "-v", "2.0")
	require.Contains(t, problem, "cc:2.0 on channel "+n.Channel+" is not installed")
	_, problem = explain(one, "--against", "nowhere")
	require.Contains(t, problem, "is neither a file")
}
