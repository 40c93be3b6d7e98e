package cryptogen

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heddleledger/heddle/msp"
)

const (
	backdated = 5 * time.Minute
	lifetime  = 3650 * 24 * time.Hour
)

// authority is a CA with its key.
type authority struct {
	name string
	spec Node // its subject fields are passed on to what it signs
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

// lowSigner makes x509 sign with low S.
type lowSigner struct{ key *ecdsa.PrivateKey }

func (s lowSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s lowSigner) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return msp.SignDigest(s.key, digest)
}

// newAuthority makes a self-signed CA of the organization called domain and writes it to dir.
func newAuthority(dir, domain, name string, spec Node, now func() time.Time) (*authority, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	key, err := newKey(dir)
	if err != nil {
		return nil, err
	}
	a := &authority{name: name, spec: spec, key: key, now: now}
	t, err := a.template(name)
	if err != nil {
		return nil, err
	}
	t.Subject.Organization = []string{domain}
	t.IsCA = true
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	if t.SubjectKeyId, err = ski(&key.PublicKey); err != nil {
		return nil, err
	}
	a.cert = t // its own parent
	if a.cert, err = a.issue(t, &key.PublicKey); err != nil {
		return nil, err
	}
	return a, writeCert(filepath.Join(dir, certFile(name)), a.cert)
}

// loadAuthority reads the CA that an earlier run wrote to dir.
func loadAuthority(dir, name string, spec Node, now func() time.Time) (*authority, error) {
	a := &authority{name: name, spec: spec, now: now}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasSuffix(path, "_sk"):
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if a.key, err = msp.ParseKey(b); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		case strings.HasSuffix(path, ".pem"):
			if a.cert, err = readCert(path); err != nil {
				return nil, err
			}
		}
	}
	if a.key == nil || a.cert == nil || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, fmt.Errorf("%s holds no certificate (.pem) with its key (_sk)", dir)
	}
	return a, nil
}

// identity issues a signing certificate.
func (a *authority) identity(name string, ous []string, pub *ecdsa.PublicKey) (*x509.Certificate, error) {
	t, err := a.template(name)
	if err != nil {
		return nil, err
	}
	t.Subject.OrganizationalUnit = append(t.Subject.OrganizationalUnit, ous...)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	return a.issue(t, pub)
}

// tls issues a TLS certificate, good for either end. A SAN that reads as an IP address becomes one.
func (a *authority) tls(name string, sans []string, pub *ecdsa.PublicKey) (*x509.Certificate, error) {
	t, err := a.template(name)
	if err != nil {
		return nil, err
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, san := range sans {
		if ip := net.ParseIP(san); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, san)
		}
	}
	return a.issue(t, pub)
}

func (a *authority) issue(t *x509.Certificate, pub *ecdsa.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, pub, lowSigner{a.key})
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", t.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func (a *authority) template(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, err
	}
	start := a.now().Round(time.Minute).Add(-backdated).UTC()
	or := func(value, byDefault string) []string {
		if value == "" {
			value = byDefault
		}
		if value == "" {
			return nil
		}
		return []string{value}
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             start,
		NotAfter:              start.Add(lifetime),
		BasicConstraintsValid: true,
		Subject: pkix.Name{
			CommonName:         name,
			Country:            or(a.spec.Country, "US"),
			Province:           or(a.spec.Province, "California"),
			Locality:           or(a.spec.Locality, "San Francisco"),
			OrganizationalUnit: or(a.spec.OrganizationalUnit, ""),
			StreetAddress:      or(a.spec.StreetAddress, ""),
			PostalCode:         or(a.spec.PostalCode, ""),
		},
	}, nil
}

// newKey makes a key and writes it to dir under the name Fabric's keystore looks for.
func newKey(dir string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id, err := ski(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return key, writeKey(filepath.Join(dir, hex.EncodeToString(id)+"_sk"), key)
}

// ski is the subject key identifier: the SHA-256 of the uncompressed point.
func ski(pub *ecdsa.PublicKey) ([]byte, error) {
	point, err := pub.Bytes()
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(point)
	return h[:], nil
}

func certFile(name string) string { return name + "-cert.pem" }

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func writeCert(path string, cert *x509.Certificate) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o644)
}

func readCert(path string) (*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s: wrong PEM encoding", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}
