package channelconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Orderer is the orderer section: how blocks are cut and agreed on.
type Orderer struct {
	BatchSize         *ordererpb.BatchSize
	BatchTimeout      time.Duration
	ConsensusType     string
	ConsensusMetadata []byte // for etcdraft, an etcdraft.ConfigMetadata
	ConsensusState    ordererpb.ConsensusType_State
	MaxChannels       uint64 // 0: no limit
	KafkaBrokers      []string
	Orgs              map[string]*Org // by group name
	Capabilities      OrdererCapabilities
}

// Org is an organization as every section has it.
type Org struct {
	Name      string // of its group
	MSPID     string
	MSP       *msp.MSP
	Endpoints []string // orderer organizations only: its orderers' addresses
}

// Application is the application section: the peers' organizations.
type Application struct {
	Orgs         map[string]*ApplicationOrg // by group name
	ACLs         map[string]string          // resource → absolute policy path
	Capabilities ApplicationCapabilities
}

// ApplicationOrg is a peers' organization.
type ApplicationOrg struct {
	Org
	AnchorPeers []*peerpb.AnchorPeer
}

// Consortiums is the consortiums section of the system channel.
type Consortiums struct {
	ByName map[string]*Consortium
}

// Consortium is a set of organizations that may make channels together.
type Consortium struct {
	ChannelCreationPolicy *commonpb.Policy
	Orgs                  map[string]*Org
}

// values maps the keys a group may have to messages to decode them into.
type values map[string]proto.Message

// readValues decodes a group's values. A key that is not in into is an error.
func readValues(group *commonpb.ConfigGroup, into values) error {
	for _, key := range sortedKeys(group.GetValues()) {
		m, ok := into[key]
		if !ok {
			return fmt.Errorf("failed to deserialize values: Unexpected key %s", key)
		}
		if err := proto.Unmarshal(group.Values[key].GetValue(), m); err != nil {
			return fmt.Errorf("failed to deserialize values: %s: %w", key, err)
		}
	}
	return nil
}

func readOrderer(group *commonpb.ConfigGroup, orgs *orgReader) (*Orderer, error) {
	var (
		consensus    ordererpb.ConsensusType
		size         = &ordererpb.BatchSize{}
		timeout      ordererpb.BatchTimeout
		brokers      ordererpb.KafkaBrokers
		restrictions ordererpb.ChannelRestrictions
		caps         commonpb.Capabilities
	)
	if err := readValues(group, values{
		ConsensusTypeKey: &consensus, BatchSizeKey: size, BatchTimeoutKey: &timeout,
		KafkaBrokersKey: &brokers, ChannelRestrictionsKey: &restrictions, CapabilitiesKey: &caps,
	}); err != nil {
		return nil, err
	}
	o := &Orderer{
		BatchSize: size, ConsensusType: consensus.Type, ConsensusMetadata: consensus.Metadata, ConsensusState: consensus.State,
		MaxChannels: restrictions.MaxCount, KafkaBrokers: brokers.Brokers, Orgs: map[string]*Org{}, Capabilities: newOrdererCapabilities(&caps),
	}
	if err := checkBatchSize(size); err != nil {
		return nil, err
	}
	var err error
	if o.BatchTimeout, err = readBatchTimeout(timeout.Timeout); err != nil {
		return nil, err
	}
	for _, broker := range brokers.Brokers {
		if !isBroker(broker) {
			return nil, fmt.Errorf("Invalid broker entry: %s", broker)
		}
	}
	for _, name := range sortedKeys(group.GetGroups()) {
		if o.Orgs[name], err = orgs.orderer(name, group.Groups[name]); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func checkBatchSize(s *ordererpb.BatchSize) error {
	switch {
	case s.MaxMessageCount == 0:
		return errors.New("Attempted to set the batch size max message count to an invalid value: 0")
	case s.AbsoluteMaxBytes == 0:
		return errors.New("Attempted to set the batch size absolute max bytes to an invalid value: 0")
	case s.PreferredMaxBytes == 0:
		return errors.New("Attempted to set the batch size preferred max bytes to an invalid value: 0")
	case s.PreferredMaxBytes > s.AbsoluteMaxBytes:
		return fmt.Errorf("Attempted to set the batch size preferred max bytes (%v) greater than the absolute max bytes (%v).", s.PreferredMaxBytes, s.AbsoluteMaxBytes)
	}
	return nil
}

func readBatchTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("Attempted to set the batch timeout to a invalid value: %w", err)
	}
	if d <= 0 {
		return 0, fmt.Errorf("Attempted to set the batch timeout to a non-positive value: %s", d)
	}
	return d, nil
}

func readApplication(group *commonpb.ConfigGroup, orgs *orgReader) (*Application, error) {
	var (
		acls peerpb.ACLs
		caps commonpb.Capabilities
	)
	if err := readValues(group, values{ACLsKey: &acls, CapabilitiesKey: &caps}); err != nil {
		return nil, err
	}
	a := &Application{Orgs: map[string]*ApplicationOrg{}, ACLs: map[string]string{}, Capabilities: newApplicationCapabilities(&caps)}
	if !a.Capabilities.ACLs && hasValue(group, ACLsKey) {
		return nil, errors.New("ACLs may not be specified without the required capability")
	}
	for resource, acl := range acls.Acls {
		switch ref := acl.GetPolicyRef(); {
		case ref == "": // the resource keeps its default
		case strings.HasPrefix(ref, "/"):
			a.ACLs[resource] = ref
		default:
			a.ACLs[resource] = "/" + ChannelKey + "/" + ApplicationKey + "/" + ref
		}
	}
	for _, name := range sortedKeys(group.GetGroups()) {
		org, err := orgs.application(name, group.Groups[name])
		if err != nil {
			return nil, err
		}
		a.Orgs[name] = org
	}
	return a, nil
}

