package differential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

// person signs as one identity, deterministically.
type person struct {
	name    string
	creator []byte
	key     *ecdsa.PrivateKey
}

func (p *person) Creator() []byte { return p.creator }

// Sign returns the low-S signature of RFC 6979 over the SHA-256 of msg.
func (p *person) Sign(msg []byte) ([]byte, error) {
	digest := sha256.Sum256(msg)
	return (&steadySigner{p.key}).Sign(nil, digest[:], crypto.SHA256)
}

// steadySigner is a key whose signatures take no randomness.
type steadySigner struct{ key *ecdsa.PrivateKey }

func (s *steadySigner) Public() crypto.PublicKey { return s.key.Public() }

func (s *steadySigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	raw, err := s.key.Sign(nil, digest, opts)
	if err != nil {
		return nil, err
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	n := s.key.Params().N
	if v.S.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		v.S.Sub(n, v.S)
	}
	return asn1.Marshal(v)
}

// highS gives the other signature that the same key could have made of the same message.
func highS(t testing.TB, signature []byte) []byte {
	var v struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &v)
	require.NoError(t, err)
	v.S.Sub(elliptic.P256().Params().N, v.S)
	raw, err := asn1.Marshal(v)
	require.NoError(t, err)
	return raw
}

// The organizations' names. Org3 is the one without NodeOUs.
const (
	org1, org2, org3 = "Org1MSP", "Org2MSP", "Org3MSP"
	ordererOrg       = "OrdererMSP"
)

// people are those who act on the channel. Org1, Org2 and the orderer are those of the test vectors.
type people struct {
	t testing.TB

	peer1, user1, admin1 *person
	peer2, user2, admin2 *person
	peer3, admin3        *person
	orderer, ordererUser *person

	odd         []*person // endorsers and creators whose standing is in question
	toBeRevoked *person   // a peer of Org1 whose certificate a later configuration revokes

	org3MSP  []byte    // configuration of Org3's MSP, encoded
	revoked1 [2][]byte // certificate revocation lists of Org1, PEM: the first one, and the one that takes its place
}

func newPeople(t testing.TB) *people {
	p := &people{t: t}
	load := func(name, mspID string, dir ...string) *person {
		dir = append([]string{vectors.Path("fabric-1.4", "crypto")}, append(dir, "msp")...)
		cert, key := p.read(filepath.Join(append(dir, "signcerts")...)), p.read(filepath.Join(append(dir, "keystore")...))
		k, err := msp.ParseKey(key)
		require.NoError(t, err)
		return newPerson(name, mspID, cert, k)
	}
	p.peer1 = load("peer1", org1, "peerOrganizations", "org1.example.com", "peers", "peer0.org1.example.com")
	p.user1 = load("user1", org1, "peerOrganizations", "org1.example.com", "users", "User1@org1.example.com")
	p.admin1 = load("admin1", org1, "peerOrganizations", "org1.example.com", "users", "Admin@org1.example.com")
	p.peer2 = load("peer2", org2, "peerOrganizations", "org2.example.com", "peers", "peer0.org2.example.com")
	p.user2 = load("user2", org2, "peerOrganizations", "org2.example.com", "users", "User1@org2.example.com")
	p.admin2 = load("admin2", org2, "peerOrganizations", "org2.example.com", "users", "Admin@org2.example.com")
	p.orderer = load("orderer", ordererOrg, "ordererOrganizations", "example.com", "orderers", "orderer.example.com")
	p.ordererUser = load("orderer admin", ordererOrg, "ordererOrganizations", "example.com", "users", "Admin@example.com")
	p.makeOrg3()
	p.makeOdd()
	return p
}

// read reads the only file of a folder, or one file.
func (p *people) read(path string) []byte {
	if found, err := os.ReadDir(path); err == nil {
		require.Len(p.t, found, 1, path)
		path = filepath.Join(path, found[0].Name())
	}
	raw, err := os.ReadFile(path)
	require.NoError(p.t, err)
	return raw
}

func newPerson(name, mspID string, cert []byte, key *ecdsa.PrivateKey) *person {
	return &person{name: name, creator: wire.MustMarshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: cert}), key: key}
}

// authority is a certificate authority.
type authority struct {
	cert *x509.Certificate
	pem  []byte
	key  *ecdsa.PrivateKey
}

// ca is the signing CA of an organization of the vectors.
func (p *people) ca(domain string) *authority {
	dir := vectors.Path("fabric-1.4", "crypto", "peerOrganizations", domain, "ca")
	a := &authority{pem: p.read(filepath.Join(dir, "ca."+domain+"-cert.pem"))}
	keys, err := filepath.Glob(filepath.Join(dir, "*_sk"))
	require.NoError(p.t, err)
	require.Len(p.t, keys, 1)
	a.key, err = msp.ParseKey(p.read(keys[0]))
	require.NoError(p.t, err)
	block, _ := pem.Decode(a.pem)
	a.cert, err = x509.ParseCertificate(block.Bytes)
	require.NoError(p.t, err)
	return a
}

// keyOf derives a key from a name.
func (p *people) keyOf(name string, curve elliptic.Curve) *ecdsa.PrivateKey {
	seed := make([]byte, (curve.Params().BitSize+7)/8)
	sum := sha256.Sum256([]byte(name))
	copy(seed[len(seed)-len(sum):], sum[:])
	key, err := ecdsa.ParseRawPrivateKey(curve, seed)
	require.NoError(p.t, err)
	return key
}

// Certificates of this package begin and end with these, like those of the vectors.
var (
	begin = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	end   = begin.AddDate(10, 0, 0)
)

