package msp

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

// Manager holds the MSPs of a channel (or one local MSP) and remembers the identities it has parsed, a few thousand of
// them. It is safe for concurrent use.
type Manager struct {
	msps   map[string]*MSP
	cache  *identityCache
	tables atomic.Pointer[KeyTables]
	made   atomic.Pointer[Made]
}

// NewManager makes a manager of the given MSPs. Of two with one id the later counts.
func NewManager(msps ...*MSP) *Manager {
	m := &Manager{msps: make(map[string]*MSP, len(msps)), cache: newIdentityCache()}
	for _, p := range msps {
		m.msps[p.id] = p
	}
	return m
}

// UseKeyTables makes the manager's identities verify with tables. Identities that were remembered before go without.
func (m *Manager) UseKeyTables(t *KeyTables) { m.tables.Store(t) }

// UseMade makes the manager's identities take the signatures in made for good. Identities that were remembered before go without.
func (m *Manager) UseMade(made *Made) { m.made.Store(made) }

// MSP returns the MSP with the given id.
func (m *Manager) MSP(id string) (*MSP, bool) {
	p, ok := m.msps[id]
	return p, ok
}

// MSPs returns the MSPs, sorted by id.
func (m *Manager) MSPs() []*MSP {
	all := make([]*MSP, 0, len(m.msps))
	for _, p := range m.msps {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *MSP) int { return strings.Compare(a.id, b.id) })
	return all
}

// Identity parses the bytes of a msppb.SerializedIdentity of a known MSP. The certificate's chain is known to lead to that
// MSP's roots (unless it is not ECDSA-signed), but revocation and OUs are Validate's to check.
func (m *Manager) Identity(serialized []byte) (*Identity, error) {
	if id, ok := m.cache.get(serialized); ok {
		return id, nil
	}
	var sid msppb.SerializedIdentity
	if err := wire.UnmarshalAs14(serialized, &sid); err != nil {
		return nil, fmt.Errorf("could not deserialize a SerializedIdentity: %w", err)
	}
	p, ok := m.msps[sid.Mspid]
	if !ok {
		return nil, fmt.Errorf("MSP %s is unknown", sid.Mspid)
	}
	id, err := p.parse(sid.IdBytes, serialized)
	if err != nil || id.chainErr != nil {
		return id, err
	}
	id.hot, id.made = m.tables.Load().watch(id.pub), m.made.Load()
	return m.cache.add(serialized, id), nil
}

// Validate checks an identity's chain, revocation and OUs against the MSP this manager has under its id. The answer is
// computed once per identity.
func (m *Manager) Validate(id *Identity) error {
	id, err := m.own(id)
	if err != nil {
		return err
	}
	return id.msp.Validate(id)
}

// Satisfies checks an identity against a principal, nil meaning that it satisfies it. The answer is computed once per
// identity and principal.
func (m *Manager) Satisfies(id *Identity, p *msppb.MSPPrincipal) error {
	id, err := m.own(id)
	if err != nil {
		return err
	}
	return id.msp.Satisfies(id, p)
}

// own returns id as this manager's MSPs see it: an identity may come from the MSPs of an earlier configuration.
func (m *Manager) own(id *Identity) (*Identity, error) {
	if id == nil {
		return nil, errNoIdentity
	}
	if m.msps[id.msp.id] == id.msp {
		return id, nil
	}
	return m.Identity(id.serialized)
}
