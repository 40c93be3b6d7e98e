package policy

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// maxText is about how long Format's answer can get, in bytes; the rest of a longer policy is left out.
const maxText = 4 << 10

// Format prints an envelope in the policy language, for people. What Parse made, Format makes an equal text of; principals
// that the language has no word for (identities, organizational units) are described in angle brackets.
func Format(env *commonpb.SignaturePolicyEnvelope) string {
	var b strings.Builder
	format(&b, env.GetRule(), env.GetIdentities())
	return b.String()
}

func format(b *strings.Builder, r *commonpb.SignaturePolicy, identities []*msppb.MSPPrincipal) {
	if b.Len() > maxText {
		return
	}
	switch t := r.GetType().(type) {
	case *commonpb.SignaturePolicy_SignedBy:
		if t.SignedBy < 0 || int(t.SignedBy) >= len(identities) {
			fmt.Fprintf(b, "<no identity %d>", t.SignedBy)
			return
		}
		b.WriteString(formatPrincipal(identities[t.SignedBy]))
	case *commonpb.SignaturePolicy_NOutOf_:
		formatGate(b, t.NOutOf, identities)
	default:
		b.WriteString("<empty>")
	}
}

func formatGate(b *strings.Builder, gate *commonpb.SignaturePolicy_NOutOf, identities []*msppb.MSPPrincipal) {
	n, rules := gate.GetN(), gate.GetRules()
	separator := ""
	switch {
	case n == 1 && len(rules) > 0:
		b.WriteString("OR(")
	case n > 1 && int(n) == len(rules):
		b.WriteString("AND(")
	default:
		fmt.Fprintf(b, "OutOf(%d", n)
		separator = ", "
	}
	for _, r := range rules {
		if b.Len() > maxText {
			b.WriteString(separator + "…")
			break
		}
		b.WriteString(separator)
		format(b, r, identities)
		separator = ", "
	}
	b.WriteString(")")
}

func formatPrincipal(p *msppb.MSPPrincipal) string {
	switch p.GetPrincipalClassification() {
	case msppb.MSPPrincipal_ROLE:
		var role msppb.MSPRole
		if proto.Unmarshal(p.GetPrincipal(), &role) == nil {
			return fmt.Sprintf("'%s.%s'", role.MspIdentifier, strings.ToLower(role.Role.String()))
		}
	case msppb.MSPPrincipal_ORGANIZATION_UNIT:
		var ou msppb.OrganizationUnit
		if proto.Unmarshal(p.Principal, &ou) == nil {
			return fmt.Sprintf("<%s, OU %q>", ou.MspIdentifier, ou.OrganizationalUnitIdentifier)
		}
	case msppb.MSPPrincipal_IDENTITY:
		if mspID, subject, ok := msp.Describe(p.Principal); ok {
			return fmt.Sprintf("<%s, %s>", mspID, subject)
		}
	}
	return fmt.Sprintf("<%s %.8x>", p.GetPrincipalClassification(), p.GetPrincipal())
}
