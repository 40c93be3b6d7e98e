package msp

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/msppb"
)

func TestLoadDir(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	middle := newCA(t, "middle", root, lowKey(t))
	ca, sub, admin, crl := pemOf(root.cert)[0], pemOf(middle.cert)[0], pemOf(middle.leaf("admin", "shed", "client"))[0], middle.crl(middle.leaf("x"))
	dir := writeTree(t, map[string][]byte{
		"cacerts/ca.pem": ca, "cacerts/README": []byte("not PEM"), "cacerts/..data/ca.pem": ca, "intermediatecerts/m.pem": sub,
		"admincerts/a.pem": admin, "crls/c.pem": crl, "tlscacerts/ca.pem": ca, "tlsintermediatecerts/m.pem": sub,
		"config.yaml": []byte(`
Comment: keys that mean nothing are passed over
OrganizationalUnitIdentifiers:
  - Certificate: intermediatecerts/m.pem
    OrganizationalUnitIdentifier: shed
NodeOUs:
  Enable: true
  ClientOUIdentifier: {Certificate: cacerts/../intermediatecerts/m.pem, OrganizationalUnitIdentifier: client}
  PeerOUIdentifier: {OrganizationalUnitIdentifier: peer}
  AdminOUIdentifier: {OrganizationalUnitIdentifier: ""}
`),
	})
	conf, err := LoadDir(dir, "M")
	require.NoError(t, err)
	var got msppb.FabricMSPConfig
	require.NoError(t, proto.Unmarshal(conf.Config, &got))
	require.True(t, proto.Equal(&msppb.FabricMSPConfig{
		Name: "M", RootCerts: [][]byte{ca}, IntermediateCerts: [][]byte{sub}, Admins: [][]byte{admin}, RevocationList: [][]byte{crl},
		TlsRootCerts: [][]byte{ca}, TlsIntermediateCerts: [][]byte{sub},
		CryptoConfig:                  &msppb.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
		OrganizationalUnitIdentifiers: []*msppb.FabricOUIdentifier{{Certificate: sub, OrganizationalUnitIdentifier: "shed"}},
		FabricNodeOus: &msppb.FabricNodeOUs{Enable: true,
			ClientOuIdentifier: &msppb.FabricOUIdentifier{Certificate: sub, OrganizationalUnitIdentifier: "client"},
			PeerOuIdentifier:   &msppb.FabricOUIdentifier{OrganizationalUnitIdentifier: "peer"}},
	}, &got), "%v", &got)
	m, err := New(conf)
	require.NoError(t, err)
	require.Equal(t, [][]byte{sub}, m.TLSIntermediateCerts())
	require.NoError(t, validates(m, middle.leaf("a", "shed", "client")))
}

func TestDirectoriesThatAreRefused(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	ca := pemOf(root.cert)[0]
	for text, files := range map[string]map[string][]byte{
		"could not load a valid ca certificate from directory": {"x": nil},
		"the directory is empty":                               {"cacerts/sub/ca.pem": ca},
		"no PEM content in ca.der":                             {"cacerts/ca.der": root.cert.Raw},
		"failed unmarshalling configuration file at":           {"cacerts/ca.pem": ca, "config.yaml": []byte("NodeOUs: [")},
		"failed loading OrganizationalUnit certificate at":     {"cacerts/ca.pem": ca, "config.yaml": []byte("OrganizationalUnitIdentifiers: [{Certificate: x}]")},
		"entry 0 of OrganizationalUnitIdentifiers is empty":    {"cacerts/ca.pem": ca, "config.yaml": []byte("OrganizationalUnitIdentifiers: [null]")},
		"failed loading PeerOU certificate at":                 {"cacerts/ca.pem": ca, "config.yaml": []byte("NodeOUs: {Enable: true, PeerOUIdentifier: {Certificate: x, OrganizationalUnitIdentifier: peer}}")},
		"failed loading admin certs at":                        {"cacerts/ca.pem": ca, "admincerts": []byte("a file")},
		"failed loading configuration file at":                 {"cacerts/ca.pem": ca, "config.yaml/x": nil},
	} {
		_, err := LoadDir(writeTree(t, files), "M")
		require.ErrorContains(t, err, text)
	}
}

