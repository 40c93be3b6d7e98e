package msp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

// maxKeyFile is the largest file in a keystore that is looked at, in bytes.
const maxKeyFile = 1 << 16

// Signer is one's own identity with its private key. It is safe for concurrent use.
type Signer struct {
	identity *Identity
	key      *ecdsa.PrivateKey
}

// LoadSigner reads an MSP directory as a node or a client does: it builds the local MSP, takes the first certificate of
// signcerts, and the key of keystore (PKCS #8 or SEC 1, any file name) that belongs to it. The certificate must lead to the
// directory's CAs and not have expired.
//
// WithKeyStore names another place for the key.
func LoadSigner(dir, mspID string, opts ...Option) (*Signer, error) {
	certs, err := required(dir, dirSignCerts, "signer certificate")
	if err != nil {
		return nil, err
	}
	conf, err := LoadDir(dir, mspID)
	if err != nil {
		return nil, err
	}
	m, err := New(conf, opts...)
	if err != nil {
		return nil, err
	}
	cert, err := certFromPEM(certs[0])
	if err != nil {
		return nil, err
	}
	id, err := m.identify(cert)
	if err != nil {
		return nil, err
	}
	if id.pub == nil {
		return nil, fmt.Errorf("the certificate in %s has no ECDSA key", filepath.Join(dir, dirSignCerts))
	}
	o := settle(opts)
	key, err := findKey(o.keyStore(dir), id.pub)
	if err != nil {
		return nil, err
	}
	if late := o.now().Sub(id.ExpiresAt()); late >= 0 {
		return nil, fmt.Errorf("signing identity expired %v ago", late)
	}
	id.serialized = wire.MustMarshal(&msppb.SerializedIdentity{
		Mspid:   mspID,
		IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw}),
	})
	return &Signer{identity: id, key: key}, nil
}

// Sign returns the DER, low-S ECDSA signature over the hash of msg.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	_, der, err := s.sign(msg)
	return der, err
}

func (s *Signer) sign(msg []byte) (digest [32]byte, der []byte, err error) {
	if digest, err = s.identity.msp.digest(msg); err == nil {
		der, err = SignDigest(s.key, digest[:])
	}
	return digest, der, err
}

// Creator returns the msppb.SerializedIdentity bytes that go with the signatures. Do not change them.
func (s *Signer) Creator() []byte { return s.identity.serialized }

// Identity returns the public identity, as the local MSP sees it.
func (s *Signer) Identity() *Identity { return s.identity }

// MSP returns the local MSP that the signer was loaded with.
func (s *Signer) MSP() *MSP { return s.identity.msp }

// keyStore is the folder of private keys that goes with an MSP folder.
func (o *options) keyStore(dir string) string {
	if o.keys != "" {
		return o.keys
	}
	return filepath.Join(dir, dirKeyStore)
}

// findKey looks through a keystore for the private key of pub.
func findKey(dir string, pub *ecdsa.PublicKey) (*ecdsa.PrivateKey, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("KeyMaterial not found in SigningIdentityInfo: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || info.Size() > maxKeyFile {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if key, err := ParseKey(b); err == nil && key.PublicKey.Equal(pub) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("KeyMaterial not found in SigningIdentityInfo: none of the %d files in %s is the private key of the certificate in %s",
		len(entries), dir, dirSignCerts)
}

// ParseKey reads a PEM private key, PKCS #8 or SEC 1, whatever the block's type says. It must be ECDSA.
func ParseKey(b []byte) (*ecdsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			return nil, errors.New("no ECDSA private key in PEM form")
		}
		b = rest
		if block.Type == "EC PARAMETERS" { // openssl writes these before the key
			continue
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if ec, ok := key.(*ecdsa.PrivateKey); ok {
				return ec, nil
			}
			return nil, fmt.Errorf("the private key is %T; only ECDSA keys are used", key)
		}
		return x509.ParseECPrivateKey(block.Bytes)
	}
}

// SignDigest returns the DER ECDSA signature over a digest, with low S. Certificates are signed so too: an MSP rewrites
// a high-S certificate when it meets one, but cannot find a root that was rewritten in its OU configuration.
//
// The signature's secret number follows from key and digest (RFC 6979), so that no weak source of randomness can give the key away. The standard
// library derives it with the hash it is told, and SHA-256, for which processors have instructions, makes that a quarter of all signing cheaper than
// the SHA-512 that it takes for random ones.
func SignDigest(key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	sig, err := key.Sign(nil, digest, deriving(digest))
	if err != nil {
		return nil, err
	}
	if hasLowS(key.Curve, sig) { // as every other one
		return sig, nil
	}
	return lowS(key.Curve, sig)
}

// deriving is the hash to derive the secret number with: the one with digests of that length. Any would do, but the standard library insists on that.
func deriving(digest []byte) crypto.Hash {
	switch len(digest) {
	case crypto.SHA384.Size():
		return crypto.SHA384
	case crypto.SHA512.Size():
		return crypto.SHA512
	}
	return crypto.SHA256
}

func hasLowS(curve elliptic.Curve, sig []byte) bool {
	_, s, ok := strict(sig)
	half := halfOrders[curve]
	return ok && half != nil && new(big.Int).SetBytes(s).Cmp(half) <= 0
}
