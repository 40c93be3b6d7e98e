package channelconfig

import (
	"fmt"
	"slices"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// capabilities is one section's list of required capabilities.
type capabilities struct {
	section  string
	required []string // sorted
	known    []string
}

func newCapabilities(section string, m *commonpb.Capabilities, known ...string) capabilities {
	c := capabilities{section: section, known: known}
	for name := range m.GetCapabilities() {
		c.required = append(c.required, name)
	}
	slices.Sort(c.required)
	return c
}

// Supported names the first required capability that this build does not have.
func (c capabilities) Supported() error {
	for _, name := range c.required {
		if !slices.Contains(c.known, name) {
			return fmt.Errorf("%s capability %s is required but not supported", c.section, name)
		}
	}
	return nil
}

// Required lists the capabilities the configuration asks for, sorted.
func (c capabilities) Required() []string { return slices.Clone(c.required) }

// any tells whether one of the names is required.
func (c capabilities) any(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.required, n) })
}

// Capabilities of later releases are not supported, but imply what 1.4.3's do, so that a configuration that asks for them can be read.
var later = []string{"V2_0", "V2_5", "V3_0"}

func sinceV(names ...string) []string { return append(names, later...) }

// ChannelCapabilities are those of the whole channel.
type ChannelCapabilities struct {
	capabilities
	MSPVersion                  msp.Version
	ConsensusTypeMigration      bool // the consensus type may change, in maintenance
	OrgSpecificOrdererEndpoints bool // orderer organizations may list their own addresses
}

func newChannelCapabilities(m *commonpb.Capabilities) ChannelCapabilities {
	c := ChannelCapabilities{capabilities: newCapabilities("Channel", m, "V1_1", "V1_3", "V1_4_2", "V1_4_3")}
	switch {
	case c.any(sinceV("V1_4_3")...):
		c.MSPVersion = msp.V1_4_3
	case c.any("V1_3", "V1_4_2"):
		c.MSPVersion = msp.V1_3
	case c.any("V1_1"):
		c.MSPVersion = msp.V1_1
	default:
		c.MSPVersion = msp.V1_0
	}
	c.ConsensusTypeMigration = c.any(sinceV("V1_4_2", "V1_4_3")...)
	c.OrgSpecificOrdererEndpoints = c.ConsensusTypeMigration
	return c
}

// OrdererCapabilities are those of the ordering service.
type OrdererCapabilities struct {
	capabilities
	PredictableChannelTemplate bool // new channels copy the system channel's mod policy, and start at version 0
	Resubmission               bool // messages checked under an older configuration are checked again
	ExpirationCheck            bool // expired identities are refused
	ConsensusTypeMigration     bool // the consensus type may change, in maintenance
}

func newOrdererCapabilities(m *commonpb.Capabilities) OrdererCapabilities {
	c := OrdererCapabilities{capabilities: newCapabilities("Orderer", m, "V1_1", "V1_4_2")}
	v11 := c.any(sinceV("V1_1", "V1_4_2")...)
	c.PredictableChannelTemplate, c.Resubmission, c.ExpirationCheck = v11, v11, v11
	c.ConsensusTypeMigration = c.any(sinceV("V1_4_2")...)
	return c
}

// Capabilities from the time before 1.2 that 1.4.12 still supports: one turns private data on, the other does nothing.
const (
	privateDataExperimental  = "V1_1_PVTDATA_EXPERIMENTAL"
	resourceTreeExperimental = "V1_1_RESOURCETREE_EXPERIMENTAL"
)

// ApplicationCapabilities are those of the peers.
type ApplicationCapabilities struct {
	capabilities
	ACLs                       bool // the configuration may name policies for resources
	ForbidDuplicateTXIDInBlock bool
	PrivateChannelData         bool // collections
	CollectionUpgrade          bool // an upgrade may change collections
	V1_1Validation             bool
	V1_2Validation             bool
	V1_3Validation             bool
	KeyLevelEndorsement        bool
	StorePvtDataOfInvalidTx    bool
}

func newApplicationCapabilities(m *commonpb.Capabilities) ApplicationCapabilities {
	c := ApplicationCapabilities{capabilities: newCapabilities("Application", m, "V1_1", "V1_2", "V1_3", "V1_4_2", privateDataExperimental, resourceTreeExperimental)}
	v142 := c.any(sinceV("V1_4_2")...)
	v13 := v142 || c.any("V1_3")
	v12 := v13 || c.any("V1_2")
	v11 := v12 || c.any("V1_1")
	c.ForbidDuplicateTXIDInBlock, c.V1_1Validation = v11, v11
	c.ACLs, c.CollectionUpgrade, c.V1_2Validation = v12, v12, v12
	c.PrivateChannelData = v12 || c.any(privateDataExperimental)
	c.V1_3Validation, c.KeyLevelEndorsement = v13, v13
	c.StorePvtDataOfInvalidTx = v142
	return c
}
