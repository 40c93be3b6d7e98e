package msp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

var pkiStart = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// authority is a CA of a test's own PKI.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
	next int64
}

// fixedS signs with S in the half the test wants.
type fixedS struct {
	*ecdsa.PrivateKey
	high bool
}

func (f fixedS) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	low, err := SignDigest(f.PrivateKey, digest)
	if err != nil || !f.high {
		return low, err
	}
	return highForm(f.Curve, low)
}

// highForm turns a low-S signature into its high-S twin.
func highForm(curve elliptic.Curve, low []byte) ([]byte, error) {
	s, err := parseSignature(low)
	if err != nil {
		return nil, err
	}
	s.S.Sub(curve.Params().N, s.S)
	return asn1.Marshal(s)
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func lowKey(t testing.TB) fixedS { return fixedS{PrivateKey: ecKey(t, elliptic.P256())} }

// newCA makes a CA below parent, or a root when parent is nil.
func newCA(t testing.TB, name string, parent *authority, key crypto.Signer, edit ...func(*x509.Certificate)) *authority {
	t.Helper()
	ski := sha256.Sum256([]byte(name))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		SubjectKeyId: ski[:], KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a := &authority{t: t, key: key, next: 100}
	if parent == nil {
		parent = a
		a.cert = template
	}
	a.cert = parent.sign(template, key.Public(), edit...)
	return a
}

func (a *authority) sign(template *x509.Certificate, pub crypto.PublicKey, edit ...func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	if template.SerialNumber == nil || template != a.cert {
		a.next++
		template.SerialNumber = big.NewInt(a.next)
	}
	template.NotBefore, template.NotAfter = pkiStart, pkiStart.AddDate(30, 0, 0)
	for _, e := range edit {
		e(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert
}

// leaf issues a member's certificate with the given OUs.
func (a *authority) leaf(name string, ous ...string) *x509.Certificate {
	a.t.Helper()
	return a.leafFor(ecKey(a.t, elliptic.P256()).Public(), name, ous...)
}

func (a *authority) leafFor(pub crypto.PublicKey, name string, ous ...string) *x509.Certificate {
	a.t.Helper()
	return a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name, OrganizationalUnit: ous}, KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true}, pub)
}

// crl revokes certificates, in PEM.
func (a *authority) crl(revoked ...*x509.Certificate) []byte {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: pkiStart, NextUpdate: pkiStart.AddDate(1, 0, 0)}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: pkiStart})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	require.NoError(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func pemOf(certs ...*x509.Certificate) [][]byte {
	var all [][]byte
	for _, c := range certs {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return all
}

func serialized(mspID string, cert *x509.Certificate) []byte {
	return wire.MustMarshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: pemOf(cert)[0]})
}

func build(conf *msppb.FabricMSPConfig, opts ...Option) (*MSP, error) {
	if conf.Name == "" {
		conf.Name = "M"
	}
	return New(&msppb.MSPConfig{Config: wire.MustMarshal(conf)}, opts...)
}

func mustBuild(t testing.TB, conf *msppb.FabricMSPConfig, opts ...Option) *MSP {
	t.Helper()
	m, err := build(conf, opts...)
	require.NoError(t, err)
	return m
}

// validates says what the MSP answers about a certificate, whether it refuses to parse or to validate it.
func validates(m *MSP, cert *x509.Certificate) error {
	id, err := m.Identity(serialized(m.ID(), cert))
	if err != nil {
		return err
	}
	return m.Validate(id)
}

// writeTree writes files under a new directory.
func writeTree(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	return dir
}

func nodeOUsOf(cert *x509.Certificate) *msppb.FabricNodeOUs {
	ou := func(name string) *msppb.FabricOUIdentifier {
		id := &msppb.FabricOUIdentifier{OrganizationalUnitIdentifier: name}
		if cert != nil {
			id.Certificate = pemOf(cert)[0]
		}
		return id
	}
	return &msppb.FabricNodeOUs{Enable: true, ClientOuIdentifier: ou("client"), PeerOuIdentifier: ou("peer"),
		AdminOuIdentifier: ou("admin"), OrdererOuIdentifier: ou("orderer")}
}
