package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// implicitMeta asks for so many of the policies of one name in the sub-groups.
type implicitMeta struct {
	name      string
	threshold int
	subs      []Policy
}

// NewImplicitMeta makes an ANY, ALL or MAJORITY policy over subs, the policies called def.SubPolicy of the groups below; a
// group that has none is passed as Reject. Over no groups at all, every rule is satisfied. Unlike Fabric, which takes an
// unknown rule for one that (almost) anything satisfies, an unknown rule is an error.
func NewImplicitMeta(def *commonpb.ImplicitMetaPolicy, subs []Policy) (Policy, error) {
	if def == nil {
		return nil, errors.New("invalid arguments")
	}
	p := &implicitMeta{name: def.SubPolicy, subs: subs}
	switch def.Rule {
	case commonpb.ImplicitMetaPolicy_ANY:
		p.threshold = 1
	case commonpb.ImplicitMetaPolicy_ALL:
		p.threshold = len(subs)
	case commonpb.ImplicitMetaPolicy_MAJORITY:
		p.threshold = len(subs)/2 + 1
	default:
		return nil, fmt.Errorf("unknown rule type %d of the implicit meta policy over '%s'", def.Rule, def.SubPolicy)
	}
	if len(subs) == 0 {
		p.threshold = 0
	}
	return p, nil
}

// Evaluate shows the signatures to the sub-policies until enough are satisfied. No signature is verified twice.
func (p *implicitMeta) Evaluate(signed []SignedData) error {
	if p.threshold == 0 {
		return nil
	}
	if len(p.subs) > 1 {
		signed = remembered(signed)
	}
	satisfied := 0
	for _, sub := range p.subs {
		if sub.Evaluate(signed) != nil {
			continue
		}
		if satisfied++; satisfied == p.threshold {
			return nil
		}
	}
	return &Unsatisfied{policy: p, signed: signed,
		text: fmt.Sprintf("implicit policy evaluation failed - %d sub-policies were satisfied, but this policy requires %d of the '%s' sub-policies to be satisfied",
			satisfied, p.threshold, p.name)}
}

// Reject is the policy that stands in for one that is missing: nobody satisfies it.
func Reject(name string) Policy { return reject(name) }

type reject string

func (r reject) Evaluate([]SignedData) error { return fmt.Errorf("No such policy: '%s'", string(r)) }

// ParseImplicitMeta reads a rule and the name of a policy, such as "ANY Readers".
func ParseImplicitMeta(expr string) (*commonpb.ImplicitMetaPolicy, error) {
	words := strings.Split(expr, " ")
	if len(words) != 2 {
		return nil, fmt.Errorf("expected two space separated tokens, but got %d", len(words))
	}
	rule, ok := commonpb.ImplicitMetaPolicy_Rule_value[words[0]]
	if !ok {
		return nil, fmt.Errorf("unknown rule type '%s', expected ALL, ANY, or MAJORITY", words[0])
	}
	return &commonpb.ImplicitMetaPolicy{Rule: commonpb.ImplicitMetaPolicy_Rule(rule), SubPolicy: words[1]}, nil
}
