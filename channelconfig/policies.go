package channelconfig

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// policies are all policies of a tree, by their path from the root group: "Readers", "Application/Org1MSP/Admins".
type policies map[string]policy.Policy

// newPolicies compiles every policy of a tree. Inner groups come first: an implicit meta policy refers to those one level down.
func newPolicies(root *commonpb.ConfigGroup, ids *msp.Manager) (policies, error) {
	p := policies{}
	if err := p.addGroup("", root, ids); err != nil {
		return nil, err
	}
	return p, nil
}

// addGroup compiles the policies of the group at base ("" or a path that ends in a slash).
func (p policies) addGroup(base string, group *commonpb.ConfigGroup, ids *msp.Manager) error {
	children := sortedKeys(group.GetGroups())
	for _, name := range children {
		if err := p.addGroup(base+name+"/", group.Groups[name], ids); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(group.GetPolicies()) {
		path := strings.TrimSuffix(ChannelKey+"/"+base, "/")
		def := group.Policies[name].GetPolicy()
		if def == nil {
			return fmt.Errorf("policy %s at path %s was nil", name, path)
		}
		compiled, err := p.compile(base, children, def, ids)
		if err == errUnknownType {
			return fmt.Errorf("policy %s at path %s has unknown policy type: %v", name, path, def.Type)
		}
		if err != nil {
			return fmt.Errorf("policy %s at path %s did not compile: %w", name, path, err)
		}
		p[base+name] = compiled
	}
	return nil
}

var errUnknownType = fmt.Errorf("unknown policy type")

func (p policies) compile(base string, children []string, def *commonpb.Policy, ids *msp.Manager) (policy.Policy, error) {
	switch commonpb.Policy_PolicyType(def.Type) {
	case commonpb.Policy_SIGNATURE:
		return policy.FromBytes(def.Value, ids)
	case commonpb.Policy_IMPLICIT_META:
		meta := &commonpb.ImplicitMetaPolicy{}
		if err := proto.Unmarshal(def.Value, meta); err != nil {
			return nil, fmt.Errorf("Error unmarshaling to ImplicitMetaPolicy: %w", err)
		}
		subs := make([]policy.Policy, len(children))
		for i, child := range children {
			subs[i], _ = p.find(base+child+"/", meta.SubPolicy)
		}
		return policy.NewImplicitMeta(meta, subs)
	}
	return nil, errUnknownType
}

// find looks up a policy by a name relative to the group at base, or by an absolute path to something below that group.
func (p policies) find(base, name string) (policy.Policy, bool) {
	relative := name
	if strings.HasPrefix(name, "/") {
		var below bool
		if relative, below = strings.CutPrefix(name, "/"+ChannelKey+"/"+base); !below {
			return policy.Reject(name), false
		}
	}
	if found, ok := p[base+relative]; ok && relative != "" {
		return found, true
	}
	return policy.Reject(relative), false
}
