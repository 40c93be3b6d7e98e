package msp

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire/msppb"
)

// Validate checks that the identity's chain ends in this MSP's roots, that it is not revoked, and that its OUs are those
// the MSP asks for. The answer is computed once per identity. Expiry is not looked at.
func (m *MSP) Validate(id *Identity) error {
	if id == nil {
		return errNoIdentity
	}
	if id.msp != m {
		own, err := m.Identity(id.serialized)
		if err != nil {
			return err
		}
		id = own
	}
	id.validOnce.Do(func() { id.validErr = m.validate(id) })
	return id.validErr
}

func (m *MSP) validate(id *Identity) error {
	if id.chainErr != nil {
		return fmt.Errorf("could not obtain certification chain: %w", id.chainErr)
	}
	if err := m.revoked(id.cert, id.chain[1]); err != nil {
		return fmt.Errorf("could not validate identity against certification chain: %w", err)
	}
	if err := m.checkOUs(id); err != nil {
		return fmt.Errorf("could not validate identity's OUs: %w", err)
	}
	return nil
}

// crl is a certificate revocation list as validation needs it.
type crl struct {
	list    *x509.RevocationList
	serials map[string]bool // big-endian serial numbers
}

func parseCRL(b []byte) (crl, error) {
	if block, _ := pem.Decode(b); block != nil && block.Type == "X509 CRL" {
		b = block.Bytes
	}
	list, err := x509.ParseRevocationList(b)
	if err != nil {
		return crl{}, fmt.Errorf("could not parse RevocationList: %w", err)
	}
	c := crl{list: list, serials: make(map[string]bool, len(list.RevokedCertificateEntries))}
	for _, e := range list.RevokedCertificateEntries {
		c.serials[string(e.SerialNumber.Bytes())] = true
	}
	return c, nil
}

// revoked says whether a CRL that issuer signed lists cert. A CRL counts from the moment it is in the configuration; its
// dates are not looked at. A CRL that only claims to be of the issuer is passed over.
func (m *MSP) revoked(cert, issuer *x509.Certificate) error {
	for _, c := range m.crls {
		if c.list.AuthorityKeyId == nil {
			return errors.New("could not obtain Authority Key Identifier for crl: authorityKeyIdentifier not found in certificate")
		}
		if !bytes.Equal(c.list.AuthorityKeyId, issuer.SubjectKeyId) || !c.serials[string(cert.SerialNumber.Bytes())] {
			continue
		}
		if issuer.CheckSignature(c.list.SignatureAlgorithm, c.list.RawTBSRevocationList, c.list.Signature) == nil {
			return errors.New("The certificate has been revoked")
		}
	}
	return nil
}

// checkOUs holds the identity's organizational units against the OU identifiers and, when NodeOUs are enforced, wants
// exactly one of the node OUs among them.
func (m *MSP) checkOUs(id *Identity) error {
	if err := m.checkOUIdentifiers(id); err != nil {
		return err
	}
	if m.version < V1_1 || !m.enforceOUs {
		return nil
	}
	found := 0
	for _, name := range id.ous() {
		for _, role := range nodeRoles {
			ou := m.nodeOUs[role]
			if ou == nil || ou.name != name {
				continue
			}
			if len(ou.certifier) != 0 && !bytes.Equal(ou.certifier, id.certifier) {
				return fmt.Errorf("certifiersIdentifier does not match: %s, MSP: [%s]", id.ouText(), m.id)
			}
			found++
			break
		}
	}
	switch {
	case found == 1:
		return nil
	case m.version < V1_4_3:
		return fmt.Errorf("the identity must be a client or a peer identity to be valid, not a combination of them. OUs: %s, MSP: [%s]", id.ouText(), m.id)
	}
	return fmt.Errorf("the identity must be a client, a peer, an orderer or an admin identity to be valid, not a combination of them. OUs: %s, MSP: [%s]",
		id.ouText(), m.id)
}

func (m *MSP) checkOUIdentifiers(id *Identity) error {
	if len(m.ouIdentifiers) == 0 {
		return nil
	}
	for _, name := range id.ous() {
		for _, certifier := range m.ouIdentifiers[name] {
			if bytes.Equal(certifier, id.certifier) {
				return nil
			}
		}
	}
	if len(id.ous()) == 0 {
		return errors.New("the identity certificate does not contain an Organizational Unit (OU)")
	}
	return fmt.Errorf("none of the identity's organizational units %s are in MSP %s", id.ouText(), m.id)
}

// hasRole says whether the identity carries the node OU of role. It does not ask who certified it: Validate does.
func (m *MSP) hasRole(id *Identity, role msppb.MSPRole_MSPRoleType) error {
	if !m.enforceOUs {
		return errors.New("NodeOUs not activated. Cannot tell apart identities.")
	}
	ou := m.nodeOUs[role]
	if ou == nil {
		return fmt.Errorf("cannot test for classification, node ou for type [%s], not defined, msp: [%s]", role, m.id)
	}
	for _, name := range id.ous() {
		if name == ou.name {
			return nil
		}
	}
	return fmt.Errorf("The identity does not contain OU [%s], MSP: [%s]", role, m.id)
}

// ous are the certificate's OUs, none when its chain is not this MSP's.
func (i *Identity) ous() []string {
	if i.chainErr != nil {
		return nil
	}
	return i.cert.Subject.OrganizationalUnit
}

// ouText prints the OUs as Fabric does: each with the first bytes of its certifiers' identifier.
func (i *Identity) ouText() string {
	var parts []string
	for _, name := range i.ous() {
		parts = append(parts, fmt.Sprintf("%s(%X)", name, i.certifier[:8]))
	}
	return fmt.Sprint(parts)
}
