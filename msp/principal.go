package msp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

const (
	// maxPrincipals is how many answers an identity remembers. Key-level policies are written by chaincode, so the number
	// of distinct principals has no bound of its own.
	maxPrincipals = 256
	// maxCombined is how deep combined principals may nest.
	maxCombined = 64
)

type principalKey struct {
	class msppb.MSPPrincipal_Classification
	value string
}

// Role returns the principal that stands for whoever has role in the MSP.
func Role(mspID string, role msppb.MSPRole_MSPRoleType) *msppb.MSPPrincipal {
	return &msppb.MSPPrincipal{
		PrincipalClassification: msppb.MSPPrincipal_ROLE,
		Principal:               wire.MustMarshal(&msppb.MSPRole{MspIdentifier: mspID, Role: role}),
	}
}

// Satisfies returns nil if the identity matches the principal, else why not. Answers are remembered in the identity.
func (m *MSP) Satisfies(id *Identity, p *msppb.MSPPrincipal) error {
	if id == nil {
		return errNoIdentity
	}
	if p == nil {
		return errors.New("no principal given")
	}
	if id.msp != m {
		own, err := m.Identity(id.serialized)
		if err != nil {
			return err
		}
		id = own
	}
	id.mu.RLock()
	err, known := id.principals[principalKey{p.PrincipalClassification, string(p.Principal)}]
	id.mu.RUnlock()
	if known {
		return err
	}
	err = m.satisfiesAll(id, p, 0)
	if len(p.Principal) > cacheMaxKey {
		return err
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.principals == nil || len(id.principals) >= maxPrincipals {
		id.principals = map[principalKey]error{}
	}
	id.principals[principalKey{p.PrincipalClassification, string(p.Principal)}] = err
	return err
}

// satisfiesAll takes a combined principal apart; every part must be satisfied.
func (m *MSP) satisfiesAll(id *Identity, p *msppb.MSPPrincipal, depth int) error {
	if p.GetPrincipalClassification() != msppb.MSPPrincipal_COMBINED {
		return m.satisfies(id, p)
	}
	if m.version <= V1_1 {
		return fmt.Errorf("invalid principal type %d", p.PrincipalClassification)
	}
	if depth == maxCombined {
		return fmt.Errorf("combined principals nest deeper than %d levels", maxCombined)
	}
	var all msppb.CombinedPrincipal
	if err := wire.UnmarshalAs14(p.Principal, &all); err != nil {
		return fmt.Errorf("could not unmarshal CombinedPrincipal from principal: %w", err)
	}
	if len(all.Principals) == 0 {
		return errors.New("No principals in CombinedPrincipal")
	}
	for _, part := range all.Principals {
		if err := m.satisfiesAll(id, part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *MSP) satisfies(id *Identity, p *msppb.MSPPrincipal) error {
	switch p.GetPrincipalClassification() {
	case msppb.MSPPrincipal_ROLE:
		return m.satisfiesRole(id, p.GetPrincipal())
	case msppb.MSPPrincipal_IDENTITY:
		return m.satisfiesIdentity(id, p.Principal)
	case msppb.MSPPrincipal_ORGANIZATION_UNIT:
		return m.satisfiesOU(id, p.Principal)
	case msppb.MSPPrincipal_ANONYMITY:
		if m.version >= V1_3 {
			return satisfiesAnonymity(p.Principal)
		}
	}
	return fmt.Errorf("invalid principal type %d", p.PrincipalClassification)
}

func (m *MSP) satisfiesRole(id *Identity, principal []byte) error {
	var role msppb.MSPRole
	if err := wire.UnmarshalAs14(principal, &role); err != nil {
		return fmt.Errorf("could not unmarshal MSPRole from principal: %w", err)
	}
	if role.MspIdentifier != m.id {
		return fmt.Errorf("the identity is a member of a different MSP (expected %s, got %s)", role.MspIdentifier, id.MSPID())
	}
	nodeAdmins := m.version >= V1_4_3 && m.enforceOUs
	switch {
	case role.Role == msppb.MSPRole_MEMBER:
		return m.Validate(id)
	case role.Role == msppb.MSPRole_ADMIN && m.admins[string(id.cert.Raw)]:
		return nil // a listed admin was validated when the MSP was set up
	case role.Role == msppb.MSPRole_ADMIN && !nodeAdmins:
		return errors.New("This identity is not an admin")
	case role.Role == msppb.MSPRole_ADMIN:
		return m.validInRole(id, role.Role, "an admin")
	case role.Role == msppb.MSPRole_CLIENT, role.Role == msppb.MSPRole_PEER, role.Role == msppb.MSPRole_ORDERER && nodeAdmins:
		return m.validInRole(id, role.Role, fmt.Sprintf("a [%s]", role.Role))
	}
	return fmt.Errorf("invalid MSP role type %d", role.Role)
}

func (m *MSP) validInRole(id *Identity, role msppb.MSPRole_MSPRoleType, what string) error {
	if err := m.Validate(id); err != nil {
		return fmt.Errorf("The identity is not valid under this MSP [%s]: %w", m.id, err)
	}
	if err := m.hasRole(id, role); err != nil {
		return fmt.Errorf("The identity is not %s under this MSP [%s]: %w", what, m.id, err)
	}
	return nil
}

func (m *MSP) satisfiesIdentity(id *Identity, principal []byte) error {
	want, err := m.Identity(principal)
	if err != nil {
		return fmt.Errorf("invalid identity principal, not a certificate: %w", err)
	}
	if !bytes.Equal(id.cert.Raw, want.cert.Raw) {
		return errors.New("The identities do not match")
	}
	return m.Validate(id)
}

func (m *MSP) satisfiesOU(id *Identity, principal []byte) error {
	var ou msppb.OrganizationUnit
	if err := wire.UnmarshalAs14(principal, &ou); err != nil {
		return fmt.Errorf("could not unmarshal OrganizationUnit from principal: %w", err)
	}
	if ou.MspIdentifier != m.id {
		return fmt.Errorf("the identity is a member of a different MSP (expected %s, got %s)", ou.MspIdentifier, id.MSPID())
	}
	if err := m.Validate(id); err != nil {
		return err
	}
	for _, name := range id.ous() {
		if name == ou.OrganizationalUnitIdentifier && bytes.Equal(id.certifier, ou.CertifiersIdentifier) {
			return nil
		}
	}
	return errors.New("The identities do not match")
}

func satisfiesAnonymity(principal []byte) error {
	var a msppb.MSPIdentityAnonymity
	if err := wire.UnmarshalAs14(principal, &a); err != nil {
		return fmt.Errorf("could not unmarshal MSPIdentityAnonymity from principal: %w", err)
	}
	switch a.AnonymityType {
	case msppb.MSPIdentityAnonymity_NOMINAL:
		return nil
	case msppb.MSPIdentityAnonymity_ANONYMOUS:
		return errors.New("Principal is anonymous, but X.509 MSP does not support anonymous identities")
	}
	return fmt.Errorf("Unknown principal anonymity type: %d", a.AnonymityType)
}
