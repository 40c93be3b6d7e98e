package system

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
)

// checkCollection asks that a collection have a member policy that can be evaluated, made of roles, organisational units and identities.
// That its organisations are in the channel is not asked: they may join later.
func checkCollection(c *commonpb.CollectionConfig, bundle *channelconfig.Bundle) error {
	if c == nil {
		return errors.New("collection configuration is not set")
	}
	static := c.GetStaticCollectionConfig()
	switch {
	case static == nil:
		return errors.New("collection configuration is empty")
	case static.MemberOrgsPolicy == nil:
		return errors.New("collection member policy is not set")
	case static.MemberOrgsPolicy.GetSignaturePolicy() == nil:
		return errors.New("collection member org policy is empty")
	}
	members := static.MemberOrgsPolicy.GetSignaturePolicy()
	for _, principal := range members.Identities {
		if err := checkPrincipal(principal); err != nil {
			return fmt.Errorf("collection-name: %s -- %w", static.Name, err)
		}
	}
	if _, err := policy.NewSignaturePolicy(members, bundle.MSPs()); err != nil {
		return fmt.Errorf("invalid member org policy for collection '%s': %w", static.Name, err)
	}
	return nil
}

func checkPrincipal(p *msppb.MSPPrincipal) error {
	var content proto.Message
	switch p.GetPrincipalClassification() {
	case msppb.MSPPrincipal_ROLE:
		content = &msppb.MSPRole{}
	case msppb.MSPPrincipal_ORGANIZATION_UNIT:
		content = &msppb.OrganizationUnit{}
	case msppb.MSPPrincipal_IDENTITY:
		return nil
	default:
		return fmt.Errorf("principal type %v is not supported", p.GetPrincipalClassification())
	}
	if err := proto.Unmarshal(p.GetPrincipal(), content); err != nil {
		return fmt.Errorf("cannot unmarshal identities: %w", err)
	}
	return nil
}
