//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

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

// TestCAR packages a project of chaintool and calls the functions of its interface.
func TestCAR(t *testing.T) { start(t, localnet.Options{}).car() }

func (n *network) car() {
	n.t.Helper()
	text := func(b []byte, number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
	}
	amount := func(b []byte, number protowire.Number, v int64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
	}
	balance := func(v int64, standing int64) string { return string(amount(amount(nil, 1, v), 2, standing)) }
	account := func(owner string, v int64) string { return string(amount(text(nil, 1, owner), 2, v)) }

	for name, accounts := range map[string][]byte{
		"bank": text(text(nil, 1, account("anna", 5)), 1, account("boris", 2)), "other": text(nil, 1, account("carl", 3)),
	} {
		n.foreign(name, "1.0", "car", "_car/account")
		d := n.deployment(name, "1.0", peerpb.ChaincodeSpec_CAR)
		d.Init = client.Args("init", string(accounts))
		_, err := n.admin.Instantiate(n.t.Context(), n.route(n.peers[0]), d)
		require.NoError(n.t, err)
	}
	n.invoke("other", "com.example.account/fcn/1", string(amount(text(text(nil, 1, "carl"), 2, "carl"), 3, 0)))

	n.invoke("bank", "com.example.account/fcn/1", string(amount(text(text(nil, 1, "anna"), 2, "boris"), 3, 6)))
	require.Equal(n.t, balance(-1, 2), n.same("bank", "com.example.account/fcn/2", string(text(nil, 1, "anna"))))
	require.Equal(n.t, balance(3, 1), n.same("bank", "com.example.account/fcn/3", string(text(text(nil, 1, "other"), 2, string(text(nil, 1, "carl"))))))
	require.Equal(n.t, string(text(nil, 1, "boris")), n.same("bank", "com.example.account/fcn/4"))
	require.Contains(n.t, n.same("bank", "org.hyperledger.chaintool.meta/fcn/1"), "com.example.account")
	for _, c := range [][2]string{
		{"com.example.account/fcn/9", "Received unknown function invocation"}, {"other/fcn/1", "Interface not found"},
		{"appinit/fcn/1", "Interface not found"}, {"pay", "Could not parse function name"},
	} {
		_, err := n.user.Query(n.t.Context(), n.peers[0], n.request("bank", c[0]))
		require.ErrorContains(n.t, err, c[1])
	}
	_, err := n.user.Query(n.t.Context(), n.peers[0], n.request("bank", "com.example.account/fcn/2", string(text(nil, 1, "carl"))))
	require.ErrorContains(n.t, err, "there is no account of carl")

	n.foreign("other", "2.0", "car", "_car/account", "src/chaincode/main.go", "there is no account of ", "nobody here is called ")
	d := n.deployment("other", "2.0", peerpb.ChaincodeSpec_CAR)
	d.Init = client.Args("init", string(text(nil, 1, account("dora", 1))))
	_, err = n.admin.Upgrade(n.t.Context(), n.route(n.peers[0]), d)
	require.NoError(n.t, err)
	require.Equal(n.t, balance(3, 1), n.same("other", "com.example.account/fcn/2", string(text(nil, 1, "carl"))))
	_, err = n.user.Query(n.t.Context(), n.peers[0], n.request("other", "com.example.account/fcn/2", string(text(nil, 1, "emil"))))
	require.ErrorContains(n.t, err, "nobody here is called emil")
}
