package cryptogen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"path/filepath"
	"time"
)

// CA is the signing CA of an organization, for whom more users are wanted than a tree of files should hold.
type CA struct{ sign *authority }

// OpenCA reads the CA of the organization in orgDir, such as crypto/peerOrganizations/org1.example.com.
func OpenCA(orgDir string) (*CA, error) {
	sign, err := loadAuthority(filepath.Join(orgDir, "ca"), filepath.Base(orgDir), Node{}, time.Now)
	if err != nil {
		return nil, err
	}
	return &CA{sign}, nil
}

// Client makes a key and a certificate that says its owner is a client, where NodeOUs are on. It may be called by many goroutines at once.
func (c *CA) Client(name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	cert, err := c.sign.identity(name, []string{ouClient}, &key.PublicKey)
	return cert, key, err
}
