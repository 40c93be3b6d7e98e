package runtime

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Authority is the certificate authority between a peer and its chaincode. A peer makes one when it starts and keeps it in memory only: it
// signs the chaincode listener's certificate and one client certificate per launch, by which the listener knows the chaincode.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	root []byte // PEM

	mu     sync.Mutex
	issued map[[sha256.Size]byte]string // certificate hash to chaincode id
}

// validity is of all its certificates; they live no longer than the peer's process.
const validity = 10 * 365 * 24 * time.Hour

// NewAuthority makes an authority whose certificates begin to hold at now, less an hour for clocks that differ.
func NewAuthority(now time.Time) (*Authority, error) {
	a := &Authority{issued: map[[sha256.Size]byte]string{}}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "chaincode authority"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(validity),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	pair, err := a.sign(template)
	if err != nil {
		return nil, fmt.Errorf("making the chaincode authority: %w", err)
	}
	a.cert, a.key, a.root = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey), certPEM(pair.Leaf)
	return a, nil
}

// Root is the authority's certificate, PEM: what chaincode trusts, and what the listener trusts in its clients.
func (a *Authority) Root() []byte { return a.root }

// Server makes a certificate for the chaincode listener, good for hosts (names or addresses).
func (a *Authority) Server(hosts ...string) (tls.Certificate, error) {
	template := a.template("chaincode listener", x509.ExtKeyUsageServerAuth)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	pair, err := a.sign(template)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the chaincode listener's certificate: %w", err)
	}
	return pair, nil
}

// Issue makes the TLS material of the chaincode id ("name:version") for one launch. forget takes the certificate back.
func (a *Authority) Issue(id string) (material *TLS, forget func(), err error) {
	pair, err := a.sign(a.template(id, x509.ExtKeyUsageClientAuth))
	if err != nil {
		return nil, nil, fmt.Errorf("failed to generate TLS certificates for %s: %w", id, err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to generate TLS certificates for %s: %w", id, err)
	}
	hash := sha256.Sum256(pair.Leaf.Raw)
	a.mu.Lock()
	a.issued[hash] = id
	a.mu.Unlock()
	forget = func() {
		a.mu.Lock()
		delete(a.issued, hash)
		a.mu.Unlock()
	}
	return &TLS{Cert: certPEM(pair.Leaf), Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), Root: a.root}, forget, nil
}

// Check tells whether the holder of cert, the client certificate of a connection, may register as the chaincode id.
func (a *Authority) Check(cert *x509.Certificate, id string) error {
	if cert == nil {
		return fmt.Errorf("TLS is active but chaincode %s didn't send certificate", id)
	}
	hash := sha256.Sum256(cert.Raw)
	a.mu.Lock()
	owner, ok := a.issued[hash]
	a.mu.Unlock()
	if !ok {
		return fmt.Errorf("Chaincode %s with given certificate hash %x not found in registry", id, hash)
	}
	if owner != id {
		return fmt.Errorf("Chaincode %s with given certificate hash %x belongs to a different chaincode", id, hash)
	}
	return nil
}

func (a *Authority) template(name string, usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		NotBefore:   a.cert.NotBefore,
		NotAfter:    a.cert.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
}

// sign makes a key and its certificate from template, signed by the authority or, while it has no key, by itself.
func (a *Authority) sign(template *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return tls.Certificate{}, err
	}
	issuer, issuerKey := a.cert, a.key
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
