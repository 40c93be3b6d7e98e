package msp

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire/msppb"
)

func (m *MSP) setup(conf *msppb.FabricMSPConfig) error {
	if err := m.setupHashes(conf.CryptoConfig); err != nil {
		return err
	}
	if err := m.setupCAs(conf); err != nil {
		return err
	}
	for _, b := range conf.RevocationList {
		c, err := parseCRL(b)
		if err != nil {
			return err
		}
		m.crls = append(m.crls, c)
	}
	if err := m.checkCAs(); err != nil {
		return err
	}
	if err := m.setupTLS(conf); err != nil {
		return err
	}
	if err := m.setupOUIdentifiers(conf.OrganizationalUnitIdentifiers); err != nil {
		return err
	}
	if err := m.setupNodeOUs(conf.FabricNodeOus); err != nil {
		return err
	}
	return m.setupAdmins(conf.Admins)
}

func (m *MSP) setupHashes(conf *msppb.FabricCryptoConfig) error {
	m.signatureHash, m.identifierHash = conf.GetSignatureHashFamily(), conf.GetIdentityIdentifierHashFunction()
	if m.signatureHash == "" {
		m.signatureHash = familySHA2
	}
	switch m.identifierHash {
	case "":
		m.identifierHash = hashSHA256
	case hashSHA256, "SHA384", "SHA3_256", "SHA3_384":
	default:
		return fmt.Errorf("failed getting hash function options: hash function not recognized [%s]", m.identifierHash)
	}
	return nil
}

// setupCAs fills the pools twice: sanitising a CA's certificate needs its chain, hence a pool of the certificates as
// configured, and members are then verified against the sanitised ones.
func (m *MSP) setupCAs(conf *msppb.FabricMSPConfig) error {
	if len(conf.RootCerts) == 0 {
		return errors.New("expected at least one CA certificate")
	}
	roots, err := certsFromPEM(conf.RootCerts)
	if err != nil {
		return err
	}
	intermediates, err := certsFromPEM(conf.IntermediateCerts)
	if err != nil {
		return err
	}
	m.verify = pools(roots, intermediates)
	if m.roots, err = m.sanitizeAll(roots); err != nil {
		return err
	}
	if m.intermediates, err = m.sanitizeAll(intermediates); err != nil {
		return err
	}
	m.verify = pools(m.roots, m.intermediates)
	return nil
}

func (m *MSP) checkCAs() error {
	for _, ca := range append(append([]*x509.Certificate{}, m.roots...), m.intermediates...) {
		if err := checkCA(ca); err != nil {
			return err
		}
		if err := m.validCA(ca, m.verify); err != nil {
			return err
		}
	}
	m.inner = map[string]bool{}
	for _, ca := range m.intermediates {
		chain, err := uniqueChain(ca, m.verify)
		if err != nil {
			return fmt.Errorf("failed getting validation chain, (SN: %s): %w", ca.SerialNumber, err)
		}
		for _, above := range chain[1:] {
			m.inner[string(above.Raw)] = true
		}
	}
	return nil
}

func (m *MSP) validCA(ca *x509.Certificate, opts x509.VerifyOptions) error {
	chain, err := uniqueChain(ca, opts)
	if err != nil {
		err = fmt.Errorf("could not obtain certification chain: %w", err)
	} else if len(chain) > 1 {
		err = m.revoked(ca, chain[1])
	}
	if err != nil {
		return fmt.Errorf("CA Certificate is not valid, (SN: %s): %w", ca.SerialNumber, err)
	}
	return nil
}

// setupTLS checks the TLS CAs as it does the others. Fabric verifies these alone against today's date, so that a channel
// cannot be opened any more once a TLS CA has expired; here they are verified at their own NotBefore like the rest, and
// TLS handshakes are what an expired one fails.
func (m *MSP) setupTLS(conf *msppb.FabricMSPConfig) error {
	roots, err := certsFromPEM(conf.TlsRootCerts)
	if err != nil {
		return err
	}
	intermediates, err := certsFromPEM(conf.TlsIntermediateCerts)
	if err != nil {
		return err
	}
	opts := pools(roots, intermediates)
	for _, ca := range append(roots, intermediates...) {
		if err := checkCA(ca); err != nil {
			return err
		}
		if err := m.validCA(ca, opts); err != nil {
			return err
		}
	}
	m.tlsRoots, m.tlsIntermediates = conf.TlsRootCerts, conf.TlsIntermediateCerts
	return nil
}

func (m *MSP) setupOUIdentifiers(conf []*msppb.FabricOUIdentifier) error {
	m.ouIdentifiers = map[string][][]byte{}
	for _, ou := range conf {
		certifier, err := m.certifier(ou.GetCertificate())
		if err != nil {
			return fmt.Errorf("failed getting certificate for [%s]: %w", ou.GetOrganizationalUnitIdentifier(), err)
		}
		m.ouIdentifiers[ou.GetOrganizationalUnitIdentifier()] = append(m.ouIdentifiers[ou.GetOrganizationalUnitIdentifier()], certifier)
	}
	return nil
}

