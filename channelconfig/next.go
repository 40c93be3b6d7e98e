package channelconfig

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// Next reads the configuration that is to follow the current one and checks that it may: what it requires is supported by an orderer of this
// build, and it keeps what must not change. An ordering node calls it on what ProposeUpdate gives.
func (b *Bundle) Next(config *commonpb.Config) (*Bundle, error) {
	next, err := New(b.channelID, config)
	if err != nil {
		return nil, err
	}
	if err := next.OrdererSupports(); err != nil {
		return nil, fmt.Errorf("config update is not compatible: %w", err)
	}
	return next, b.ValidateNew(next)
}

// Apply is what a peer does with a CONFIG transaction: Validate, then read the new configuration and check that it may follow this one.
// Whether the peer has the capabilities it requires is PeerSupports's to say: a peer that does not must stop, not call the block invalid.
func (b *Bundle) Apply(ce *commonpb.ConfigEnvelope) (*Bundle, error) {
	if err := b.Validate(ce); err != nil {
		return nil, err
	}
	next, err := New(b.channelID, ce.Config)
	if err != nil {
		return nil, err
	}
	if err := b.ValidateNew(next); err != nil {
		return nil, err
	}
	return next, nil
}

// OrdererSupports refuses a configuration that an ordering node of this build cannot serve, naming the capability it lacks.
func (b *Bundle) OrdererSupports() error {
	if b.orderer == nil {
		return errors.New("config does not contain orderer config")
	}
	if err := b.orderer.Capabilities.Supported(); err != nil {
		return fmt.Errorf("config requires unsupported orderer capabilities: %w", err)
	}
	if err := b.capabilities.Supported(); err != nil {
		return fmt.Errorf("config requires unsupported channel capabilities: %w", err)
	}
	return nil
}

// PeerSupports refuses a configuration that a peer of this build cannot follow, naming the capability it lacks.
func (b *Bundle) PeerSupports() error {
	if b.application == nil {
		return fmt.Errorf("[channel %s] does not have application config so is incompatible", b.channelID)
	}
	if err := b.application.Capabilities.Supported(); err != nil {
		return fmt.Errorf("[channel %s] incompatible: %w", b.channelID, err)
	}
	if err := b.capabilities.Supported(); err != nil {
		return fmt.Errorf("[channel %s] incompatible: %w", b.channelID, err)
	}
	return nil
}

// ValidateNew checks that next may follow b: sections stay, organizations keep their MSP id, and the consensus type does not change unless
// the channel has a capability for it.
func (b *Bundle) ValidateNew(next *Bundle) error {
	if b.orderer != nil {
		if next.orderer == nil {
			return errors.New("current config has orderer section, but new config does not")
		}
		if was, is := b.orderer.ConsensusType, next.orderer.ConsensusType; was != is && !b.capabilities.ConsensusTypeMigration {
			return fmt.Errorf("attempted to change consensus type from %s to %s", was, is)
		}
		if err := sameMSPs("orderer org", b.orderer.Orgs, next.orderer.Orgs); err != nil {
			return err
		}
	}
	if b.application != nil {
		if next.application == nil {
			return errors.New("current config has application section, but new config does not")
		}
		if err := sameMSPs("application org", orgsOf(b.application), orgsOf(next.application)); err != nil {
			return err
		}
	}
	switch {
	case b.consortiums == nil && next.consortiums != nil:
		return errors.New("current config has no consortiums section, but new config does")
	case b.consortiums != nil && next.consortiums == nil:
		return errors.New("current config has consortiums section, but new config does not")
	case b.consortiums == nil:
		return nil
	}
	for _, name := range sortedKeys(b.consortiums.ByName) {
		if is, ok := next.consortiums.ByName[name]; ok {
			if err := sameMSPs("consortium "+name+" org", b.consortiums.ByName[name].Orgs, is.Orgs); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameMSPs checks that organizations in both sets have kept their MSP id.
func sameMSPs(what string, was, is map[string]*Org) error {
	for _, name := range sortedKeys(was) {
		if org, ok := is[name]; ok && org.MSPID != was[name].MSPID {
			return fmt.Errorf("%s %s attempted to change MSP ID from %s to %s", what, name, was[name].MSPID, org.MSPID)
		}
	}
	return nil
}

func orgsOf(a *Application) map[string]*Org {
	orgs := make(map[string]*Org, len(a.Orgs))
	for name, org := range a.Orgs {
		orgs[name] = &org.Org
	}
	return orgs
}
