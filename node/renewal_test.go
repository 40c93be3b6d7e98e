package node_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// only is the one file that matches.
func only(t *testing.T, pattern ...string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pattern...))
	require.NoError(t, err)
	require.Len(t, files, 1, "%s", pattern)
	return files[0]
}

func readCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}

// renewed is what a CA's folder makes of a certificate: the same, for a new key. Both are PEM.
func renewed(t *testing.T, ca, old string) (cert, key []byte, public *ecdsa.PublicKey) {
	t.Helper()
	b, err := os.ReadFile(only(t, ca, "*_sk"))
	require.NoError(t, err)
	authority, err := msp.ParseKey(b)
	require.NoError(t, err)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := readCertificate(t, old)
	template.SerialNumber = new(big.Int).Add(template.SerialNumber, big.NewInt(1))
	der, err := x509.CreateCertificate(rand.Reader, template, readCertificate(t, only(t, ca, "*-cert.pem")), own.Public(), authority)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(own)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), &own.PublicKey
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, b, 0o600))
}

// shown is the public key of the certificate that a listener shows.
func shown(t *testing.T, address string) *ecdsa.PublicKey {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
}

// keyOf is the public key in a serialized identity.
func keyOf(t *testing.T, creator []byte) *ecdsa.PublicKey {
	t.Helper()
	id := &msppb.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(creator, id))
	block, _ := pem.Decode(id.IdBytes)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c.PublicKey.(*ecdsa.PublicKey)
}

// blockSigner is who has signed the newest block of the system channel.
func blockSigner(t *testing.T, n *localnet.Network) []byte {
	t.Helper()
	roots, err := comm.LoadRoots(n.OrdererCA())
	require.NoError(t, err)
	o, err := client.ConnectOrderer(t.Context(), n.Orderer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	require.NoError(t, err)
	defer o.Close()
	admin, err := msp.LoadSigner(filepath.Join(n.Dir, "crypto/ordererOrganizations/example.com/users/Admin@example.com/msp"), "OrdererMSP")
	require.NoError(t, err)
	b, err := client.New(admin).Block(t.Context(), o, "system-channel", client.Newest())
	require.NoError(t, err)
	require.Equal(t, uint64(1), b.Header.Number)
	signatures, err := block.Metadata(b, commonpb.BlockMetadataIndex_SIGNATURES)
	require.NoError(t, err)
	h := &commonpb.SignatureHeader{}
	require.NoError(t, proto.Unmarshal(signatures.Signatures[0].SignatureHeader, h))
	return h.Creator
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 30*time.Second, 50*time.Millisecond, what)
}