func (m *MSP) setupNodeOUs(conf *msppb.FabricNodeOUs) error {
	if conf == nil || m.version < V1_1 {
		return nil
	}
	configured := map[msppb.MSPRole_MSPRoleType]*msppb.FabricOUIdentifier{
		msppb.MSPRole_CLIENT: conf.ClientOuIdentifier,
		msppb.MSPRole_PEER:   conf.PeerOuIdentifier,
	}
	if m.version >= V1_4_3 {
		configured[msppb.MSPRole_ADMIN] = conf.AdminOuIdentifier
		configured[msppb.MSPRole_ORDERER] = conf.OrdererOuIdentifier
	} else if conf.ClientOuIdentifier.GetOrganizationalUnitIdentifier() == "" {
		return errors.New("Failed setting up NodeOUs. ClientOU must be different from nil.")
	} else if conf.PeerOuIdentifier.GetOrganizationalUnitIdentifier() == "" {
		return errors.New("Failed setting up NodeOUs. PeerOU must be different from nil.")
	}
	for _, role := range nodeRoles {
		c := configured[role]
		if c == nil {
			continue
		}
		ou := &nodeOU{name: c.OrganizationalUnitIdentifier}
		if len(c.Certificate) != 0 {
			var err error
			if ou.certifier, err = m.certifier(c.Certificate); err != nil {
				return err
			}
		}
		m.nodeOUs[role] = ou
	}
	m.enforceOUs = conf.Enable && len(m.nodeOUs) > 0
	return nil
}

// setupAdmins takes the listed admins, who must be members. Under NodeOUs they must be clients (or, from V1_4_3, carry the
// client or the admin OU), and from V1_4_3 the list may be empty if an admin OU is there instead.
func (m *MSP) setupAdmins(conf [][]byte) error {
	if m.version >= V1_4_3 && len(conf) == 0 && (!m.enforceOUs || m.nodeOUs[msppb.MSPRole_ADMIN] == nil) {
		return errors.New("administrators must be declared when no admin ou classification is set")
	}
	m.admins = make(map[string]bool, len(conf))
	for i, b := range conf {
		cert, err := certFromPEM(b)
		if err != nil {
			return err
		}
		id, err := m.identify(cert)
		if err != nil {
			return err
		}
		if err := m.checkAdmin(id); err != nil {
			return fmt.Errorf("admin %d is invalid%w", i, err)
		}
		m.admins[string(id.cert.Raw)] = true
	}
	return nil
}

func (m *MSP) checkAdmin(id *Identity) error {
	var err error
	switch {
	case !m.enforceOUs:
		err = m.Validate(id)
	case m.version < V1_4_3:
		err = m.validInRole(id, msppb.MSPRole_CLIENT, "a [CLIENT]")
	default:
		asClient, asAdmin := m.hasRole(id, msppb.MSPRole_CLIENT), m.hasRole(id, msppb.MSPRole_ADMIN)
		if asClient != nil && asAdmin != nil {
			return fmt.Errorf(" [%w,%w]", asClient, asAdmin)
		}
	}
	if err != nil {
		return fmt.Errorf(": %w", err)
	}
	return nil
}

// certifier returns the certifiers' identifier of an OU configured with a CA's PEM certificate, which must be one of the
// MSP's own CAs.
func (m *MSP) certifier(certPEM []byte) ([]byte, error) {
	cert, err := certFromPEM(certPEM)
	if err != nil {
		return nil, fmt.Errorf("Failed getting certificate for [%.40q]: [%w]", certPEM, err)
	}
	if cert, err = m.sanitizeCA(cert); err != nil {
		return nil, fmt.Errorf("sanitizeCert failed %w", err)
	}
	if contains(m.roots, cert) {
		return m.chainIdentifier([]*x509.Certificate{cert}), nil
	}
	if !contains(m.intermediates, cert) {
		return nil, fmt.Errorf("Failed adding OU. Certificate [%s, SN: %x] not in root or intermediate certs.", cert.Subject, cert.SerialNumber)
	}
	chain, err := uniqueChain(cert, m.verify)
	if err != nil {
		return nil, fmt.Errorf("Failed computing validation chain for [%s]. [failed getting validation chain: %w]", cert.Subject, err)
	}
	if len(chain) < 2 || m.inner[string(cert.Raw)] {
		return nil, fmt.Errorf("Failed computing validation chain for [%s]. [invalid validation chain. Parent certificate should be a leaf of the certification tree]",
			cert.Subject)
	}
	return m.chainIdentifier(chain), nil
}

func (m *MSP) sanitizeAll(certs []*x509.Certificate) ([]*x509.Certificate, error) {
	clean := make([]*x509.Certificate, len(certs))
	for i, c := range certs {
		var err error
		if clean[i], err = m.sanitizeCA(c); err != nil {
			return nil, err
		}
	}
	return clean, nil
}

func (m *MSP) sanitizeCA(cert *x509.Certificate) (*x509.Certificate, error) {
	if !isECDSASigned(cert) {
		return cert, nil
	}
	chain, err := uniqueChain(cert, m.verify)
	if err != nil {
		return nil, err
	}
	return sanitizeInChain(cert, chain)
}

func certsFromPEM(pems [][]byte) ([]*x509.Certificate, error) {
	certs := make([]*x509.Certificate, len(pems))
	for i, b := range pems {
		var err error
		if certs[i], err = certFromPEM(b); err != nil {
			return nil, err
		}
	}
	return certs, nil
}

func pools(roots, intermediates []*x509.Certificate) x509.VerifyOptions {
	opts := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, c := range roots {
		opts.Roots.AddCert(c)
	}
	for _, c := range intermediates {
		opts.Intermediates.AddCert(c)
	}
	return opts
}

func contains(certs []*x509.Certificate, cert *x509.Certificate) bool {
	for _, c := range certs {
		if bytes.Equal(c.Raw, cert.Raw) {
			return true
		}
	}
	return false
}
