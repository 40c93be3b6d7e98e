//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// foreign puts a copy of a sample in another language into the network's directory and installs it on both peers.
func (n *network) foreign(name, version, lang, sample string, edit ...string) string {
	n.t.Helper()
	dir := filepath.Join(n.Dir, "sources", name+version)
	require.NoError(n.t, os.CopyFS(dir, os.DirFS(filepath.Join("../../samples", sample))))
	for i := 0; i+2 < len(edit); i += 3 {
		file := filepath.Join(dir, edit[i])
		b, err := os.ReadFile(file)
		require.NoError(n.t, err)
		require.Contains(n.t, string(b), edit[i+1])
		require.NoError(n.t, os.WriteFile(file, []byte(strings.ReplaceAll(string(b), edit[i+1], edit[i+2])), 0o644))
	}
	pkg := name + version + ".pkg"
	n.peer(n.Admin(n.Orgs[0]), "chaincode", "package", "-n", name, "-v", version, "-l", lang, "-p", dir, pkg)
	for _, org := range n.Orgs {
		n.peer(n.Admin(org), "chaincode", "install", pkg)
	}
	return dir
}

// deployment is a chaincode of another language that either organisation endorses.
func (n *network) deployment(name, version string, lang peerpb.ChaincodeSpec_Type) client.Deployment {
	n.t.Helper()
	p, err := policy.Parse(both)
	require.NoError(n.t, err)
	return client.Deployment{ChannelID: n.Channel, Name: name, Version: version, Type: lang, Init: client.Args("init"), Policy: wire.MustMarshal(p)}
}

// exercise runs the kv sample of a language through install, instantiate, invoke and upgrade.
func (n *network) exercise(lang peerpb.ChaincodeSpec_Type, name, sample, file, version1, version2 string) {
	n.t.Helper()
	n.foreign(name, "1.0", strings.ToLower(lang.String()), sample)
	_, err := n.admin.Instantiate(n.t.Context(), n.route(n.peers[0]), n.deployment(name, "1.0", lang))
	require.NoError(n.t, err)
	n.invoke(name, "put", "a", "1")
	n.invoke(name, "put", "b", "2")
	require.Equal(n.t, "1", n.same(name, "get", "a"))
	require.Equal(n.t, "a=1 b=2", n.same(name, "range", "", ""))
	require.Equal(n.t, "1", n.same(name, "version"))
	_, err = n.user.Query(n.t.Context(), n.peers[0], n.request(name, "nonsense"))
	require.ErrorContains(n.t, err, "unknown function: nonsense")

	n.foreign(name, "2.0", strings.ToLower(lang.String()), sample, file, version1, version2)
	_, err = n.admin.Upgrade(n.t.Context(), n.route(n.peers[0]), n.deployment(name, "2.0", lang))
	require.NoError(n.t, err)
	require.Equal(n.t, "2", n.same(name, "version"))
	require.Equal(n.t, "a=1 b=2", n.same(name, "range", "", ""))
}

// TestNode runs chaincode on npm's fabric-shim, and on fabric-contract-api above it.
func TestNode(t *testing.T) {
	n := start(t, localnet.Options{})
	n.exercise(peerpb.ChaincodeSpec_NODE, "kv", "node/kv", "index.js", "VERSION = '1'", "VERSION = '2'")

	n.foreign("note", "1.0", "node", "node/contract")
	_, err := n.admin.Instantiate(t.Context(), n.route(n.peers[0]), n.deployment("note", "1.0", peerpb.ChaincodeSpec_NODE))
	require.NoError(t, err)
	n.invoke("note", "write", "n1", "hello")
	require.JSONEq(t, `{"author":"Org1MSP","text":"hello"}`, n.same("note", "read", "n1"))
	_, err = n.user.Query(t.Context(), n.peers[0], n.request("note", "read", "n2"))
	require.ErrorContains(t, err, "there is no note n2")
}

// TestJava runs chaincode on Maven's fabric-chaincode-shim.
func TestJava(t *testing.T) {
	n := start(t, localnet.Options{})
	n.exercise(peerpb.ChaincodeSpec_JAVA, "kv", "java/kv", "src/main/java/example/KV.java", `VERSION = "1"`, `VERSION = "2"`)
}
