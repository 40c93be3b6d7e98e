package system

import (
	"errors"
	"fmt"
	"sort"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// deployment is what the arguments of deploy and upgrade say, with Fabric's defaults filled in. Arguments are function, channel,
// deployment spec, and then, all optional: endorsement policy, escc, vscc, collection configuration.
type deployment struct {
	upgrade           bool
	bundle            *channelconfig.Bundle
	app               *channelconfig.Application
	name, version     string
	policy            []byte // endorsement policy, encoded
	escc, vscc        string
	collections       []byte // collection configuration, encoded; empty for none
	collectionsCalled bool   // the argument was given, if only empty
}

// deploy writes the definition of a chaincode into the channel. Its Init is run afterwards, by the endorser, in the same simulation.
func (s *LSCC) deploy(c *chaincode.Call, args [][]byte) *peerpb.Response {
	d, refusal := s.parseDeployment(c, args)
	if refusal != nil {
		return refusal
	}
	definition, err := s.define(c, d)
	if err != nil {
		return failure("%s", err)
	}
	if d.upgrade {
		c.SetEvent("upgrade", wire.MustMarshal(&peerpb.LifecycleEvent{ChaincodeName: definition.Name}))
	}
	return answer(wire.Marshal(definition))
}

func (s *LSCC) parseDeployment(c *chaincode.Call, args [][]byte) (*deployment, *peerpb.Response) {
	if len(args) < 3 {
		return nil, badArgs(args)
	}
	channelID := string(args[1])
	if channelID == "" {
		return nil, failure("invalid channel name: %s", channelID)
	}
	if c.Simulator == nil || channelID != c.ChannelID {
		return nil, failure("invalid channel name: %s: the proposal is for channel [%s]", channelID, c.ChannelID)
	}
	d := &deployment{upgrade: string(args[0]) == "upgrade", escc: "escc", vscc: "vscc"}
	var ok bool
	if d.bundle, ok = s.Channels.Bundle(channelID); ok {
		d.app, ok = d.bundle.Application()
	}
	if !ok {
		return nil, failure("channel %s has no application configuration", channelID)
	}
	switch private := d.app.Capabilities.PrivateChannelData; {
	case !private && len(args) > 6:
		return nil, failure("as V1_2 or later capability is not enabled, private channel collections and data are not available")
	case len(args) > 7:
		return nil, badArgs(args)
	}
	spec := &peerpb.ChaincodeDeploymentSpec{}
	if err := wire.Unmarshal(args[2], spec); err != nil {
		return nil, failure("error unmarshaling ChaincodeDeploymentSpec: %s", err)
	}
	id := spec.GetChaincodeSpec().GetChaincodeId()
	d.name, d.version = id.GetName(), id.GetVersion()
	optional := func(i int) []byte {
		if i < len(args) {
			return args[i]
		}
		return nil
	}
	if d.policy = optional(3); len(d.policy) == 0 {
		d.policy = wire.MustMarshal(policy.SignedByAny("member", orgs(d.app)))
	}
	if name := optional(4); len(name) > 0 {
		d.escc = string(name)
	}
	if name := optional(5); len(name) > 0 {
		d.vscc = string(name)
	}
	d.collections, d.collectionsCalled = optional(6), len(args) > 6
	return d, nil
}

// orgs lists the MSPs of a channel's application organisations, sorted.
func orgs(app *channelconfig.Application) []string {
	var ids []string
	for _, o := range app.Orgs {
		ids = append(ids, o.MSPID)
	}
	sort.Strings(ids)
	return ids
}

// define checks a deployment against package, state and instantiation policies, and writes it.
func (s *LSCC) define(c *chaincode.Call, d *deployment) (*peerpb.ChaincodeData, error) {
	if err := pack.ValidateName(d.name); err != nil {
		return nil, err
	}
	if err := pack.ValidateVersion(d.version); err != nil {
		return nil, err
	}
	p, err := s.Packages.Get(d.name, d.version)
	if err != nil {
		s.Log.Warn("Cannot read the package to instantiate", "name", d.name, "version", d.version, "error", err)
		return nil, fmt.Errorf("cannot get package for chaincode (%s:%s)", d.name, d.version)
	}
	present, err := get(c, d.name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("transaction not found: %w", err)
	case !d.upgrade && present != nil:
		return nil, fmt.Errorf("chaincode with name '%s' already exists", d.name)
	case d.upgrade && present == nil:
		return nil, fmt.Errorf("could not find chaincode with name '%s'", d.name)
	case d.upgrade:
		if err := checkReplaceable(c, d, present); err != nil {
			return nil, err
		}
	}
	definition := p.Data()
	definition.Escc, definition.Vscc, definition.Policy = d.escc, d.vscc, d.policy
	if !p.Signed() {
		definition.InstantiationPolicy = wire.MustMarshal(policy.SignedByAny("admin", orgs(d.app)))
	}
	if err := checkInstantiation(c, d, definition.InstantiationPolicy); err != nil {
		return nil, err
	}
	raw, err := wire.Marshal(definition)
	if err != nil {
		return nil, err
	}
	if err := c.Simulator.Put(namespace, d.name, raw); err != nil {
		return nil, err
	}
	if d.upgrade && !d.app.Capabilities.CollectionUpgrade {
		if d.collectionsCalled {
			return nil, errors.New("as V1_2 capability is not enabled, collection upgrades are not allowed")
		}
		return definition, nil
	}
	return definition, putCollections(c, d)
}

// checkReplaceable asks of an upgrade a new version and the consent of the policy under which the old one was instantiated.
func checkReplaceable(c *chaincode.Call, d *deployment, present []byte) error {
	old, err := parseDefinition(d.name, present)
	switch {
	case err != nil:
		return err
	case old.Version == d.version:
		return fmt.Errorf("version already exists for chaincode with name '%s'", d.name)
	case old.InstantiationPolicy == nil:
		return errors.New("instantiation policy missing")
	}
	return checkInstantiation(c, d, old.InstantiationPolicy)
}

// checkInstantiation asks that the proposal's creator satisfy an instantiation policy.
func checkInstantiation(c *chaincode.Call, d *deployment, encoded []byte) error {
	p, err := policy.FromBytes(encoded, d.bundle.MSPs())
	if err != nil {
		return err
	}
	if err := p.Evaluate([]policy.SignedData{signed(c)}); err != nil {
		return fmt.Errorf("instantiation policy violation: %w", err)
	}
	return nil
}

// putCollections checks and writes the collection configuration. Without one nothing is written: an upgrade keeps the present one.
func putCollections(c *chaincode.Call, d *deployment) error {
	if len(d.collections) == 0 {
		return nil
	}
	config := &commonpb.CollectionConfigPackage{}
	if err := wire.Unmarshal(d.collections, config); err != nil {
		return fmt.Errorf("invalid collection configuration supplied for chaincode %s:%s", d.name, d.version)
	}
	for _, collection := range config.Config {
		if err := checkCollection(collection, d.bundle); err != nil {
			return fmt.Errorf("collection member policy check failed: %w", err)
		}
	}
	if err := c.Simulator.Put(namespace, d.name+collectionSuffix, d.collections); err != nil {
		return fmt.Errorf("error putting collection for chaincode %s:%s: %w", d.name, d.version, err)
	}
	return nil
}
