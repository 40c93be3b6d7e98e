package policy

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// Policy says whether a set of signatures is enough; nil means it is. The texts of the errors are Fabric's; Explain tells more. A Policy is
// immutable and safe for concurrent use.
type Policy interface {
	Evaluate(signed []SignedData) error
}

// Option adjusts NewSignaturePolicy and FromBytes.
type Option func(*signaturePolicy)

// VerifyFirst makes the policy drop bad signatures before it drops repeated identities, as Fabric 2.x does. Without it, as
// in 1.4, only the first signature of an identity counts, be it good or bad.
func VerifyFirst() Option { return func(p *signaturePolicy) { p.verifyFirst = true } }

// signaturePolicy is a compiled SignaturePolicyEnvelope.
type signaturePolicy struct {
	root        rule
	ids         *msp.Manager
	verifyFirst bool
}

// rule is either a principal or a gate: at least n of rules.
type rule struct {
	principal *msppb.MSPPrincipal
	n         int32
	rules     []rule
}

// signer is an identity of the signature set that may stand for a principal.
type signer struct {
	id     *msp.Identity
	signed *SignedData
}

// FromBytes compiles the bytes of a SignaturePolicyEnvelope, whose version must be 0.
func FromBytes(b []byte, ids *msp.Manager, opts ...Option) (Policy, error) {
	var env commonpb.SignaturePolicyEnvelope
	if err := wire.UnmarshalOneofsAs14(b, &env); err != nil {
		return nil, fmt.Errorf("Error unmarshaling to SignaturePolicy: %w", err)
	}
	if env.Version != 0 {
		return nil, fmt.Errorf("This evaluator only understands messages of version 0, but version was %d", env.Version)
	}
	return NewSignaturePolicy(&env, ids, opts...)
}

// NewSignaturePolicy compiles an envelope; ids resolves the identities of the signatures it will be shown. The envelope's
// version is not looked at (FromBytes does).
func NewSignaturePolicy(env *commonpb.SignaturePolicyEnvelope, ids *msp.Manager, opts ...Option) (Policy, error) {
	if env == nil {
		return nil, errors.New("invalid arguments")
	}
	p := &signaturePolicy{ids: ids}
	for _, opt := range opts {
		opt(p)
	}
	var err error
	if p.root, err = compile(env.Rule, env.Identities); err != nil {
		return nil, err
	}
	return p, nil
}

// compile recurses as deep as the rules nest, which the protobuf decoder bounds (10,000 messages).
func compile(r *commonpb.SignaturePolicy, identities []*msppb.MSPPrincipal) (rule, error) {
	if r == nil {
		return rule{}, errors.New("Empty policy element")
	}
	switch t := r.Type.(type) {
	case *commonpb.SignaturePolicy_SignedBy:
		if t.SignedBy < 0 || int(t.SignedBy) >= len(identities) {
			return rule{}, fmt.Errorf("identity index out of range, requested %d, but identities length is %d", t.SignedBy, len(identities))
		}
		if identities[t.SignedBy] == nil {
			return rule{}, errors.New("Empty policy element")
		}
		return rule{principal: identities[t.SignedBy]}, nil
	case *commonpb.SignaturePolicy_NOutOf_:
		gate := rule{n: t.NOutOf.GetN(), rules: make([]rule, len(t.NOutOf.GetRules()))}
		for i, sub := range t.NOutOf.GetRules() {
			var err error
			if gate.rules[i], err = compile(sub, identities); err != nil {
				return rule{}, err
			}
		}
		return gate, nil
	}
	return rule{}, fmt.Errorf("Unknown type: %T:%v", r.Type, r.Type)
}

// Evaluate returns nil if the signatures satisfy the policy, else an *Unsatisfied.
func (p *signaturePolicy) Evaluate(signed []SignedData) error {
	signers := p.signers(signed)
	if !p.pass(&p.root, signers, make([]bool, len(signers)), true) {
		return &Unsatisfied{text: "signature set did not satisfy policy", policy: p, signed: signed}
	}
	return nil
}

// signers resolves the identities and keeps the first of each; those that no MSP knows are left out.
func (p *signaturePolicy) signers(signed []SignedData) []signer {
	type who struct{ msp, id string }
	seen := make(map[who]bool, len(signed))
	signers := make([]signer, 0, len(signed))
	for i := range signed {
		id, err := p.ids.Identity(signed[i].Identity)
		if err != nil {
			continue
		}
		w := who{id.MSPID(), id.ID()}
		if seen[w] || p.verifyFirst && signed[i].verify(id) != nil {
			continue
		}
		seen[w] = true
		signers = append(signers, signer{id, &signed[i]})
	}
	return signers
}

// pass evaluates r, marking in used the signers it took; what a failed branch took is given back by the caller. Only the
// outermost gate may stop as soon as its outcome is known: an inner one goes on, because what it uses up is missing to
// those after it.
func (p *signaturePolicy) pass(r *rule, signers []signer, used []bool, outermost bool) bool {
	if r.principal != nil {
		return p.take(r.principal, signers, used)
	}
	var trial []bool
	passed := 0
	for i := range r.rules {
		if outermost && (passed >= int(r.n) || passed+len(r.rules)-i < int(r.n)) {
			break
		}
		sub := &r.rules[i]
		if sub.principal != nil {
			if p.take(sub.principal, signers, used) {
				passed++
			}
			continue
		}
		trial = append(trial[:0], used...)
		if p.pass(sub, signers, trial, false) {
			passed++
			copy(used, trial)
		}
	}
	return passed >= int(r.n)
}

// take marks the first unused signer that satisfies the principal and whose signature is good.
func (p *signaturePolicy) take(principal *msppb.MSPPrincipal, signers []signer, used []bool) bool {
	i := p.find(principal, signers, used)
	if i >= 0 {
		used[i] = true
	}
	return i >= 0
}

func (p *signaturePolicy) find(principal *msppb.MSPPrincipal, signers []signer, used []bool) int {
	for i := range signers {
		if !used[i] && p.ids.Satisfies(signers[i].id, principal) == nil && signers[i].signed.verify(signers[i].id) == nil {
			return i
		}
	}
	return -1
}
