package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/msppb"
)

// Unsatisfied is the error of a policy that a set of signatures does not satisfy. Its text is Fabric's; Explain says more.
type Unsatisfied struct {
	text   string
	policy explainer
	signed []SignedData
}

type explainer interface {
	explain(signed []SignedData) *Explanation
}

func (e *Unsatisfied) Error() string { return e.text }

// Explain evaluates the policy once more, in full, and notes who stands for what. It costs about as much as Evaluate did.
func (e *Unsatisfied) Explain() *Explanation { return e.policy.explain(e.signed) }

// Explain is the explanation in an error, or nil if no policy is the cause of it.
func Explain(err error) *Explanation {
	var e *Unsatisfied
	if errors.As(err, &e) {
		return e.Explain()
	}
	return nil
}

// Attrs are err and, if a policy is the cause of it, the explanation, as attributes of a log record.
func Attrs(err error) []any {
	attrs := []any{"err", err}
	if e := Explain(err); e != nil {
		attrs = append(attrs, "explanation", e.String())
	}
	return attrs
}

// Explanation is a policy held against a set of signatures.
type Explanation struct {
	Policy  *Outcome `json:"policy"`
	Signers []Signer `json:"signers,omitempty"` // of all signatures, in their order
}

// Outcome is one rule of a policy: a principal, or a number of rules of which so many must be satisfied.
type Outcome struct {
	Principal string     `json:"principal,omitempty"` // such as Org1MSP.peer
	Needs     int        `json:"needs,omitempty"`     // of Rules
	Of        string     `json:"of,omitempty"`        // what Rules are, where that is not plain: the sub-policies of one name
	Rules     []*Outcome `json:"rules,omitempty"`
	Satisfied bool       `json:"satisfied"`
	By        string     `json:"by,omitempty"`  // who stands for Principal
	Why       string     `json:"why,omitempty"` // why nobody does
}

// Signer is one signature of the set.
type Signer struct {
	MSPID   string `json:"mspid"`
	Name    string `json:"name"` // the subject's common name; the subject, if it has none
	Subject string `json:"subject"`
	Serial  string `json:"serial"`
	Role    string `json:"role,omitempty"`    // the narrowest that the MSP gives it: admin, peer, orderer, client or member
	Problem string `json:"problem,omitempty"` // why the signature counts for nothing
}

// maxOutcomes bounds the rules of an explanation: chaincode writes policies, too.
const maxOutcomes = 200

// String is the explanation in one line, such as "all 2 of: Org1MSP.peer (signed by CN=peer0.org1.example.com), Org2MSP.peer (missing)".
func (e *Explanation) String() string {
	var b strings.Builder
	e.Policy.line(&b)
	for i, s := range e.Signers {
		if b.Len() > maxText {
			fmt.Fprintf(&b, "; and %d more signatures", len(e.Signers)-i)
			break
		}
		if s.Problem != "" {
			fmt.Fprintf(&b, "; the signature of %s does not count: %s", s, s.Problem)
		} else if !e.Policy.names(s.String()) {
			fmt.Fprintf(&b, "; the signature of %s is not asked for", s)
		}
	}
	if len(e.Signers) == 0 {
		b.WriteString("; there are no signatures")
	}
	return b.String()
}

// String is "peer0.org1.example.com (Org1MSP peer)".
func (s Signer) String() string {
	if s.Name == "" {
		return fmt.Sprintf("somebody without a readable certificate (%s)", s.MSPID)
	}
	return fmt.Sprintf("%s (%s)", s.Name, strings.TrimSpace(s.MSPID+" "+s.Role))
}

func newSigner(d msp.Description) Signer {
	return Signer{MSPID: d.MSPID, Name: d.Name, Subject: d.Subject, Serial: d.Serial, Role: d.Role, Problem: d.Problem}
}

// Text is what the rule itself asks for, without the rules below.
func (o *Outcome) Text() string {
	if len(o.Rules) == 0 && o.Principal != "" {
		return o.Principal
	}
	what := o.Of
	if what != "" {
		what = " " + what
	}
	switch n := len(o.Rules); {
	case n == 0 && o.Satisfied:
		return "nothing"
	case o.Needs == n && n > 1:
		return fmt.Sprintf("all %d%s of", n, what)
	case o.Needs == 1 && n > 1:
		return fmt.Sprintf("any%s of", what)
	default:
		return fmt.Sprintf("%d%s of %d", o.Needs, what, n)
	}
}

// Verdict is who satisfied the rule, or why it is not satisfied; empty for a gate.
func (o *Outcome) Verdict() string {
	switch {
	case o.By != "":
		return "signed by " + o.By
	case o.Principal != "" && !o.Satisfied && o.Why != "":
		return "missing: " + o.Why
	case o.Principal != "" && !o.Satisfied:
		return "missing"
	}
	return ""
}