func TestLoadSigner(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	key, other := ecKey(t, elliptic.P384()), ecKey(t, elliptic.P256())
	block := func(kind string, der []byte, err error) []byte {
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	sec1, err2 := x509.MarshalECPrivateKey(key)
	stranger, err3 := x509.MarshalPKCS8PrivateKey(other)
	rsaDER, err4 := x509.MarshalPKCS8PrivateKey(rsaKey(t))
	curve := []byte("-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n")
	tree := func(keys map[string][]byte) string {
		files := map[string][]byte{
			"cacerts/ca.pem": pemOf(root.cert)[0], "signcerts/me.pem": pemOf(root.leafFor(key.Public(), "me", "peer"))[0],
			"config.yaml": []byte("NodeOUs: {Enable: true, PeerOUIdentifier: {OrganizationalUnitIdentifier: peer}, AdminOUIdentifier: {OrganizationalUnitIdentifier: admin}}"),
		}
		for name, b := range keys {
			files["keystore/"+name] = b
		}
		return writeTree(t, files)
	}
	for name, file := range map[string][]byte{
		"PKCS #8": block("PRIVATE KEY", pkcs8, err), "SEC 1": block("EC PRIVATE KEY", sec1, err2), "SEC 1 under another name": block("PRIVATE KEY", sec1, nil),
		"openssl": append(curve, block("EC PRIVATE KEY", sec1, nil)...),
	} {
		s, err := LoadSigner(tree(map[string][]byte{"a": []byte("junk"), "b": block("PRIVATE KEY", stranger, err3), "c/d": nil, "z": file}), "M")
		require.NoError(t, err, name)
		require.Equal(t, "M", s.MSP().ID())
		id, err := NewManager(s.MSP()).Identity(s.Creator())
		require.NoError(t, err)
		require.NoError(t, s.MSP().Satisfies(id, Role("M", msppb.MSPRole_PEER)))
		for range 20 {
			sig, err := s.Sign([]byte("message"))
			require.NoError(t, err)
			require.NoError(t, id.Verify([]byte("message"), sig))
		}
	}
	for _, keys := range []map[string][]byte{{}, {"b": block("PRIVATE KEY", stranger, nil)}, {"b": block("PRIVATE KEY", rsaDER, err4)}, {"b": make([]byte, maxKeyFile+1)}} {
		_, err := LoadSigner(tree(keys), "M")
		require.ErrorContains(t, err, "KeyMaterial not found in SigningIdentityInfo")
	}
	_, err = LoadSigner(filepath.Join(t.TempDir(), "nowhere"), "M")
	require.ErrorContains(t, err, "could not load a valid signer certificate from directory")
	for _, b := range [][]byte{nil, []byte("junk"), curve, block("PRIVATE KEY", []byte("junk"), nil), block("PRIVATE KEY", rsaDER, nil)} {
		_, err := ParseKey(b)
		require.Error(t, err)
	}
}

func TestDescribe(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	id, subject, ok := Describe(serialized("M", root.leaf("a", "client")))
	require.True(t, ok)
	require.Equal(t, "M", id)
	require.Equal(t, "CN=a,OU=client", subject)
	_, _, ok = Describe([]byte("junk"))
	require.False(t, ok)
}

// TestKeyStore: the private key may lie elsewhere than the MSP folder.
func TestKeyStore(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(vectors.Path("fabric-1.4", "crypto", "peerOrganizations", "org1.example.com", "peers", "peer0.org1.example.com", "msp"))))
	keys := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.Rename(filepath.Join(dir, "keystore"), keys))
	_, err := LoadSigner(dir, "Org1MSP")
	require.ErrorContains(t, err, "KeyMaterial not found in SigningIdentityInfo")
	s, err := LoadSigner(dir, "Org1MSP", WithKeyStore(keys), WithClock(inTheYear))
	require.NoError(t, err)
	signature, err := s.Sign([]byte("message"))
	require.NoError(t, err)
	require.NoError(t, s.Identity().Verify([]byte("message"), signature))
	require.NoError(t, os.Rename(keys, filepath.Join(dir, "keystore")))
	_, err = LoadSigner(dir, "Org1MSP", WithKeyStore(""), WithClock(inTheYear))
	require.NoError(t, err)
}