// issue makes a certificate for key, changed by change just before it is signed, as PEM.
func (p *people) issue(by *authority, name string, key *ecdsa.PrivateKey, ous []string, change func(*x509.Certificate)) []byte {
	sum := sha256.Sum256([]byte("serial of " + name))
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(sum[:15]),
		Subject:      pkix.Name{CommonName: name, OrganizationalUnit: ous},
		NotBefore:    begin, NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	parent := template
	signer := key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), &steadySigner{signer})
	require.NoError(p.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// newCA makes a self-signed authority.
func (p *people) newCA(name string) *authority {
	a := &authority{key: p.keyOf(name, elliptic.P256())}
	a.pem = p.issue(nil, name, a.key, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		sum := sha256.Sum256([]byte(name))
		c.SubjectKeyId = sum[:]
	})
	block, _ := pem.Decode(a.pem)
	var err error
	a.cert, err = x509.ParseCertificate(block.Bytes)
	require.NoError(p.t, err)
	return a
}

// person makes a certificate and who it belongs to.
func (p *people) person(name, mspID string, by *authority, ous []string, change func(*x509.Certificate)) *person {
	key := p.keyOf(name, elliptic.P256())
	return newPerson(name, mspID, p.issue(by, name, key, ous, change), key)
}

// makeOrg3 makes an organization that knows its administrators by their certificates.
func (p *people) makeOrg3() {
	ca := p.newCA("ca.org3")
	p.peer3 = p.person("peer3", org3, ca, []string{"peer"}, nil)
	p.admin3 = p.person("admin3", org3, ca, nil, nil)
	id := &msppb.SerializedIdentity{}
	require.NoError(p.t, wire.Unmarshal(p.admin3.creator, id))
	p.org3MSP = wire.MustMarshal(&msppb.FabricMSPConfig{
		Name: org3, RootCerts: [][]byte{ca.pem}, Admins: [][]byte{id.IdBytes},
		CryptoConfig: &msppb.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
	})
}

func (p *people) makeOdd() {
	ca1, foreign := p.ca("org1.example.com"), p.newCA("ca.elsewhere")
	peer := []string{"peer"}
	add := func(who *person) *person {
		p.odd = append(p.odd, who)
		return who
	}
	add(p.person("expired peer", org1, ca1, peer, func(c *x509.Certificate) { c.NotAfter = begin.Add(time.Hour) }))
	add(p.person("peer not yet valid", org1, ca1, peer, func(c *x509.Certificate) { c.NotBefore = end.AddDate(-1, 0, 0) }))
	revoked := add(p.person("revoked peer", org1, ca1, peer, nil))
	p.toBeRevoked = add(p.person("peer to be revoked", org1, ca1, peer, nil))
	add(p.person("no unit", org1, ca1, nil, nil))
	add(p.person("peer and client", org1, ca1, []string{"peer", "client"}, nil))
	add(p.person("peer of ops", org1, ca1, []string{"peer", "ops"}, nil))
	add(p.person("unit of another name", org1, ca1, []string{"boss"}, nil))
	add(p.person("orderer of org1", org1, ca1, []string{"orderer"}, nil))
	add(p.person("foreign peer", org1, foreign, peer, nil))
	add(p.person("self-signed peer", org1, nil, peer, nil))
	add(p.person("peer that is a CA", org1, ca1, peer, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }))
	wide := p.keyOf("peer of P-384", elliptic.P384())
	add(newPerson("peer of P-384", org1, p.issue(ca1, "peer of P-384", wide, peer, nil), wide))
	own := certificate(p.t, p.peer1)
	add(newPerson("peer1 in the name of org2", org2, own, p.peer1.key))
	add(newPerson("peer1 in the name of nobody", "", own, p.peer1.key))
	add(newPerson("peer1 in an unknown name", "Org9MSP", own, p.peer1.key))
	add(newPerson("peer1, certificate in other words", org1, append([]byte("-- peer --\n"), own...), p.peer1.key))
	add(newPerson("peer1, bytes behind the certificate", org1, append(append([]byte{}, own...), "tail"...), p.peer1.key))
	block, _ := pem.Decode(own)
	add(newPerson("peer1, another kind of PEM", org1, pem.EncodeToMemory(&pem.Block{Type: "X509 CERTIFICATE", Bytes: block.Bytes}), p.peer1.key))
	add(newPerson("peer1, bare DER", org1, block.Bytes, p.peer1.key))
	add(newPerson("peer1, DER with a tail", org1, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append(append([]byte{}, block.Bytes...), 0)}), p.peer1.key))
	add(newPerson("peer1 with the key of peer2", org1, own, p.peer2.key))
	add(newPerson("the CA itself", org1, ca1.pem, ca1.key))
	add(&person{"garbage", []byte{0xff, 0xff, 0xff}, p.peer1.key})
	add(&person{"peer1 with an unknown field", append(append([]byte{}, p.peer1.creator...), 0x1a, 0x01, 'x'), p.peer1.key})
	add(&person{"nobody", nil, p.peer1.key})

	p.revoked1[0] = p.revocations(ca1, revoked)
	p.revoked1[1] = p.revocations(ca1, revoked, p.toBeRevoked)
}

func certificate(t testing.TB, p *person) []byte {
	id := &msppb.SerializedIdentity{}
	require.NoError(t, wire.Unmarshal(p.creator, id))
	return id.IdBytes
}

// revocations is a list of revoked certificates.
func (p *people) revocations(by *authority, who ...*person) []byte {
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: begin, NextUpdate: end}
	for _, w := range who {
		block, _ := pem.Decode(certificate(p.t, w))
		cert, err := x509.ParseCertificate(block.Bytes)
		require.NoError(p.t, err)
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: begin})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, by.cert, &steadySigner{by.key})
	require.NoError(p.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}
