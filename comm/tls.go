package comm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Roots is a set of CA certificates that can be replaced while servers use it.
type Roots struct {
	pool atomic.Pointer[x509.CertPool]
}

// NewRoots returns a set of the certificates in pems, each of which may hold several PEM blocks.
func NewRoots(pems ...[]byte) (*Roots, error) {
	r := &Roots{}
	return r, r.Set(pems...)
}

// Set replaces the set. On an error the set stays what it was.
func (r *Roots) Set(pems ...[]byte) error {
	pool, err := certPool(pems)
	if err != nil {
		return err
	}
	r.pool.Store(pool)
	return nil
}

// Pool is the present set. It must not be changed.
func (r *Roots) Pool() *x509.CertPool {
	if r == nil {
		return x509.NewCertPool()
	}
	if p := r.pool.Load(); p != nil {
		return p
	}
	return x509.NewCertPool()
}

func certPool(pems [][]byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for i, rest := range pems {
		found := false
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("TLS root certificate %d: %w", i, err)
			}
			pool.AddCert(cert)
			found = true
		}
		if !found {
			return nil, fmt.Errorf("TLS root certificate %d holds no PEM block of type CERTIFICATE", i)
		}
	}
	return pool, nil
}

// Certificate is a TLS certificate with its key, which can be replaced while servers use it.
type Certificate struct {
	pair atomic.Pointer[tls.Certificate]
}

// NewCertificate begins with a certificate.
func NewCertificate(pair tls.Certificate) *Certificate {
	c := &Certificate{}
	c.Set(pair)
	return c
}

// Set replaces the certificate, from the next handshake on.
func (c *Certificate) Set(pair tls.Certificate) { c.pair.Store(&pair) }

// Get is the present certificate. It must not be changed.
func (c *Certificate) Get() *tls.Certificate { return c.pair.Load() }

// ForHandshake is Get as crypto/tls asks for a server's certificate.
func (c *Certificate) ForHandshake(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.Get(), nil
}

// ServerTLS says how a server proves who it is and whom it lets in.
type ServerTLS struct {
	Certificate       *Certificate
	RequireClientCert bool          // mutual TLS: a client without a certificate of ClientRoots is refused in the handshake
	ClientRoots       *Roots        // read at each handshake
	TimeShift         time.Duration // how far the clock is set back when a client's certificate is checked
}

// config is the server's side of a handshake. Without RequireClientCert a certificate is asked for but not checked, as in Fabric: it
// serves only to bind requests to the connection.
func (s *ServerTLS) config() *tls.Config {
	base := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		GetCertificate:         s.Certificate.ForHandshake,
		ClientAuth:             tls.RequestClientCert,
		SessionTicketsDisabled: true, // a resumed session would outlive a change of ClientRoots
		NextProtos:             []string{"h2"},
	}
	if s.TimeShift != 0 {
		base.Time = func() time.Time { return time.Now().Add(-s.TimeShift) }
	}
	if s.RequireClientCert {
		base.ClientAuth = tls.RequireAndVerifyClientCert
		base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c := base.Clone()
			c.GetConfigForClient = nil
			c.ClientCAs = s.ClientRoots.Pool()
			return c, nil
		}
	}
	return base
}

// ClientTLS says whom a client trusts and what it shows of itself.
type ClientTLS struct {
	Roots       *Roots
	Certificate *tls.Certificate // shown to servers that ask; nil shows none
	ServerName  string           // checked instead of the address's host when set
	TimeShift   time.Duration    // how far the clock is set back when the server's certificate is checked
}

func (c *ClientTLS) config() *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots.Pool(), ServerName: c.ServerName}
	if c.Certificate != nil {
		conf.Certificates = []tls.Certificate{*c.Certificate}
	}
	if c.TimeShift != 0 {
		conf.Time = func() time.Time { return time.Now().Add(-c.TimeShift) }
	}
	return conf
}

// CertHash is the SHA-256 of the client's own TLS certificate, for the tls_cert_hash of the requests it signs; nil if it shows none.
func (c *ClientTLS) CertHash() []byte {
	if c == nil || c.Certificate == nil || len(c.Certificate.Certificate) == 0 {
		return nil
	}
	sum := sha256.Sum256(c.Certificate.Certificate[0])
	return sum[:]
}

// LoadRoots reads the PEM files.
func LoadRoots(files ...string) (*Roots, error) {
	pems := make([][]byte, len(files))
	for i, f := range files {
		var err error
		if pems[i], err = os.ReadFile(f); err != nil {
			return nil, fmt.Errorf("reading a TLS root certificate: %w", err)
		}
	}
	r, err := NewRoots(pems...)
	if err != nil {
		return nil, fmt.Errorf("%w (files: %q)", err, files)
	}
	return r, nil
}

// PeerCertificate is the leaf certificate that the other end of ctx's connection showed, or nil. Whether it was verified depends on the
// server's settings.
func PeerCertificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil
	}
	return info.State.PeerCertificates[0]
}

// RemoteAddress is the address of the other end of ctx's connection, for log lines.
func RemoteAddress(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

// CheckBinding tells whether a request that claims to come from the holder of a TLS certificate does: claimed, the tls_cert_hash of its
// channel header, must be the SHA-256 of the certificate that the connection of ctx was opened with. Only servers that require client
// certificates ask for it.
func CheckBinding(ctx context.Context, claimed []byte) error {
	if len(claimed) == 0 {
		return errors.New("client didn't include its TLS cert hash")
	}
	cert := PeerCertificate(ctx)
	if cert == nil {
		return errors.New("client didn't send a TLS certificate")
	}
	if actual := sha256.Sum256(cert.Raw); !bytes.Equal(actual[:], claimed) {
		return fmt.Errorf("claimed TLS cert hash is %x but actual TLS cert hash is %x", claimed, actual)
	}
	return nil
}