// TestCertificatesAreRenewed: nodes that run take new certificates for TLS and for signing from their files, and keep what they have while the
// files hold something else than a certificate of theirs with its key.
func TestCertificatesAreRenewed(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true, Consensus: "solo"})
	org := n.Orgs[0]
	core, conf := coreOf(t, n, org), ordererOf(t, n)
	ops := filepath.Join(n.Dir, "ops")
	for from, to := range map[string]string{core.Peer.TLS.Cert.File: ops + ".crt", core.Peer.TLS.Key.File: ops + ".key"} {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		write(t, to, b)
	}
	core.Operations.TLS.Enabled, core.Operations.TLS.Cert.File, core.Operations.TLS.Key.File = true, ops+".crt", ops+".key"
	orderer := startOrderer(t, n, conf)
	peer := startPeer(t, org, core)
	startPeer(t, n.Orgs[1], coreOf(t, n, n.Orgs[1]))
	old := shown(t, org.Peer.Address())
	endorser := func() *ecdsa.PublicKey {
		p, err := client.ConnectPeer(t.Context(), org.Peer.Address(), connection(t, n, org, "", ""))
		require.NoError(t, err)
		defer p.Close()
		proposal, err := user(t, n, org).NewProposal(client.Request{ChannelID: n.Channel, Chaincode: "qscc", Args: client.Args("GetChainInfo", n.Channel)})
		require.NoError(t, err)
		responses, err := user(t, n, org).Endorse(t.Context(), proposal, p)
		require.NoError(t, err)
		return keyOf(t, responses[0].Endorsement.Endorser)
	}

	peers := filepath.Join(n.Dir, "crypto/peerOrganizations", org.Domain)
	orderers := filepath.Join(n.Dir, "crypto/ordererOrganizations/example.com")
	cert, key, public := renewed(t, filepath.Join(peers, "tlsca"), core.Peer.TLS.Cert.File)
	write(t, core.Peer.TLS.Cert.File, cert)
	eventually(t, "a certificate without its key is told", func() bool {
		return strings.Contains(peer.log.String(), "The server TLS certificate or its key has been replaced by one that cannot be used; the node goes on with the one it has")
	})
	require.Equal(t, old, shown(t, org.Peer.Address()))

	// Everything is replaced.
	write(t, core.Peer.TLS.Key.File, key)
	write(t, ops+".crt", cert)
	write(t, ops+".key", key)
	signcert := only(t, core.Peer.MSPConfigPath, "signcerts", "*")
	cert, key, signing := renewed(t, filepath.Join(peers, "ca"), signcert)
	write(t, filepath.Join(core.Peer.MSPConfigPath, "keystore", "new_sk"), key)
	write(t, signcert, cert)
	cert, key, ordererPublic := renewed(t, filepath.Join(orderers, "tlsca"), conf.General.TLS.Certificate)
	write(t, conf.General.TLS.Certificate, cert)
	write(t, conf.General.TLS.PrivateKey, key)
	cert, key, ordererSigning := renewed(t, filepath.Join(orderers, "ca"), only(t, conf.General.LocalMSPDir, "signcerts", "*"))
	write(t, filepath.Join(conf.General.LocalMSPDir, "keystore", "new_sk"), key)
	write(t, only(t, conf.General.LocalMSPDir, "signcerts", "*"), cert)
	eventually(t, "the peer's TLS certificate", func() bool { return public.Equal(shown(t, org.Peer.Address())) })
	eventually(t, "the operations listener's", func() bool { return public.Equal(shown(t, org.Peer.OperationsAddress())) })
	eventually(t, "the peer's identity", func() bool { return strings.Contains(peer.log.String(), "The enrollment certificate has been renewed") })
	eventually(t, "the orderer's TLS certificate", func() bool { return ordererPublic.Equal(shown(t, n.Orderer.Address())) })
	eventually(t, "the orderer's identity", func() bool {
		return strings.Contains(orderer.log.String(), "The enrollment certificate has been renewed")
	})

	// Both sign with the new ones.
	require.NoError(t, n.CreateChannel(t.Context()))
	require.True(t, signing.Equal(endorser()))
	require.True(t, ordererSigning.Equal(keyOf(t, blockSigner(t, n))))

	// Another organisation's certificate, or none at all, is not taken.
	foreign, err := os.ReadFile(only(t, n.Dir, n.Orgs[1].PeerDir(), "msp", "signcerts", "*"))
	require.NoError(t, err)
	foreignKey, err := os.ReadFile(only(t, n.Dir, n.Orgs[1].PeerDir(), "msp", "keystore", "*"))
	require.NoError(t, err)
	write(t, filepath.Join(core.Peer.MSPConfigPath, "keystore", "foreign_sk"), foreignKey)
	write(t, signcert, foreign)
	write(t, core.Peer.TLS.Cert.File, []byte("nothing"))
	eventually(t, "what cannot be used is told", func() bool {
		return strings.Contains(peer.log.String(), "The enrollment certificate or its key has been replaced by one that cannot be used")
	})
	require.True(t, signing.Equal(endorser()))
	require.True(t, public.Equal(shown(t, org.Peer.Address())))
}