func readConsortiums(group *commonpb.ConfigGroup, orgs *orgReader) (*Consortiums, error) {
	c := &Consortiums{ByName: map[string]*Consortium{}}
	for _, name := range sortedKeys(group.GetGroups()) {
		one := &Consortium{ChannelCreationPolicy: &commonpb.Policy{}, Orgs: map[string]*Org{}}
		consortium := group.Groups[name]
		if err := readValues(consortium, values{ChannelCreationPolicyKey: one.ChannelCreationPolicy}); err != nil {
			return nil, err
		}
		for _, orgName := range sortedKeys(consortium.GetGroups()) {
			org, err := orgs.plain(orgName, consortium.Groups[orgName])
			if err != nil {
				return nil, err
			}
			one.Orgs[orgName] = org
		}
		c.ByName[name] = one
	}
	return c, nil
}

// orgReader reads organizations; one MSP may stand in several sections, but only in one form.
type orgReader struct {
	channel ChannelCapabilities
	made    map[string]*msp.MSP         // by the bytes of their configuration
	configs map[string]*msppb.MSPConfig // by MSP id
	msps    map[string]*msp.MSP         // by MSP id
}

func newOrgReader(channel ChannelCapabilities) *orgReader {
	return &orgReader{channel: channel, made: map[string]*msp.MSP{}, configs: map[string]*msppb.MSPConfig{}, msps: map[string]*msp.MSP{}}
}

func (r *orgReader) plain(name string, group *commonpb.ConfigGroup) (*Org, error) {
	if len(group.GetGroups()) > 0 {
		return nil, errors.New("organizations do not support sub-groups")
	}
	return r.read(name, group, values{})
}

func (r *orgReader) orderer(name string, group *commonpb.ConfigGroup) (*Org, error) {
	if len(group.GetGroups()) > 0 {
		return nil, errors.New("OrdererOrg config does not allow sub-groups")
	}
	if !r.channel.OrgSpecificOrdererEndpoints && hasValue(group, EndpointsKey) {
		return nil, fmt.Errorf("Orderer Org %s cannot contain endpoints value until V1_4_2+ capabilities have been enabled", name)
	}
	var endpoints commonpb.OrdererAddresses
	org, err := r.read(name, group, values{EndpointsKey: &endpoints})
	if err != nil {
		return nil, err
	}
	org.Endpoints = endpoints.Addresses
	return org, nil
}

func (r *orgReader) application(name string, group *commonpb.ConfigGroup) (*ApplicationOrg, error) {
	if len(group.GetGroups()) > 0 {
		return nil, errors.New("ApplicationOrg config does not allow sub-groups")
	}
	var anchors peerpb.AnchorPeers
	org, err := r.read(name, group, values{AnchorPeersKey: &anchors})
	if err != nil {
		return nil, err
	}
	return &ApplicationOrg{Org: *org, AnchorPeers: anchors.AnchorPeers}, nil
}

// read decodes an organization's values, the MSP and those in more, and sets up its MSP.
func (r *orgReader) read(name string, group *commonpb.ConfigGroup, more values) (*Org, error) {
	conf := &msppb.MSPConfig{}
	more[MSPKey] = conf
	if err := readValues(group, more); err != nil {
		return nil, err
	}
	m, err := r.msp(string(group.GetValues()[MSPKey].GetValue()), conf)
	if err != nil {
		return nil, fmt.Errorf("setting up the MSP manager failed: org %s: %w", name, err)
	}
	if m.ID() == "" {
		return nil, fmt.Errorf("MSP for org %s has empty MSP ID", name)
	}
	if first, ok := r.configs[m.ID()]; ok && !proto.Equal(first, conf) {
		return nil, fmt.Errorf("Attempted to define two different versions of MSP: %s", m.ID())
	}
	r.configs[m.ID()], r.msps[m.ID()] = conf, m
	return &Org{Name: name, MSPID: m.ID(), MSP: m}, nil
}

// msp sets up an MSP, or gives back the one that the same bytes have made.
func (r *orgReader) msp(raw string, conf *msppb.MSPConfig) (*msp.MSP, error) {
	if m, ok := r.made[raw]; ok {
		return m, nil
	}
	m, err := msp.New(conf, msp.WithVersion(r.channel.MSPVersion))
	if err == nil {
		r.made[raw] = m
	}
	return m, err
}

func (r *orgReader) manager() *msp.Manager {
	all := make([]*msp.MSP, 0, len(r.msps))
	for _, id := range sortedKeys(r.msps) {
		all = append(all, r.msps[id])
	}
	return msp.NewManager(all...)
}

// isBroker tells whether s looks like host:port.
func isBroker(s string) bool {
	host, port, ok := strings.Cut(s, ":")
	if !ok || strings.Contains(port, ":") {
		return false
	}
	return brokerHost.MatchString(host) && brokerPort.MatchString(port)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
