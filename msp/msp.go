// Package msp decides who an X.509 certificate is: membership service providers, identities, principals and signing.
package msp

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/heddleledger/heddle/wire/msppb"
)

// Version selects the rules an MSP follows; the channel's capabilities choose it.
type Version int

const (
	// V1_0 knows no NodeOUs.
	V1_0 Version = iota
	// V1_1 adds client and peer NodeOUs.
	V1_1
	// V1_3 adds anonymity and combined principals.
	V1_3
	// V1_4_3 adds admin and orderer NodeOUs.
	V1_4_3
)

// Option adjusts New, LoadSigner and LoadLocal.
type Option func(*options)

type options struct {
	version Version
	now     func() time.Time
}

// WithVersion sets the MSP's version; the default is V1_4_3, as for a local MSP.
func WithVersion(v Version) Option { return func(o *options) { o.version = v } }

// WithClock sets the clock that a signing identity's expiry is held against.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// Identity is a parsed certificate of one MSP. It is immutable and safe for concurrent use.
type Identity struct{}

// MSPID is the id of the MSP that issued the identity.
func (i *Identity) MSPID() string { return "" }

// ID is the lower-case hex SHA-256 of the (sanitised) certificate: with MSPID it says who this is.
func (i *Identity) ID() string { return "" }

// Serialized returns the msppb.SerializedIdentity bytes the identity was made from.
func (i *Identity) Serialized() []byte { return nil }

// Certificate returns the (sanitised) certificate.
func (i *Identity) Certificate() *x509.Certificate { return nil }

// ExpiresAt is the certificate's NotAfter.
func (i *Identity) ExpiresAt() time.Time { return time.Time{} }

// Verify checks an ECDSA signature over SHA-256 of msg; high S is refused.
func (i *Identity) Verify(msg, sig []byte) error { return errUnbuilt }

// MSP is one membership service provider.
type MSP struct{}

var errUnbuilt = errors.New("msp: not built yet")

// New builds an MSP from its configuration and checks the configuration.
func New(conf *msppb.MSPConfig, opts ...Option) (*MSP, error) { return nil, errUnbuilt }

// ID is the MSP's name.
func (m *MSP) ID() string { return "" }

// Version is the version New was told.
func (m *MSP) Version() Version { return V1_4_3 }

// Identity parses serialized; the MSP id in it must be this MSP's.
func (m *MSP) Identity(serialized []byte) (*Identity, error) { return nil, errUnbuilt }

// Validate checks chain, revocation and OUs of an identity.
func (m *MSP) Validate(id *Identity) error { return errUnbuilt }

// Satisfies checks an identity against a principal.
func (m *MSP) Satisfies(id *Identity, p *msppb.MSPPrincipal) error { return errUnbuilt }

// TLSRootCerts returns the PEM TLS root certificates.
func (m *MSP) TLSRootCerts() [][]byte { return nil }

// TLSIntermediateCerts returns the PEM TLS intermediate certificates.
func (m *MSP) TLSIntermediateCerts() [][]byte { return nil }

// LoadDir reads an MSP directory into a verifying configuration (no signing identity).
func LoadDir(dir, mspID string) (*msppb.MSPConfig, error) { return nil, errUnbuilt }

// Manager holds the MSPs of a channel and caches the identities it has parsed.
type Manager struct{}

// NewManager makes a manager of the given MSPs.
func NewManager(msps ...*MSP) *Manager { return &Manager{} }

// Identity parses serialized; the MSP must be known, the identity is not validated.
func (m *Manager) Identity(serialized []byte) (*Identity, error) { return nil, errUnbuilt }

// Validate checks chain, revocation and OUs of an identity; the answer is cached.
func (m *Manager) Validate(id *Identity) error { return errUnbuilt }

// Satisfies checks an identity against a principal; the answer is cached.
func (m *Manager) Satisfies(id *Identity, p *msppb.MSPPrincipal) error { return errUnbuilt }

// MSP returns the MSP with the given id.
func (m *Manager) MSP(id string) (*MSP, bool) { return nil, false }

// MSPs returns the MSPs sorted by id.
func (m *Manager) MSPs() []*MSP { return nil }

// Signer is an identity with its private key.
type Signer struct{}

// LoadSigner reads the signing identity (signcerts, keystore) of an MSP directory.
func LoadSigner(dir, mspID string, opts ...Option) (*Signer, error) { return nil, errUnbuilt }

// Sign returns the DER, low-S ECDSA signature over SHA-256 of msg.
func (s *Signer) Sign(msg []byte) ([]byte, error) { return nil, errUnbuilt }

// Creator returns the serialized identity.
func (s *Signer) Creator() []byte { return nil }

// Identity returns the public identity.
func (s *Signer) Identity() *Identity { return nil }

// MSP returns the local MSP the signer was loaded with.
func (s *Signer) MSP() *MSP { return nil }

// ExpiresAt returns the NotAfter of the certificate in a serialized identity, or the zero time if there is none to read.
func ExpiresAt(serialized []byte) time.Time { return time.Time{} }

// Role returns the principal "role of mspID".
func Role(mspID string, role msppb.MSPRole_MSPRoleType) *msppb.MSPPrincipal { return nil }
