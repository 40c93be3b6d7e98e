package channelconfig

import (
	"errors"
	"fmt"
	"math"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Names of groups and values in the tree.
const (
	ChannelKey                   = "Channel"
	OrdererKey                   = "Orderer"
	ApplicationKey               = "Application"
	ConsortiumsKey               = "Consortiums"
	ConsortiumKey                = "Consortium"
	HashingAlgorithmKey          = "HashingAlgorithm"
	BlockDataHashingStructureKey = "BlockDataHashingStructure"
	OrdererAddressesKey          = "OrdererAddresses"
	CapabilitiesKey              = "Capabilities"
	ConsensusTypeKey             = "ConsensusType"
	BatchSizeKey                 = "BatchSize"
	BatchTimeoutKey              = "BatchTimeout"
	ChannelRestrictionsKey       = "ChannelRestrictions"
	KafkaBrokersKey              = "KafkaBrokers"
	EndpointsKey                 = "Endpoints"
	ACLsKey                      = "ACLs"
	MSPKey                       = "MSP"
	AnchorPeersKey               = "AnchorPeers"
	ChannelCreationPolicyKey     = "ChannelCreationPolicy"
	ReadersKey                   = "Readers"
	WritersKey                   = "Writers"
	AdminsKey                    = "Admins"
	BlockValidationKey           = "BlockValidation"
)

// Paths of the policies that are asked for by name.
const (
	PolicyChannelReaders     = "/Channel/Readers"
	PolicyChannelWriters     = "/Channel/Writers"
	PolicyChannelAdmins      = "/Channel/Admins"
	PolicyApplicationReaders = "/Channel/Application/Readers"
	PolicyApplicationWriters = "/Channel/Application/Writers"
	PolicyApplicationAdmins  = "/Channel/Application/Admins"
	PolicyOrdererReaders     = "/Channel/Orderer/Readers"
	PolicyOrdererWriters     = "/Channel/Orderer/Writers"
	PolicyOrdererAdmins      = "/Channel/Orderer/Admins"
	PolicyBlockValidation    = "/Channel/Orderer/BlockValidation"
)

// Bundle is a channel's configuration, read, checked and immutable.
type Bundle struct {
	channelID    string
	config       *commonpb.Config
	capabilities ChannelCapabilities
	addresses    []string
	consortium   string
	orderer      *Orderer
	application  *Application
	consortiums  *Consortiums
	msps         *msp.Manager
	policies     policies
}

// New reads a configuration. config belongs to the Bundle from here on and must not be changed.
func New(channelID string, config *commonpb.Config) (*Bundle, error) {
	if err := checkShape(config); err != nil {
		return nil, err
	}
	b := &Bundle{channelID: channelID, config: config}
	if err := b.readChannel(config.ChannelGroup); err != nil {
		return nil, fmt.Errorf("initializing channelconfig failed: %w", err)
	}
	var err error
	if b.policies, err = newPolicies(config.ChannelGroup, b.msps); err != nil {
		return nil, fmt.Errorf("initializing policymanager failed: %w", err)
	}
	if err := CheckChannelID(channelID); err != nil {
		return nil, fmt.Errorf("initializing configtx manager failed: bad channel ID: %w", err)
	}
	if err := checkKeys(config.ChannelGroup); err != nil {
		return nil, fmt.Errorf("initializing configtx manager failed: error converting config to map: %w", err)
	}
	return b, nil
}

// FromEnvelope reads the configuration that a CONFIG envelope carries, for the channel its header names.
func FromEnvelope(env *commonpb.Envelope) (*Bundle, error) {
	payload := &commonpb.Payload{}
	if err := wire.UnmarshalAs14(env.GetPayload(), payload); err != nil {
		return nil, fmt.Errorf("failed to unmarshal payload from envelope: %w", err)
	}
	ce := &commonpb.ConfigEnvelope{}
	if err := wire.UnmarshalAs14(payload.Data, ce); err != nil {
		return nil, fmt.Errorf("failed to unmarshal config envelope from payload: %w", err)
	}
	if payload.Header == nil {
		return nil, errors.New("envelope header cannot be nil")
	}
	header := &commonpb.ChannelHeader{}
	if err := wire.UnmarshalAs14(payload.Header.ChannelHeader, header); err != nil {
		return nil, fmt.Errorf("failed to unmarshal channel header: %w", err)
	}
	return New(header.ChannelId, ce.Config)
}

// FromBlock reads the configuration in a genesis block or in a configuration block.
func FromBlock(block *commonpb.Block) (*Bundle, error) {
	env := &commonpb.Envelope{}
	switch data := block.GetData().GetData(); {
	case len(data) == 0:
		return nil, errors.New("configuration block has no transactions")
	case len(data) > 1:
		return nil, fmt.Errorf("configuration block must only contain one transaction, not %d", len(data))
	default:
		if err := wire.UnmarshalAs14(data[0], env); err != nil {
			return nil, fmt.Errorf("failed to unmarshal envelope from block: %w", err)
		}
	}
	return FromEnvelope(env)
}

// ChannelID is the channel's name.
func (b *Bundle) ChannelID() string { return b.channelID }

// Sequence counts configurations of the channel: 0 for the first, one more for each update.
func (b *Bundle) Sequence() uint64 { return b.config.GetSequence() }

// Config is the tree itself. Do not change it.
func (b *Bundle) Config() *commonpb.Config { return b.config }

// MSPs are the organizations' identity rules.
func (b *Bundle) MSPs() *msp.Manager { return b.msps }

// Capabilities are those of the whole channel.
func (b *Bundle) Capabilities() ChannelCapabilities { return b.capabilities }

// Orderer is the orderer section, if there is one.
func (b *Bundle) Orderer() (*Orderer, bool) { return b.orderer, b.orderer != nil }

// Application is the application section, if there is one: the system channel has none.
func (b *Bundle) Application() (*Application, bool) { return b.application, b.application != nil }

// Consortiums is the consortiums section, if there is one: only the system channel has it.
func (b *Bundle) Consortiums() (*Consortiums, bool) { return b.consortiums, b.consortiums != nil }

// Consortium is the name of the consortium the channel was made for; empty for the system channel.
func (b *Bundle) Consortium() string { return b.consortium }

// Policy finds a policy by its path, absolute ("/Channel/Application/Writers") or from the root group ("Application/Writers"). When there
// is none, the policy returned refuses everything.
func (b *Bundle) Policy(path string) (policy.Policy, bool) { return b.policies.find("", path) }

// OrdererAddresses are the addresses orderers can be reached at: those the orderer organizations list or, if none does, the channel's.
func (b *Bundle) OrdererAddresses() []string {
	if b.orderer != nil {
		var own []string
		for _, name := range sortedKeys(b.orderer.Orgs) {
			own = append(own, b.orderer.Orgs[name].Endpoints...)
		}
		if len(own) > 0 {
			return own
		}
	}
	return append([]string(nil), b.addresses...)
}

// checkShape refuses what later steps could not name well: no tree, or capabilities of a section before the orderers'.
func checkShape(config *commonpb.Config) error {
	if config == nil {
		return errors.New("channelconfig Config cannot be nil")
	}
	root := config.ChannelGroup
	if root == nil {
		return errors.New("config must contain a channel group")
	}
	orderer, ok := root.Groups[OrdererKey]
	if !ok || hasValue(orderer, CapabilitiesKey) {
		return nil
	}
	if hasValue(root, CapabilitiesKey) {
		return errors.New("cannot enable channel capabilities without orderer support first")
	}
	if hasValue(root.Groups[ApplicationKey], CapabilitiesKey) {
		return errors.New("cannot enable application capabilities without orderer support first")
	}
	return nil
}

func hasValue(g *commonpb.ConfigGroup, key string) bool {
	_, ok := g.GetValues()[key]
	return ok
}

// readChannel reads the root group and the sections below it.
func (b *Bundle) readChannel(root *commonpb.ConfigGroup) error {
	var (
		hash       commonpb.HashingAlgorithm
		width      commonpb.BlockDataHashingStructure
		addresses  commonpb.OrdererAddresses
		consortium commonpb.Consortium
		caps       commonpb.Capabilities
	)
	if err := readValues(root, values{
		HashingAlgorithmKey: &hash, BlockDataHashingStructureKey: &width, OrdererAddressesKey: &addresses,
		ConsortiumKey: &consortium, CapabilitiesKey: &caps,
	}); err != nil {
		return err
	}
	b.capabilities = newChannelCapabilities(&caps)
	b.addresses, b.consortium = addresses.Addresses, consortium.Name
	if hash.Name != "SHA256" {
		return fmt.Errorf("Unknown hashing algorithm type: %s", hash.Name)
	}
	if width.Width != math.MaxUint32 {
		return errors.New("BlockDataHashStructure width only supported at MaxUint32 in this version")
	}
	if !b.capabilities.OrgSpecificOrdererEndpoints && len(addresses.Addresses) == 0 {
		return errors.New("Must set some OrdererAddresses")
	}
	orgs := newOrgReader(b.capabilities)
	for _, name := range sortedKeys(root.Groups) {
		var err error
		switch group := root.Groups[name]; name {
		case ApplicationKey:
			b.application, err = readApplication(group, orgs)
		case OrdererKey:
			b.orderer, err = readOrderer(group, orgs)
		case ConsortiumsKey:
			b.consortiums, err = readConsortiums(group, orgs)
		default:
			return fmt.Errorf("Disallowed channel group: %s", name)
		}
		if err != nil {
			return fmt.Errorf("could not create channel %s sub-group config: %w", name, err)
		}
	}
	b.msps = orgs.manager()
	return nil
}
