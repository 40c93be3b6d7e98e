package policy

import (
	"slices"
	"sync"

	"github.com/heddleledger/heddle/msp"
)

// SignedData is a signature by a serialized identity over data. Make it with keyed fields, or with Remember to have the
// signature verified at most once.
type SignedData struct {
	Data, Identity, Signature []byte
	// Tail is signed behind Data. The two are kept apart, and joined only to verify a signature of a known identity, because a message
	// may carry any number of signatures over one long text.
	Tail []byte

	memo *memo
}

// memo holds the outcome of verifying one signature. Copies of a SignedData share it.
type memo struct {
	once sync.Once
	err  error
}

func (m *memo) settle(outcome error) { m.once.Do(func() { m.err = outcome }) }

// Remember returns a SignedData whose signature is verified at most once, however many policies see it or copies of it.
func Remember(data, identity, signature []byte) SignedData {
	return RememberJoined(data, nil, identity, signature)
}

// RememberJoined is Remember for a signature over data followed by tail.
func RememberJoined(data, tail, identity, signature []byte) SignedData {
	return SignedData{Data: data, Tail: tail, Identity: identity, Signature: signature, memo: &memo{}}
}

// Verified returns a SignedData whose signature somebody has verified already, with what outcome (nil for a good one).
func Verified(data, identity, signature []byte, outcome error) SignedData {
	s := Remember(data, identity, signature)
	s.memo.settle(outcome)
	return s
}

// VerifyAll verifies signatures together, which takes less time than one after the other, and remembers the outcomes. What was not made by
// Remember is left out, and so is a signature by an identity that no MSP knows.
func VerifyAll(signed []SignedData, ids *msp.Manager) {
	signatures, memos := make([]msp.Signature, 0, len(signed)), make([]*memo, 0, len(signed))
	for i := range signed {
		s := &signed[i]
		if s.memo == nil {
			continue
		}
		if id, err := ids.Identity(s.Identity); err == nil {
			signatures = append(signatures, msp.Signature{By: id, Message: s.Data, Tail: s.Tail, DER: s.Signature})
			memos = append(memos, s.memo)
		}
	}
	msp.VerifyAll(signatures)
	for i, m := range memos {
		m.settle(signatures[i].Err)
	}
}

// Verify checks the signature, or returns the outcome if that is known already. It does not validate the identity. It is
// safe for concurrent use.
func (s SignedData) Verify(ids *msp.Manager) error {
	id, err := ids.Identity(s.Identity)
	if err != nil {
		return err
	}
	return s.verify(id)
}

func (s *SignedData) verify(id *msp.Identity) error {
	if s.memo == nil {
		return id.Verify(s.signed(), s.Signature)
	}
	s.memo.once.Do(func() { s.memo.err = id.Verify(s.signed(), s.Signature) })
	return s.memo.err
}

func (s *SignedData) signed() []byte {
	if len(s.Tail) == 0 {
		return s.Data
	}
	return slices.Concat(s.Data, s.Tail)
}

// remembered returns signed with a memo in every element.
func remembered(signed []SignedData) []SignedData {
	all := make([]SignedData, len(signed))
	for i, s := range signed {
		if s.memo == nil {
			s.memo = &memo{}
		}
		all[i] = s
	}
	return all
}
