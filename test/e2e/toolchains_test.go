//go:build e2e && toolchains

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestNode runs chaincode on npm's fabric-shim, and on fabric-contract-api above it.
func TestNode(t *testing.T) {
	n := start(t, localnet.Options{})
	n.node()
	n.diesWithItsPeer("kvnode:2.0", "kvnode", "version")

	// A start script that only npm and a shell understand.
	n.foreign("scripted", "1.0", "node", "node/kv", "package.json", `"node index.js"`, `"echo starting && node index.js"`)
	_, err := n.admin.Instantiate(t.Context(), n.route(n.peers[0]), n.deployment("scripted", "1.0", peerpb.ChaincodeSpec_NODE))
	require.NoError(t, err)
	n.diesWithItsPeer("scripted:1.0", "scripted", "version")
}

// TestJava runs chaincode on Maven's fabric-chaincode-shim.
func TestJava(t *testing.T) {
	n := start(t, localnet.Options{})
	n.java()
	n.diesWithItsPeer("kvjava:2.0", "kvjava", "version")
}

func (n *network) node() {
	n.t.Helper()
	n.exercise(peerpb.ChaincodeSpec_NODE, "kvnode", "node/kv", "index.js", "VERSION = '1'", "VERSION = '2'")

	n.foreign("note", "1.0", "node", "node/contract")
	_, err := n.admin.Instantiate(n.t.Context(), n.route(n.peers[0]), n.deployment("note", "1.0", peerpb.ChaincodeSpec_NODE))
	require.NoError(n.t, err)
	n.invoke("note", "write", "n1", "hello")
	require.JSONEq(n.t, `{"author":"Org1MSP","text":"hello"}`, n.same("note", "read", "n1"))
	_, err = n.user.Query(n.t.Context(), n.peers[0], n.request("note", "read", "n2"))
	require.ErrorContains(n.t, err, "there is no note n2")
}

func (n *network) java() {
	n.t.Helper()
	n.exercise(peerpb.ChaincodeSpec_JAVA, "kvjava", "java/kv", "src/main/java/example/KV.java", `VERSION = "1"`, `VERSION = "2"`)
}
