package msp

import (
	"bytes"
	"sync"
)

// Made remembers the signatures that this process made last, so that it need not verify them when they come back in a block: what is remembered is
// exactly who signed, what and how, and anything else is verified. Only the signature is spared; whether its identity is valid, and what that may do, is
// judged as for any other. It is shared by the signers and managers of a process, and safe for concurrent use.
type Made struct {
	limit int

	mu     sync.Mutex
	ring   []madeSignature
	next   int              // the place in the ring of the next one, once the ring is full
	latest map[[32]byte]int // digest → the place of the last signature over it
}

type madeSignature struct {
	digest       [32]byte
	creator, der []byte
}

// NewMade makes room for limit signatures, of some 200 bytes each. With 0, nothing is remembered.
func NewMade(limit int) *Made { return &Made{limit: limit, latest: map[[32]byte]int{}} }

// Signer returns s in a form whose signatures are remembered.
func (m *Made) Signer(s *Signer) *RememberedSigner { return &RememberedSigner{Signer: s, made: m} }

// RememberedSigner is a Signer whose signatures a Made remembers.
type RememberedSigner struct {
	*Signer
	made *Made
}

// Sign is Signer.Sign.
func (s *RememberedSigner) Sign(msg []byte) ([]byte, error) {
	digest, der, err := s.sign(msg)
	if err == nil {
		s.made.add(madeSignature{digest, s.Creator(), der})
	}
	return der, err
}

func (m *Made) add(s madeSignature) {
	if m.limit <= 0 {
		return
	}
	s.der = bytes.Clone(s.der) // the caller may change his
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ring) < m.limit {
		m.latest[s.digest] = len(m.ring)
		m.ring = append(m.ring, s)
		return
	}
	if gone := m.ring[m.next].digest; m.latest[gone] == m.next {
		delete(m.latest, gone)
	}
	m.latest[s.digest], m.ring[m.next] = m.next, s
	m.next = (m.next + 1) % m.limit
}

// has tells whether der is remembered as the signature by creator over digest.
func (m *Made) has(creator []byte, digest [32]byte, der []byte) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	at, ok := m.latest[digest]
	var s madeSignature
	if ok {
		s = m.ring[at]
	}
	m.mu.Unlock()
	return ok && bytes.Equal(s.der, der) && bytes.Equal(s.creator, creator)
}
