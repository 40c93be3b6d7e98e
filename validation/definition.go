package validation

import (
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// definition is what validation needs to know about a chaincode.
type definition struct {
	refused error // why there is none to use
	system  bool  // no entry in the state: judged by vscc and by any member of the channel
	name    string
	version string
	vscc    string
	rule    []byte // its endorsement policy, encoded
	policy  compiled
}

// definition finds a chaincode's definition as the block before left it.
func (d *decision) definition(name string) (*definition, error) {
	if def, ok := d.definitions[name]; ok {
		return def, nil
	}
	def := &definition{system: true, name: name, vscc: vsccName}
	if isSystem(name) {
		def.rule = d.policies.anyMember()
		def.policy = d.policies.compile(def.rule)
	} else {
		raw, err := d.state.Get(lsccName, name)
		if err != nil {
			return nil, fmt.Errorf("Could not retrieve state for chaincode %s, error %w", name, err)
		}
		data, err := parseChaincodeData(name, raw)
		*def = definition{refused: err, name: data.GetName(), version: data.GetVersion(), vscc: data.GetVscc()}
		if err == nil {
			def.rule, def.policy = data.Policy, d.policies.compile(data.Policy)
		}
	}
	d.definitions[name] = def
	return def, nil
}

func parseChaincodeData(name string, raw []byte) (*peerpb.ChaincodeData, error) {
	if raw == nil {
		return nil, fmt.Errorf("lscc's state for [%s] not found.", name)
	}
	data := &peerpb.ChaincodeData{}
	if err := wire.UnmarshalTextAs14(raw, data); err != nil {
		return nil, fmt.Errorf("unmarshalling ChaincodeQueryResponse failed: %w", err)
	}
	switch {
	case data.Vscc == "":
		return nil, fmt.Errorf("lscc's state for [%s] is invalid, vscc field must be set", name)
	case len(data.Policy) == 0:
		return nil, fmt.Errorf("lscc's state for [%s] is invalid, policy field must be set", name)
	}
	return data, nil
}

// maxPolicies and maxPolicySize bound the cache: key-level policies are written by chaincode, so there may be any number of them.
const (
	maxPolicies   = 1024
	maxPolicySize = 64 << 10
)

// compiled is a policy ready to be asked, or why its bytes are none.
type compiled struct {
	policy policy.Policy
	err    error
}

func (c compiled) evaluate(signed []policy.SignedData) error {
	if c.err != nil {
		return c.err
	}
	return c.policy.Evaluate(signed)
}

// policyCache keeps compiled policies by their bytes, for one configuration.
type policyCache struct {
	bundle  *channelconfig.Bundle
	byBytes map[string]compiled
	members []byte // see anyMember
}

func newPolicyCache() *policyCache { return &policyCache{} }

// under empties the cache if the configuration has changed.
func (c *policyCache) under(bundle *channelconfig.Bundle) *policyCache {
	if c.bundle != bundle {
		*c = policyCache{bundle: bundle, byBytes: map[string]compiled{}}
	}
	return c
}

func (c *policyCache) compile(raw []byte) compiled {
	if p, ok := c.byBytes[string(raw)]; ok {
		return p
	}
	var p compiled
	p.policy, p.err = policy.FromBytes(raw, c.bundle.MSPs())
	if len(raw) > maxPolicySize {
		return p
	}
	if len(c.byBytes) >= maxPolicies {
		clear(c.byBytes)
	}
	c.byBytes[string(raw)] = p
	return p
}

// anyMember is the policy of system chaincodes, encoded: one endorsement by a member of any of the application's organizations.
func (c *policyCache) anyMember() []byte {
	if c.members == nil {
		app, _ := c.bundle.Application()
		var ids []string
		for _, org := range app.Orgs {
			ids = append(ids, org.MSPID)
		}
		c.members = wire.MustMarshal(policy.SignedByAny(policy.Member, ids))
	}
	return c.members
}
