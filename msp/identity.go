package msp

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

var errNoIdentity = errors.New("no identity given")

// Identity is a certificate as one MSP sees it. It is immutable and safe for concurrent use.
type Identity struct {
	msp        *MSP
	serialized []byte
	cert       *x509.Certificate
	id         string
	pub        *ecdsa.PublicKey // nil for an RSA key, which can sign nothing here
	hot        *hotKey          // nil without KeyTables
	made       *Made            // nil if nobody remembers signatures
	half       []byte

	// chain leads from the certificate to a root; certifier is the hash of the certificates above the leaf. Neither is
	// set when chainErr is.
	chain     []*x509.Certificate
	certifier []byte
	chainErr  error

	validOnce sync.Once
	validErr  error

	mu         sync.RWMutex
	principals map[principalKey]error
}

// MSPID is the id of the MSP that the identity claims and was parsed by.
func (i *Identity) MSPID() string { return i.msp.id }

// ID is the lower-case hex hash of the (sanitised) certificate: together with MSPID it says who this is.
func (i *Identity) ID() string { return i.id }

// Serialized returns the msppb.SerializedIdentity bytes the identity was parsed from. Do not change them.
func (i *Identity) Serialized() []byte { return i.serialized }

// Certificate returns the certificate, rewritten to a low-S signature if it had a high one.
func (i *Identity) Certificate() *x509.Certificate { return i.cert }

// ExpiresAt is the certificate's NotAfter. Nothing in this package refuses an expired identity.
func (i *Identity) ExpiresAt() time.Time { return i.cert.NotAfter }

// Identity parses the bytes of a msppb.SerializedIdentity, which must name this MSP. Nothing is cached: see Manager.
func (m *MSP) Identity(serialized []byte) (*Identity, error) {
	var sid msppb.SerializedIdentity
	if err := wire.UnmarshalAs14(serialized, &sid); err != nil {
		return nil, fmt.Errorf("could not deserialize a SerializedIdentity: %w", err)
	}
	if sid.Mspid != m.id {
		return nil, fmt.Errorf("expected MSP ID %s, received %s", m.id, sid.Mspid)
	}
	return m.parse(sid.IdBytes, serialized)
}

// parse makes an identity of the PEM certificate in certPEM. The bytes of serialized are copied.
func (m *MSP) parse(certPEM, serialized []byte) (*Identity, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, errors.New("could not decode the PEM structure")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parseCertificate failed: %w", err)
	}
	id, err := m.identify(cert)
	if err != nil {
		return nil, err
	}
	id.serialized = append([]byte(nil), serialized...)
	return id, nil
}

// identify makes an identity, without its serialized form, of a certificate. The chain is verified here, once: sanitising
// needs the issuer, and validation the whole of it.
func (m *MSP) identify(cert *x509.Certificate) (*Identity, error) {
	id := &Identity{msp: m}
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		half, ok := halfOrders[key.Curve]
		if !ok {
			return nil, fmt.Errorf("failed to import certificate's public key: curve not recognized [%s]", key.Curve.Params().Name)
		}
		id.pub, id.half = key, half.Bytes()
	case *rsa.PublicKey:
	default:
		return nil, errors.New("failed to import certificate's public key: Certificate's public key type not recognized. Supported keys: [ECDSA, RSA]")
	}
	chain, err := uniqueChain(cert, m.verify)
	if isECDSASigned(cert) {
		if err != nil {
			return nil, err
		}
		if cert, err = sanitizeInChain(cert, chain); err != nil {
			return nil, err
		}
	}
	id.cert = cert
	id.id = hex.EncodeToString(m.identifier(cert.Raw))
	id.chain, id.chainErr = m.identityChain(cert, chain, err)
	if id.chainErr == nil {
		id.certifier = m.chainIdentifier(id.chain[1:])
	}
	return id, nil
}

func sanitizeInChain(cert *x509.Certificate, chain []*x509.Certificate) (*x509.Certificate, error) {
	switch {
	case len(chain) > 1:
		return sanitize(cert, chain[1])
	case cert.IsCA:
		return sanitize(cert, cert)
	}
	return nil, fmt.Errorf("expected a chain of length at least 2, got %d", len(chain))
}

// identityChain is the chain of a certificate that stands for somebody, or why it cannot.
func (m *MSP) identityChain(cert *x509.Certificate, chain []*x509.Certificate, err error) ([]*x509.Certificate, error) {
	if cert.IsCA {
		return nil, errors.New("An X509 certificate with Basic Constraint: Certificate Authority equals true cannot be used as an identity")
	}
	if err != nil {
		return nil, fmt.Errorf("failed getting validation chain: %w", err)
	}
	if len(chain) < 2 {
		return nil, fmt.Errorf("expected a chain of length at least 2, got %d", len(chain))
	}
	if m.inner[string(chain[1].Raw)] {
		return nil, fmt.Errorf("invalid validation chain. Parent certificate should be a leaf of the certification tree [SN: %x, issuer %s]",
			cert.SerialNumber, chain[1].Subject)
	}
	return chain, nil
}
