package profile

import (
	"fmt"
	"math"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// ChannelGroup makes the configuration tree the profile describes.
func (p *Profile) ChannelGroup() (*commonpb.ConfigGroup, error) {
	g, err := newGroup(channelconfig.AdminsKey, p.Policies, anyReadersWriters)
	if err != nil {
		return nil, fmt.Errorf("error adding policies to channel group: %w", err)
	}
	g.set(channelconfig.HashingAlgorithmKey, &commonpb.HashingAlgorithm{Name: "SHA256"})
	g.set(channelconfig.BlockDataHashingStructureKey, &commonpb.BlockDataHashingStructure{Width: math.MaxUint32})
	if p.Orderer != nil && len(p.Orderer.Addresses) > 0 {
		g.setGuarded(channelconfig.OrdererAddressesKey, &commonpb.OrdererAddresses{Addresses: p.Orderer.Addresses}, channelconfig.PolicyOrdererAdmins)
	}
	if p.Consortium != "" {
		g.set(channelconfig.ConsortiumKey, &commonpb.Consortium{Name: p.Consortium})
	}
	g.capabilities(p.Capabilities)
	if p.Orderer != nil {
		if g.Groups[channelconfig.OrdererKey], err = p.Orderer.group(); err != nil {
			return nil, fmt.Errorf("could not create orderer group: %w", err)
		}
	}
	if p.Application != nil {
		if g.Groups[channelconfig.ApplicationKey], err = p.Application.group(); err != nil {
			return nil, fmt.Errorf("could not create application group: %w", err)
		}
	}
	if p.Consortiums != nil {
		if g.Groups[channelconfig.ConsortiumsKey], err = consortiumsGroup(p.Consortiums); err != nil {
			return nil, fmt.Errorf("could not create consortiums group: %w", err)
		}
	}
	return g.ConfigGroup, nil
}

func (o *Orderer) group() (*commonpb.ConfigGroup, error) {
	g, err := newGroup(channelconfig.AdminsKey, o.Policies, func(g *group) {
		g.policy(channelconfig.BlockValidationKey, implicitMeta(commonpb.ImplicitMetaPolicy_ANY, channelconfig.WritersKey))
		anyReadersWriters(g)
	})
	if err != nil {
		return nil, fmt.Errorf("error adding policies to orderer group: %w", err)
	}
	g.set(channelconfig.BatchSizeKey, &ordererpb.BatchSize{
		MaxMessageCount:   o.BatchSize.MaxMessageCount,
		AbsoluteMaxBytes:  uint32(o.BatchSize.AbsoluteMaxBytes),
		PreferredMaxBytes: uint32(o.BatchSize.PreferredMaxBytes),
	})
	g.set(channelconfig.BatchTimeoutKey, &ordererpb.BatchTimeout{Timeout: o.BatchTimeout.String()})
	g.set(channelconfig.ChannelRestrictionsKey, &ordererpb.ChannelRestrictions{MaxCount: o.MaxChannels})
	g.capabilities(o.Capabilities)
	consensus := &ordererpb.ConsensusType{Type: o.OrdererType}
	switch o.OrdererType {
	case "kafka":
		g.set(channelconfig.KafkaBrokersKey, &ordererpb.KafkaBrokers{Brokers: o.Kafka.Brokers})
	case "etcdraft":
		metadata, err := o.EtcdRaft.metadata()
		if err != nil {
			return nil, fmt.Errorf("cannot marshal metadata for orderer type etcdraft: %w", err)
		}
		consensus.Metadata = wire.MustMarshal(metadata)
	}
	g.set(channelconfig.ConsensusTypeKey, consensus)
	for _, org := range o.Organizations {
		sub, err := org.group("orderer ")
		if err != nil {
			return nil, fmt.Errorf("failed to create orderer org: %w", err)
		}
		if len(org.OrdererEndpoints) > 0 {
			sub.set(channelconfig.EndpointsKey, &commonpb.OrdererAddresses{Addresses: org.OrdererEndpoints})
		}
		g.Groups[org.Name] = sub.ConfigGroup
	}
	return g.ConfigGroup, nil
}

// metadata reads the consenters' certificates.
func (r *EtcdRaft) metadata() (*etcdraftpb.ConfigMetadata, error) {
	m := &etcdraftpb.ConfigMetadata{Options: &etcdraftpb.Options{
		TickInterval:         r.Options.TickInterval,
		ElectionTick:         r.Options.ElectionTick,
		HeartbeatTick:        r.Options.HeartbeatTick,
		MaxInflightBlocks:    r.Options.MaxInflightBlocks,
		SnapshotIntervalSize: uint32(r.Options.SnapshotIntervalSize),
	}}
	for _, c := range r.Consenters {
		client, err := os.ReadFile(c.ClientTLSCert)
		if err != nil {
			return nil, fmt.Errorf("cannot load client cert for consenter %s:%d: %w", c.Host, c.Port, err)
		}
		server, err := os.ReadFile(c.ServerTLSCert)
		if err != nil {
			return nil, fmt.Errorf("cannot load server cert for consenter %s:%d: %w", c.Host, c.Port, err)
		}
		m.Consenters = append(m.Consenters, &etcdraftpb.Consenter{Host: c.Host, Port: c.Port, ClientTlsCert: client, ServerTlsCert: server})
	}
	return m, nil
}

func (a *Application) group() (*commonpb.ConfigGroup, error) {
	g, err := newGroup(channelconfig.AdminsKey, a.Policies, anyReadersWriters)
	if err != nil {
		return nil, fmt.Errorf("error adding policies to application group: %w", err)
	}
	if len(a.ACLs) > 0 {
		acls := &peerpb.ACLs{Acls: map[string]*peerpb.APIResource{}}
		for resource, ref := range a.ACLs {
			acls.Acls[resource] = &peerpb.APIResource{PolicyRef: ref}
		}
		g.set(channelconfig.ACLsKey, acls)
	}
	g.capabilities(a.Capabilities)
	for _, org := range a.Organizations {
		sub, err := org.group("application ")
		if err != nil {
			return nil, fmt.Errorf("failed to create application org: %w", err)
		}
		if len(org.AnchorPeers) > 0 { // an empty value would differ from the system channel's definition of the organization
			sub.set(channelconfig.AnchorPeersKey, org.anchors())
		}
		g.Groups[org.Name] = sub.ConfigGroup
	}
	return g.ConfigGroup, nil
}

// consortiumsGroup is guarded by the orderer's administrators throughout.
func consortiumsGroup(all map[string]*Consortium) (*commonpb.ConfigGroup, error) {
	g := emptyGroup(channelconfig.PolicyOrdererAdmins)
	g.policy(channelconfig.AdminsKey, signature(policy.AcceptAll()))
	for name, c := range all {
		sub := emptyGroup(channelconfig.PolicyOrdererAdmins)
		if c != nil {
			for _, org := range c.Organizations {
				orgGroup, err := org.Group()
				if err != nil {
					return nil, fmt.Errorf("failed to create consortium %s: failed to create consortium org: %w", name, err)
				}
				sub.Groups[org.Name] = orgGroup
			}
		}
		sub.set(channelconfig.ChannelCreationPolicyKey, implicitMeta(commonpb.ImplicitMetaPolicy_ANY, channelconfig.AdminsKey))
		g.Groups[name] = sub.ConfigGroup
	}
	return g.ConfigGroup, nil
}

// Group makes the organization's group as a consortium has it: policies and MSP.
func (o *Organization) Group() (*commonpb.ConfigGroup, error) {
	g, err := o.group("orderer ")
	if err != nil {
		return nil, err
	}
	return g.ConfigGroup, nil
}

func (o *Organization) group(kind string) (*group, error) {
	if o.MSPType != "bccsp" {
		return nil, fmt.Errorf("org %s: MSP type %s is not supported; the only one is bccsp", o.Name, o.MSPType)
	}
	conf, err := msp.LoadDir(o.MSPDir, o.ID)
	if err != nil {
		return nil, fmt.Errorf("1 - Error loading MSP configuration for org: %s: %w", o.Name, err)
	}
	g, err := newGroup(channelconfig.AdminsKey, o.Policies, func(g *group) {
		admins := policy.Admin
		if o.AdminPrincipal != "Role.ADMIN" {
			admins = policy.Member
		}
		g.policy(channelconfig.AdminsKey, signature(policy.SignedByAny(admins, []string{o.ID})))
		g.policy(channelconfig.ReadersKey, signature(policy.SignedByAny(policy.Member, []string{o.ID})))
		g.policy(channelconfig.WritersKey, signature(policy.SignedByAny(policy.Member, []string{o.ID})))
	})
	if err != nil {
		return nil, fmt.Errorf("error adding policies to %sorg group '%s': %w", kind, o.Name, err)
	}
	g.set(channelconfig.MSPKey, conf)
	return g, nil
}

func (o *Organization) anchors() *peerpb.AnchorPeers {
	m := &peerpb.AnchorPeers{}
	for _, a := range o.AnchorPeers {
		m.AnchorPeers = append(m.AnchorPeers, &peerpb.AnchorPeer{Host: a.Host, Port: int32(a.Port)})
	}
	return m
}

// group is a group under construction. Everything put into it gets its own mod policy.
type group struct{ *commonpb.ConfigGroup }

func emptyGroup(modPolicy string) *group {
	return &group{&commonpb.ConfigGroup{
		Groups: map[string]*commonpb.ConfigGroup{}, Values: map[string]*commonpb.ConfigValue{}, Policies: map[string]*commonpb.ConfigPolicy{},
		ModPolicy: modPolicy,
	}}
}

// newGroup starts a group with the policies given, or if there are none, those that defaults adds.
func newGroup(modPolicy string, given map[string]*Policy, defaults func(*group)) (*group, error) {
	g := emptyGroup(modPolicy)
	if len(given) == 0 {
		defaults(g)
		return g, nil
	}
	for name, p := range given {
		compiled, err := p.compile()
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
		g.policy(name, compiled)
	}
	return g, nil
}

func (g *group) set(key string, m proto.Message) { g.setGuarded(key, m, g.ModPolicy) }

func (g *group) setGuarded(key string, m proto.Message, modPolicy string) {
	g.Values[key] = &commonpb.ConfigValue{Value: wire.MustMarshal(m), ModPolicy: modPolicy}
}

func (g *group) policy(name string, p *commonpb.Policy) {
	g.Policies[name] = &commonpb.ConfigPolicy{Policy: p, ModPolicy: g.ModPolicy}
}

func (g *group) capabilities(wanted map[string]bool) {
	if len(wanted) == 0 {
		return
	}
	m := &commonpb.Capabilities{Capabilities: map[string]*commonpb.Capability{}}
	for name, on := range wanted {
		if on {
			m.Capabilities[name] = &commonpb.Capability{}
		}
	}
	g.set(channelconfig.CapabilitiesKey, m)
}

// anyReadersWriters are the default policies above organizations.
func anyReadersWriters(g *group) {
	g.policy(channelconfig.AdminsKey, implicitMeta(commonpb.ImplicitMetaPolicy_MAJORITY, channelconfig.AdminsKey))
	g.policy(channelconfig.ReadersKey, implicitMeta(commonpb.ImplicitMetaPolicy_ANY, channelconfig.ReadersKey))
	g.policy(channelconfig.WritersKey, implicitMeta(commonpb.ImplicitMetaPolicy_ANY, channelconfig.WritersKey))
}

func implicitMeta(rule commonpb.ImplicitMetaPolicy_Rule, sub string) *commonpb.Policy {
	return &commonpb.Policy{
		Type:  int32(commonpb.Policy_IMPLICIT_META),
		Value: wire.MustMarshal(&commonpb.ImplicitMetaPolicy{Rule: rule, SubPolicy: sub}),
	}
}

func signature(env *commonpb.SignaturePolicyEnvelope) *commonpb.Policy {
	return &commonpb.Policy{Type: int32(commonpb.Policy_SIGNATURE), Value: wire.MustMarshal(env)}
}

func (p *Policy) compile() (*commonpb.Policy, error) {
	if p == nil {
		return nil, fmt.Errorf("it is empty; give it a Type and a Rule")
	}
	switch p.Type {
	case "Signature":
		env, err := policy.Parse(p.Rule)
		if err != nil {
			return nil, fmt.Errorf("invalid signature policy rule '%s': %w", p.Rule, err)
		}
		return signature(env), nil
	case "ImplicitMeta":
		meta, err := policy.ParseImplicitMeta(p.Rule)
		if err != nil {
			return nil, fmt.Errorf("invalid implicit meta policy rule '%s': %w", p.Rule, err)
		}
		return implicitMeta(meta.Rule, meta.SubPolicy), nil
	}
	return nil, fmt.Errorf("unknown policy type: %s", p.Type)
}