func (o *Outcome) line(b *strings.Builder) {
	b.WriteString(o.Text())
	if v := o.Verdict(); v != "" {
		fmt.Fprintf(b, " (%s)", v)
	}
	separator := ": "
	for _, r := range o.Rules {
		b.WriteString(separator)
		separator = ", "
		if b.Len() > maxText {
			b.WriteString("…")
			return
		}
		if len(r.Rules) == 0 {
			r.line(b)
			continue
		}
		b.WriteString("[")
		r.line(b)
		b.WriteString("]")
	}
}

// names tells whether the outcome says something about a signer.
func (o *Outcome) names(signer string) bool {
	return strings.Contains(o.Verdict(), signer) || slices.ContainsFunc(o.Rules, func(r *Outcome) bool { return r.names(signer) })
}

// explain is Evaluate with a record of what it did.
func (p *signaturePolicy) explain(signed []SignedData) *Explanation {
	e := &Explanation{}
	seen := map[string]bool{}
	for i := range signed {
		e.Signers = append(e.Signers, p.describe(&signed[i], seen))
	}
	signers := p.signers(signed)
	r := &recorder{p: p, left: maxOutcomes}
	e.Policy, _ = r.record(&p.root, signers, make([]bool, len(signers)))
	return e
}

// describe says who made a signature, and what is wrong with it.
func (p *signaturePolicy) describe(s *SignedData, seen map[string]bool) Signer {
	signer := newSigner(p.ids.Describe(s.Identity))
	if signer.Problem != "" {
		return signer
	}
	key := signer.MSPID + "/" + signer.Serial + "/" + signer.Subject
	if seen[key] {
		signer.Problem = "it has signed before"
		return signer
	}
	seen[key] = true
	if err := s.Verify(p.ids); err != nil {
		signer.Problem = "it is bad"
	}
	return signer
}

// recorder evaluates a policy as signaturePolicy.pass does, all of it, and keeps the outcome of every rule.
type recorder struct {
	p    *signaturePolicy
	left int // outcomes that may still be made
}

func (r *recorder) record(rule *rule, signers []signer, used []bool) (*Outcome, bool) {
	r.left--
	o := &Outcome{}
	if rule.principal != nil {
		o.Principal = strings.Trim(formatPrincipal(rule.principal), "'")
		if i := r.p.find(rule.principal, signers, used); i >= 0 {
			used[i] = true
			o.Satisfied, o.By = true, r.name(signers[i].id)
		} else {
			o.Why = r.why(rule.principal, signers, used)
		}
		return o, o.Satisfied
	}
	if rule.n == 1 && len(rule.rules) == 1 { // the policy language's OR of one
		return r.record(&rule.rules[0], signers, used)
	}
	o.Needs = int(rule.n)
	passed, before := 0, slices.Clone(used)
	for i := range rule.rules {
		if r.left <= 0 { // the rest is decided, and not shown
			copy(used, before)
			o.Satisfied = r.p.pass(rule, signers, used, false)
			return o, o.Satisfied
		}
		trial := append([]bool(nil), used...)
		sub, ok := r.record(&rule.rules[i], signers, trial)
		o.Rules = append(o.Rules, sub)
		if ok {
			passed++
			copy(used, trial)
		}
	}
	o.Satisfied = passed >= int(rule.n)
	return o, o.Satisfied
}

func (r *recorder) name(id *msp.Identity) string {
	return newSigner(r.p.ids.Describe(id.Serialized())).String()
}

// why says what those who come closest to a principal, members of its MSP, lack.
func (r *recorder) why(principal *msppb.MSPPrincipal, signers []signer, used []bool) string {
	var reasons []string
	for i := range signers {
		err := r.p.ids.Satisfies(signers[i].id, principal)
		switch {
		case err == nil && used[i]:
			reasons = append(reasons, r.name(signers[i].id)+" stands for another principal already")
		case err == nil:
			reasons = append(reasons, "the signature of "+r.name(signers[i].id)+" is bad")
		case mentions(principal, signers[i].id.MSPID()):
			reasons = append(reasons, r.name(signers[i].id)+" is none: "+err.Error())
		}
		if len(reasons) == 3 {
			break
		}
	}
	return strings.Join(reasons, "; ")
}

// mentions tells whether a principal is about an MSP.
func mentions(principal *msppb.MSPPrincipal, mspID string) bool {
	return strings.Contains(string(principal.GetPrincipal()), mspID)
}

func (p *implicitMeta) explain(signed []SignedData) *Explanation {
	e := &Explanation{Policy: &Outcome{Needs: p.threshold, Of: "'" + p.name + "' policies"}}
	satisfied := 0
	for _, sub := range p.subs {
		o := &Outcome{Principal: "a policy", Why: "it is not defined"} // for Reject
		if x, ok := sub.(explainer); ok {
			inner := x.explain(signed)
			o, e.Signers = inner.Policy, inner.Signers
		}
		if o.Satisfied {
			satisfied++
		}
		e.Policy.Rules = append(e.Policy.Rules, o)
	}
	e.Policy.Satisfied = satisfied >= p.threshold
	return e
}
