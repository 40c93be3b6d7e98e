package channelconfig

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// Sanity is what a look at a configuration finds: reasons why it cannot be used at all or, if it can, what is odd about its policies. Its JSON
// is that of configtxlator.
type Sanity struct {
	GeneralErrors   []string  `json:"general_errors"`
	ElementWarnings []Finding `json:"element_warnings"`
	ElementErrors   []Finding `json:"element_errors"`
}

// Finding is about one element of the configuration tree.
type Finding struct {
	Path    string `json:"path"` // ".groups.Application.policies.Admins"
	Message string `json:"message"`
}

// CheckSanity looks for mistakes in a configuration, such as policies that ask for members of organisations that are not there.
func CheckSanity(config *commonpb.Config) Sanity {
	bundle, err := New("sanitycheck", config)
	if err != nil {
		return Sanity{GeneralErrors: []string{err.Error()}}
	}
	s := sanity{known: map[string]bool{}}
	if a, ok := bundle.Application(); ok {
		for _, org := range a.Orgs {
			s.known[org.MSPID] = true
		}
	}
	if o, ok := bundle.Orderer(); ok {
		for _, org := range o.Orgs {
			s.known[org.MSPID] = true
		}
	}
	s.group("", config.ChannelGroup)
	return s.Sanity
}

type sanity struct {
	Sanity
	known map[string]bool // MSP ids
}

func (s *sanity) group(path string, g *commonpb.ConfigGroup) {
	for _, name := range sortedKeys(g.GetPolicies()) {
		s.policy(path+".policies."+name, name, g.Policies[name].GetPolicy())
	}
	for _, name := range sortedKeys(g.GetGroups()) {
		s.group(path+".groups."+name, g.Groups[name])
	}
}

func (s *sanity) policy(path, name string, p *commonpb.Policy) {
	bad := func(format string, args ...any) {
		s.ElementErrors = append(s.ElementErrors, Finding{path, fmt.Sprintf(format, args...)})
	}
	if p == nil {
		bad("no policy value set for %s", name)
		return
	}
	if p.Type != int32(commonpb.Policy_SIGNATURE) {
		return
	}
	signatures := &commonpb.SignaturePolicyEnvelope{}
	if err := proto.Unmarshal(p.Value, signatures); err != nil {
		bad("error unmarshaling policy value to SignaturePolicyEnvelope: %s", err)
		return
	}
	for i, identity := range signatures.Identities {
		kind := identity.GetPrincipalClassification()
		id, err := principalMSP(identity)
		switch {
		case err != nil:
			bad("value of identities array at index %d is of type %s, but could not be unmarshaled: %s", i, kind, err)
		case id != nil && !s.known[*id]:
			s.ElementWarnings = append(s.ElementWarnings, Finding{path,
				fmt.Sprintf("identity principal at index %d refers to MSP ID '%s', which is not an MSP in the network", i, *id)})
		}
	}
}

// principalMSP is the MSP that a principal asks for; nil if it asks for none by name.
func principalMSP(p *msppb.MSPPrincipal) (*string, error) {
	switch p.GetPrincipalClassification() {
	case msppb.MSPPrincipal_ROLE:
		role := &msppb.MSPRole{}
		err := proto.Unmarshal(p.Principal, role)
		return &role.MspIdentifier, err
	case msppb.MSPPrincipal_ORGANIZATION_UNIT:
		unit := &msppb.OrganizationUnit{}
		err := proto.Unmarshal(p.Principal, unit)
		return &unit.MspIdentifier, err
	}
	return nil, nil
}
