package acl

import (
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Checker answers for one peer. It is safe for concurrent use.
type Checker struct {
	local   *msp.Manager
	channel func(id string) (*channelconfig.Bundle, bool)
}

// New returns a checker for the peer whose own MSP is the only one in local; channel gives the present configuration of a joined channel.
func New(local *msp.Manager, channel func(id string) (*channelconfig.Bundle, bool)) *Checker {
	return &Checker{local: local, channel: channel}
}

// Signed is the signature over a proposal, in the form the checks take. Make it once per request: it remembers that it was verified.
func Signed(p *tx.Proposal) policy.SignedData {
	return policy.Remember(p.Signed.ProposalBytes, p.Creator(), p.Signed.Signature)
}

// Check lets the signer of a request use a resource of a channel, or says why not in Fabric's words.
func (c *Checker) Check(resource, channelID string, request policy.SignedData) error {
	bundle, joined := c.channel(channelID)
	if joined {
		if name := override(bundle, resource); name != "" {
			return evaluate(bundle, name, request)
		}
	}
	name := channelDefault[resource]
	switch {
	case name == "":
		return fmt.Errorf("Unmapped policy for %s", resource)
	case channelID == "":
		return c.CheckLocal(name, request)
	case !joined:
		return fmt.Errorf("Failed to get policy manager for channel [%s]", channelID)
	}
	p, ok := bundle.Policy(name)
	if !ok {
		p = policy.Reject(name)
	}
	if err := p.Evaluate([]policy.SignedData{request}); err != nil {
		return fmt.Errorf("Failed evaluating policy on signed data during check policy on channel [%s] with policy [%s]: [%w]", channelID, name, err)
	}
	return nil
}

// override is the policy that the channel's configuration names for a resource, or "".
func override(bundle *channelconfig.Bundle, resource string) string {
	app, ok := bundle.Application()
	if !ok {
		return ""
	}
	return app.ACLs[resource]
}

func evaluate(bundle *channelconfig.Bundle, name string, request policy.SignedData) error {
	p, ok := bundle.Policy(name)
	err := fmt.Errorf("policy %s not found", name)
	if ok {
		err = p.Evaluate([]policy.SignedData{request})
	}
	if err != nil {
		return fmt.Errorf("failed evaluating policy on signed data during check policy [%s]: [%w]", name, err)
	}
	return nil
}

// CheckResource lets the signer of a request use a peer-wide resource: one that needs a role in the peer's own MSP.
func (c *Checker) CheckResource(resource string, request policy.SignedData) error {
	role := localRole[resource]
	if role == "" {
		return fmt.Errorf("Unmapped policy for %s", resource)
	}
	return c.CheckLocal(role, request)
}

// CheckLocal asks for a role (Members, Admins) in the peer's own MSP.
func (c *Checker) CheckLocal(role string, request policy.SignedData) error {
	const during = "during channelless check policy with policy"
	own := c.local.MSPs()[0]
	id, err := c.local.Identity(request.Identity)
	if err != nil {
		if _, explained := own.Identity(request.Identity); explained != nil {
			err = explained // names the MSP that is expected
		}
		return fmt.Errorf("Failed deserializing proposal creator %s [%s]: [%w]", during, role, err)
	}
	kind, ok := map[string]msppb.MSPRole_MSPRoleType{Admins: msppb.MSPRole_ADMIN, Members: msppb.MSPRole_MEMBER}[role]
	if !ok {
		return fmt.Errorf("Failed getting local MSP principal %s [%s]: [MSP Principal role [%s] not recognized]", during, role, role)
	}
	if err := c.local.Satisfies(id, msp.Role(own.ID(), kind)); err != nil {
		return fmt.Errorf("Failed verifying that proposal's creator satisfies local MSP principal %s [%s]: [%w]", during, role, err)
	}
	return request.Verify(c.local)
}
