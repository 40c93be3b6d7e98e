// Package policy evaluates signature policies and implicit meta policies, and parses and prints the policy language.
package policy

import (
	"errors"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// SignedData is a signature by an identity over data. Make it with keyed fields, or with Remember to have the signature verified at most once.
type SignedData struct {
	Data, Identity, Signature []byte
	memo                      *memo
}

type memo struct{}

// Remember returns a SignedData whose signature is verified at most once, however many policies and copies see it.
func Remember(data, identity, signature []byte) SignedData {
	return SignedData{Data: data, Identity: identity, Signature: signature, memo: &memo{}}
}

// Verify checks the signature now (and remembers the outcome, if made by Remember). Safe for concurrent use.
func (s SignedData) Verify(ids *msp.Manager) error { return errUnbuilt }

var errUnbuilt = errors.New("policy: not built yet")

// Policy says whether a set of signatures is enough. nil means it is.
type Policy interface {
	Evaluate(signed []SignedData) error
}

// Option adjusts NewSignaturePolicy.
type Option func(*options)

type options struct{ verifyFirst bool }

// VerifyFirst drops bad signatures before repeated identities are dropped, as Fabric 2.x does; without it, as in 1.4, the first signature of an identity counts alone.
func VerifyFirst() Option { return func(o *options) { o.verifyFirst = true } }

// NewSignaturePolicy compiles an envelope.
func NewSignaturePolicy(env *commonpb.SignaturePolicyEnvelope, ids *msp.Manager, opts ...Option) (Policy, error) {
	return nil, errUnbuilt
}

// FromBytes compiles the bytes of a SignaturePolicyEnvelope, whose version must be 0.
func FromBytes(b []byte, ids *msp.Manager, opts ...Option) (Policy, error) { return nil, errUnbuilt }

// NewImplicitMeta makes an ANY, ALL or MAJORITY policy over the sub-policies; pass Reject(name) for a group that lacks one.
func NewImplicitMeta(def *commonpb.ImplicitMetaPolicy, subs []Policy) (Policy, error) {
	return nil, errUnbuilt
}

// Reject is a policy nobody satisfies: "No such policy: 'name'".
func Reject(name string) Policy { return nil }

// Parse reads the policy language: AND('Org1MSP.peer', OutOf(2, …)).
func Parse(expr string) (*commonpb.SignaturePolicyEnvelope, error) { return nil, errUnbuilt }

// ParseImplicitMeta reads "ANY Readers".
func ParseImplicitMeta(expr string) (*commonpb.ImplicitMetaPolicy, error) { return nil, errUnbuilt }

// Format prints an envelope in the policy language.
func Format(env *commonpb.SignaturePolicyEnvelope) string { return "" }

// AcceptAll is the 0-out-of-0 envelope.
func AcceptAll() *commonpb.SignaturePolicyEnvelope { return nil }

// RejectAll is the 1-out-of-0 envelope.
func RejectAll() *commonpb.SignaturePolicyEnvelope { return nil }

// SignedByAny requires one signature by any of the MSPs in the role.
func SignedByAny(role string, mspIDs []string) *commonpb.SignaturePolicyEnvelope { return nil }
