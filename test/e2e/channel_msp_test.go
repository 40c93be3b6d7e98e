//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
)

// mspConfig is the MSP of Org2 in a configuration.
func mspConfig(t *testing.T, c tree) tree {
	return at(t, value(t, group(t, c, "Application", "Org2MSP"), "MSP"), "config")
}

// revocation puts a client on its organisation's revocation list, and takes it off again.
func (l *life) revocation(t *testing.T) {
	user := client.New(l.signer(l.User(l.Orgs[1])))
	early, late := l.endorsed(t, user), l.endorsed(t, user)
	require.NoError(t, l.orderer.Broadcast(t.Context(), early))
	l.update(l.Channel, func(c tree) {
		mspConfig(t, c)["revocation_list"] = []any{base64.StdEncoding.EncodeToString(l.revoke(t, l.User(l.Orgs[1])))}
	}, l.org2)
	_, err := user.Query(t.Context(), l.peers[0], l.request("counter", "get", "x"))
	require.ErrorContains(t, err, "access denied: channel [mychannel] creator org [Org2MSP]")
	require.ErrorContains(t, l.orderer.Broadcast(t.Context(), late), "got unexpected status: FORBIDDEN -- implicit policy evaluation failed")
	_, err = user.Block(t.Context(), l.peers[0], l.Channel, client.Newest())
	require.ErrorContains(t, err, "FORBIDDEN")
	l.update(l.Channel, func(c tree) { mspConfig(t, c)["revocation_list"] = []any{} }, l.org2)
	require.NoError(t, l.orderer.Broadcast(t.Context(), late))
}

// revoke makes a revocation list of Org2's CA with the certificate of one of its users.
func (l *life) revoke(t *testing.T, who localnet.Identity) []byte {
	t.Helper()
	ca := filepath.Join(l.Dir, "crypto/peerOrganizations", who.Org.Domain, "ca")
	keys, err := filepath.Glob(filepath.Join(ca, "*_sk"))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	key, err := x509.ParsePKCS8PrivateKey(decodePEM(t, keys[0]))
	require.NoError(t, err)
	issuer, err := x509.ParseCertificate(decodePEM(t, filepath.Join(ca, "ca."+who.Org.Domain+"-cert.pem")))
	require.NoError(t, err)
	certs, err := filepath.Glob(filepath.Join(l.Dir, who.UserDir(), "msp/signcerts/*.pem"))
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(decodePEM(t, certs[0]))
	require.NoError(t, err)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().AddDate(1, 0, 0),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: cert.SerialNumber, RevocationTime: time.Now()}},
	}, issuer, key.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})
}

func decodePEM(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(raw)
	require.NotNil(t, block, file)
	return block.Bytes
}

// rotation gives Org2 a second CA, whose people are Org2's from then on, and takes it away again.
func (l *life) rotation(t *testing.T) {
	dir := t.TempDir()
	conf, err := cryptogen.Parse([]byte("PeerOrgs: [{Name: Org2, Domain: org2.example.com, EnableNodeOUs: true}]"))
	require.NoError(t, err)
	require.NoError(t, cryptogen.Generate(conf, dir, io.Discard))
	dir = filepath.Join(dir, "peerOrganizations/org2.example.com")
	admin := l.withKeys("Org2's new admin", l.Orgs[1], "Org2MSP", filepath.Join(dir, "users/Admin@org2.example.com/msp"))
	signer, err := msp.LoadSigner(filepath.Join(dir, "users/Admin@org2.example.com/msp"), "Org2MSP")
	require.NoError(t, err)
	ask := func() error {
		_, err := client.New(signer).Query(t.Context(), l.peers[0], l.request("counter", "get", "x"))
		return err
	}
	const stranger = "access denied: channel [mychannel] creator org [Org2MSP]"
	require.ErrorContains(t, ask(), stranger)
	ca := func(kind string) string {
		raw, err := os.ReadFile(filepath.Join(dir, kind, kind+".org2.example.com-cert.pem"))
		require.NoError(t, err)
		return base64.StdEncoding.EncodeToString(raw)
	}
	var before []any
	l.update(l.Channel, func(c tree) {
		m := mspConfig(t, c)
		before = m["root_certs"].([]any)
		m["root_certs"] = append(slices.Clone(before), ca("ca"))
		m["tls_root_certs"] = append(slices.Clone(m["tls_root_certs"].([]any)), ca("tlsca"))
		for _, role := range []string{"admin", "client", "peer", "orderer"} { // else only the old CA's people could have roles
			at(t, m, "fabric_node_ous", role+"_ou_identifier")["certificate"] = ""
		}
	}, l.org2)
	require.NoError(t, ask())
	// The new administrator has the old one's powers.
	l.update(l.Channel, func(c tree) { mspConfig(t, c)["root_certs"] = before }, admin)
	require.ErrorContains(t, ask(), stranger)
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) {
		put(t, group(t, c, "Application", "Org2MSP"), "AnchorPeers", anchors("peer8.org2.example.com"))
	}, admin), "FORBIDDEN")
	require.ErrorContains(t, l.tryUpdate(l.Channel, func(c tree) { mspConfig(t, c)["root_certs"] = []any{} }, l.org2), "error applying config update to existing channel 'mychannel': "+
		"initializing channelconfig failed: could not create channel Application sub-group config: setting up the MSP manager failed")
}
