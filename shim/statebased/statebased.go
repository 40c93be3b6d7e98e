// Package statebased builds the endorsement policy of a single key: every listed organization must endorse.
package statebased

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// RoleType is the role an organization's endorser must have.
type RoleType string

const (
	// RoleTypeMember is any member of the organization.
	RoleTypeMember = RoleType("MEMBER")
	// RoleTypePeer is a peer of the organization.
	RoleTypePeer = RoleType("PEER")
)

// RoleTypeDoesNotExistError is what AddOrgs answers to any other role.
type RoleTypeDoesNotExistError struct {
	RoleType RoleType
}

func (r *RoleTypeDoesNotExistError) Error() string {
	return fmt.Sprintf("role type %s does not exist", r.RoleType)
}

// KeyEndorsementPolicy is a set of organizations that must all endorse.
type KeyEndorsementPolicy interface {
	// Policy returns the policy's bytes, for SetStateValidationParameter.
	Policy() ([]byte, error)
	// AddOrgs adds organizations by MSP id. The role PEER needs node OUs in their MSPs.
	AddOrgs(roleType RoleType, organizations ...string) error
	// DelOrgs removes organizations.
	DelOrgs(organizations ...string)
	// ListOrgs returns the MSP ids, in order.
	ListOrgs() []string
}

// NewStateEP reads the organizations out of a policy, as GetStateValidationParameter returns it; nil is the empty policy. Principals that are no
// roles are left out.
func NewStateEP(policy []byte) (KeyEndorsementPolicy, error) {
	p := orgs{}
	if policy == nil {
		return p, nil
	}
	env := &commonpb.SignaturePolicyEnvelope{}
	if err := proto.Unmarshal(policy, env); err != nil {
		return nil, fmt.Errorf("Error unmarshaling to SignaturePolicy: %w", err)
	}
	for _, id := range env.Identities {
		if id.GetPrincipalClassification() != msppb.MSPPrincipal_ROLE {
			continue
		}
		role := &msppb.MSPRole{}
		if err := proto.Unmarshal(id.GetPrincipal(), role); err != nil {
			return nil, fmt.Errorf("error unmarshaling msp principal: %w", err)
		}
		p[role.MspIdentifier] = role.Role
	}
	return p, nil
}

// orgs is a policy: the role asked of each MSP id.
type orgs map[string]msppb.MSPRole_MSPRoleType

func (p orgs) AddOrgs(roleType RoleType, organizations ...string) error {
	var role msppb.MSPRole_MSPRoleType
	switch roleType {
	case RoleTypeMember:
		role = msppb.MSPRole_MEMBER
	case RoleTypePeer:
		role = msppb.MSPRole_PEER
	default:
		return &RoleTypeDoesNotExistError{RoleType: roleType}
	}
	for _, o := range organizations {
		p[o] = role
	}
	return nil
}

func (p orgs) DelOrgs(organizations ...string) {
	for _, o := range organizations {
		delete(p, o)
	}
}

func (p orgs) ListOrgs() []string {
	return slices.AppendSeq(make([]string, 0, len(p)), slices.Values(slices.Sorted(maps.Keys(p))))
}

// Policy is n out of n signatures, one principal per MSP id in order: the bytes Fabric makes.
func (p orgs) Policy() ([]byte, error) {
	all := &commonpb.SignaturePolicy_NOutOf{N: int32(len(p))}
	env := &commonpb.SignaturePolicyEnvelope{
		Rule: &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_NOutOf_{NOutOf: all}},
	}
	for i, id := range slices.Sorted(maps.Keys(p)) {
		principal, err := proto.Marshal(&msppb.MSPRole{Role: p[id], MspIdentifier: id})
		if err != nil {
			return nil, fmt.Errorf("organization %q: %w", id, err)
		}
		env.Identities = append(env.Identities, &msppb.MSPPrincipal{PrincipalClassification: msppb.MSPPrincipal_ROLE, Principal: principal})
		all.Rules = append(all.Rules, &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	return proto.Marshal(env)
}
