//go:build e2e

package e2e

import (
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/localnet"
)

// TestTLSRootsFollowTheChannel: where clients must show a certificate, one of a TLS CA that an organisation has added to the channel is as good
// as the old ones, at peers and at the orderer, and is no more once the CA is gone; nothing is started anew.
func TestTLSRootsFollowTheChannel(t *testing.T) {
	n := startBare(t, localnet.Options{MutualTLS: true})
	dir := t.TempDir()
	conf, err := cryptogen.Parse([]byte("PeerOrgs: [{Name: Org1, Domain: org1.example.com, EnableNodeOUs: true}]"))
	require.NoError(t, err)
	require.NoError(t, cryptogen.Generate(conf, dir, io.Discard))
	dir = filepath.Join(dir, "peerOrganizations/org1.example.com")
	pair := filepath.Join(dir, "users/Admin@org1.example.com/tls/client")
	root, err := os.ReadFile(filepath.Join(dir, "tlsca/tlsca.org1.example.com-cert.pem"))
	require.NoError(t, err)

	admin := n.as(n.Admin(n.Orgs[0]))
	renewed := admin
	renewed.env = []string{"CORE_PEER_TLS_CLIENTCERT_FILE=" + pair + ".crt", "CORE_PEER_TLS_CLIENTKEY_FILE=" + pair + ".key"}
	atPeer := func() error {
		_, err := n.run(renewed, "channel", "getinfo", "-c", n.Channel)
		return err
	}
	atOrderer := func() error {
		_, err := n.run(renewed, "channel", "fetch", "oldest", filepath.Join(t.TempDir(), "block"), "-c", n.Channel, "-o", n.Orderer.Address(),
			"--tls", "--cafile", n.OrdererCA(), "--clientauth", "--certfile", pair+".crt", "--keyfile", pair+".key")
		return err
	}
	require.Error(t, atPeer())
	require.Error(t, atOrderer())

	var before []any
	require.NoError(t, n.tryUpdate(n.Channel, func(c tree) {
		m := at(t, value(t, group(t, c, "Application", "Org1MSP"), "MSP"), "config")
		before = m["tls_root_certs"].([]any)
		m["tls_root_certs"] = append(slices.Clone(before), base64.StdEncoding.EncodeToString(root))
	}, admin))
	require.Eventually(t, func() bool { return atPeer() == nil && atOrderer() == nil }, 20*time.Second, 50*time.Millisecond)

	require.NoError(t, n.tryUpdate(n.Channel, func(c tree) {
		at(t, value(t, group(t, c, "Application", "Org1MSP"), "MSP"), "config")["tls_root_certs"] = before
	}, admin))
	require.Eventually(t, func() bool { return atPeer() != nil && atOrderer() != nil }, 20*time.Second, 50*time.Millisecond)
	_, err = n.run(admin, "channel", "getinfo", "-c", n.Channel)
	require.NoError(t, err)
}
