package msp

import (
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/msppb"
)

const (
	// typeFabric and typeIdemix are the values of MSPConfig.type.
	typeFabric = 0
	typeIdemix = 1

	familySHA2 = "SHA2"
	familySHA3 = "SHA3"
	hashSHA256 = "SHA256"
)

// nodeRoles are the roles that a NodeOU can stand for.
var nodeRoles = [...]msppb.MSPRole_MSPRoleType{
	msppb.MSPRole_CLIENT, msppb.MSPRole_PEER, msppb.MSPRole_ADMIN, msppb.MSPRole_ORDERER,
}

// MSP is one membership service provider: the rules of one organization. It is immutable and safe for concurrent use.
type MSP struct {
	id      string
	version Version

	signatureHash  string // SHA2 or SHA3
	identifierHash string // SHA256, SHA384, SHA3_256 or SHA3_384

	roots, intermediates []*x509.Certificate
	verify               x509.VerifyOptions
	// inner holds the raw certificates of CAs that have certified another CA of this MSP; they may not certify members.
	inner map[string]bool

	admins map[string]bool // raw certificates
	crls   []crl

	// ouIdentifiers, when there are any, are the OUs of which a member must have one: name to certifiers' identifiers.
	ouIdentifiers map[string][][]byte
	enforceOUs    bool
	nodeOUs       map[msppb.MSPRole_MSPRoleType]*nodeOU

	tlsRoots, tlsIntermediates [][]byte
}

// nodeOU is the organizational unit that marks a role. An empty certifier accepts any certification path.
type nodeOU struct {
	name      string
	certifier []byte
}

// New builds an MSP from its configuration and checks the configuration: that the CAs are CAs and valid, the admins are
// members, the OUs refer to CAs of this MSP. A signing identity in conf is not looked at: see LoadSigner.
func New(conf *msppb.MSPConfig, opts ...Option) (*MSP, error) {
	if conf == nil {
		return nil, errors.New("Setup error: nil conf reference")
	}
	switch conf.Type {
	case typeFabric:
	case typeIdemix:
		return nil, fmt.Errorf("Setup error: unsupported msp type %d (idemix); only X.509 MSPs (type %d) are implemented", conf.Type, typeFabric)
	default:
		return nil, fmt.Errorf("Setup error: unsupported msp type %d", conf.Type)
	}
	var fabric msppb.FabricMSPConfig
	if err := proto.Unmarshal(conf.Config, &fabric); err != nil {
		return nil, fmt.Errorf("failed unmarshalling fabric msp config: %w", err)
	}
	o := settle(opts)
	if o.version < V1_0 || o.version > V1_4_3 {
		return nil, fmt.Errorf("Invalid MSP version [%d]", o.version)
	}
	m := &MSP{id: fabric.Name, version: o.version, nodeOUs: map[msppb.MSPRole_MSPRoleType]*nodeOU{}}
	if err := m.setup(&fabric); err != nil {
		return nil, err
	}
	return m, nil
}

// ID is the MSP's name, such as Org1MSP.
func (m *MSP) ID() string { return m.id }

// TLSRootCerts returns the PEM TLS root certificates as configured.
func (m *MSP) TLSRootCerts() [][]byte { return m.tlsRoots }

// TLSIntermediateCerts returns the PEM TLS intermediate certificates as configured.
func (m *MSP) TLSIntermediateCerts() [][]byte { return m.tlsIntermediates }

// digest hashes a message in parts for signing: 32 bytes, whatever the key's curve.
func (m *MSP) digest(parts ...[]byte) (digest [32]byte, err error) {
	var h hash.Hash
	switch m.signatureHash {
	case familySHA2:
		h = sha256.New()
	case familySHA3:
		h = sha3.New256()
	default:
		return digest, fmt.Errorf("failed getting hash function options: hash familiy not recognized [%s]", m.signatureHash)
	}
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(digest[:0])
	return digest, nil
}

// identifier hashes what Fabric calls identifiers: a certificate, or a run of them. setup made sure that the name is known.
func (m *MSP) identifier(b []byte) []byte {
	switch m.identifierHash {
	case "SHA384":
		h := sha512.Sum384(b)
		return h[:]
	case "SHA3_256":
		h := sha3.Sum256(b)
		return h[:]
	case "SHA3_384":
		h := sha3.Sum384(b)
		return h[:]
	}
	h := sha256.Sum256(b)
	return h[:]
}

// chainIdentifier is the certifiers' identifier: the hash of the certificates from an issuer up to the root.
func (m *MSP) chainIdentifier(chain []*x509.Certificate) []byte {
	var all []byte
	for _, c := range chain {
		all = append(all, c.Raw...)
	}
	return m.identifier(all)
}
