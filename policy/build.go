package policy

import (
	"slices"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// Role is the policy language's word for a role in an MSP.
type Role string

// The roles a principal of the language can name.
const (
	Member  Role = "member"
	Admin   Role = "admin"
	Client  Role = "client"
	Peer    Role = "peer"
	Orderer Role = "orderer"
)

var roles = map[Role]msppb.MSPRole_MSPRoleType{
	Member:  msppb.MSPRole_MEMBER,
	Admin:   msppb.MSPRole_ADMIN,
	Client:  msppb.MSPRole_CLIENT,
	Peer:    msppb.MSPRole_PEER,
	Orderer: msppb.MSPRole_ORDERER,
}

// SignedBy is the rule that asks for the principal at an index of the envelope's identities.
func SignedBy(index int32) *commonpb.SignaturePolicy {
	return &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_SignedBy{SignedBy: index}}
}

// NOutOf is the rule that asks for at least n of rules.
func NOutOf(n int32, rules ...*commonpb.SignaturePolicy) *commonpb.SignaturePolicy {
	return &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_NOutOf_{
		NOutOf: &commonpb.SignaturePolicy_NOutOf{N: n, Rules: rules}}}
}

// AcceptAll returns the envelope that anything satisfies: 0 out of 0.
func AcceptAll() *commonpb.SignaturePolicyEnvelope {
	return &commonpb.SignaturePolicyEnvelope{Rule: NOutOf(0)}
}

// RejectAll returns the envelope that nothing satisfies: 1 out of 0.
func RejectAll() *commonpb.SignaturePolicyEnvelope {
	return &commonpb.SignaturePolicyEnvelope{Rule: NOutOf(1)}
}

// SignedByAny returns the envelope that asks for one signature by somebody in role of any of the MSPs, which are taken in
// sorted order: Fabric's default where no endorsement policy (members) or no instantiation policy (admins) is given. A role
// that is none of the language's gives an envelope that nothing satisfies.
func SignedByAny(role Role, mspIDs []string) *commonpb.SignaturePolicyEnvelope {
	kind, ok := roles[role]
	if !ok {
		return RejectAll()
	}
	env := &commonpb.SignaturePolicyEnvelope{}
	var rules []*commonpb.SignaturePolicy
	for i, id := range slices.Sorted(slices.Values(mspIDs)) {
		env.Identities = append(env.Identities, msp.Role(id, kind))
		rules = append(rules, SignedBy(int32(i)))
	}
	env.Rule = NOutOf(1, rules...)
	return env
}
