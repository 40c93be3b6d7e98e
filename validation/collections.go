package validation

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

const allowedCollectionName = "[A-Za-z0-9_-]+"

var collectionName = regexp.MustCompile("^" + allowedCollectionName + "$")

// checkCollections holds the collection configuration that a deployment writes against the one in its arguments, and that against the rules.
func (d *decision) checkCollections(u *deployment) (reason, err error) {
	if len(u.writes) > 2 {
		return errors.New("LSCC can only issue one or two putState upon deploy"), nil
	}
	var argument, written []byte
	given := len(u.args) > 5
	if given {
		argument = u.args[5]
	}
	key := u.name + "~collection"
	if len(u.writes) == 2 {
		if u.writes[1].Key != key {
			return fmt.Errorf("invalid key for the collection of chaincode %s:%s; expected '%s', received '%s'", u.name, u.version, key, u.writes[1].Key), nil
		}
		written = u.writes[1].Value
	}
	if !bytes.Equal(argument, written) {
		return fmt.Errorf("collection configuration arguments supplied for chaincode %s:%s do not match the configuration in the lscc writeset", u.name, u.version), nil
	}
	if u.function == deployFunction {
		if stored, err := d.storedCollections(u, key); stored != nil || err != nil {
			return fmt.Errorf("collection data should not exist for chaincode %s:%s", u.name, u.version), err
		}
	}
	if !given {
		return nil, nil
	}
	config := &commonpb.CollectionConfigPackage{}
	if err := wire.UnmarshalOneofsAs14(argument, config); err != nil {
		return fmt.Errorf("invalid collection configuration supplied for chaincode %s:%s", u.name, u.version), nil
	}
	if !d.p.caps.V1_2Validation {
		return nil, nil
	}
	if err := checkNewCollections(config.Config); err != nil {
		return err, nil
	}
	if u.function == upgradeFunction {
		stored, err := d.storedCollections(u, key)
		if err != nil || stored == nil {
			return nil, err
		}
		return keepsCollections(stored.Config, config.Config), nil
	}
	return nil, nil
}

// storedCollections is the configuration that the block before left; nil if there is none.
func (d *decision) storedCollections(u *deployment, key string) (*commonpb.CollectionConfigPackage, error) {
	raw, err := d.state.Get(lsccName, key)
	if err != nil || raw == nil {
		return nil, err
	}
	config := &commonpb.CollectionConfigPackage{}
	if err := wire.UnmarshalOneofsAs14(raw, config); err != nil {
		return nil, fmt.Errorf("unable to check whether collection existed earlier for chaincode %s:%s: %w", u.name, u.version, err)
	}
	return config, nil
}

func checkNewCollections(configs []*commonpb.CollectionConfig) error {
	seen := make(map[string]bool, len(configs))
	for _, c := range configs {
		static := c.GetStaticCollectionConfig()
		if static == nil {
			return errors.New("unknown collection configuration type")
		}
		switch {
		case static.Name == "":
			return errors.New("empty collection-name is not allowed")
		case !collectionName.MatchString(static.Name):
			return fmt.Errorf("collection-name: %s not allowed. A valid collection name follows the pattern: %s", static.Name, allowedCollectionName)
		case seen[static.Name]:
			return fmt.Errorf("collection-name: %s -- found duplicate collection configuration", static.Name)
		case static.MaximumPeerCount < static.RequiredPeerCount:
			return fmt.Errorf("collection-name: %s -- maximum peer count (%d) cannot be greater than the required peer count (%d)",
				static.Name, static.MaximumPeerCount, static.RequiredPeerCount)
		case static.RequiredPeerCount < 0:
			return fmt.Errorf("collection-name: %s -- requiredPeerCount (%d) cannot be less than zero", static.Name, static.RequiredPeerCount)
		case static.MemberOrgsPolicy.GetSignaturePolicy() == nil:
			return fmt.Errorf("collection-name: %s -- error in member org policy: there is none", static.Name)
		}
		seen[static.Name] = true
		if err := checkOnlyOrs(static.MemberOrgsPolicy.GetSignaturePolicy().Rule); err != nil {
			return fmt.Errorf("collection-name: %s -- error in member org policy: %w", static.Name, err)
		}
	}
	return nil
}

// checkOnlyOrs lets a policy pass that merely lists who is a member: each gate asks for one of its rules. It recurses as deep as the rules
// nest, which the protobuf decoder bounds.
func checkOnlyOrs(rule *commonpb.SignaturePolicy) error {
	gate := rule.GetNOutOf()
	if gate == nil {
		return nil
	}
	if gate.N != 1 {
		return fmt.Errorf("signature policy is not an OR concatenation, NOutOf %d", gate.N)
	}
	for _, r := range gate.Rules {
		if err := checkOnlyOrs(r); err != nil {
			return err
		}
	}
	return nil
}

// keepsCollections wants every collection to stay, and to live as many blocks as before.
func keepsCollections(was, is []*commonpb.CollectionConfig) error {
	byName := make(map[string]*commonpb.StaticCollectionConfig, len(is))
	for _, c := range is {
		byName[c.GetStaticCollectionConfig().GetName()] = c.GetStaticCollectionConfig()
	}
	var missing, changed []string
	for _, c := range was {
		old := c.GetStaticCollectionConfig()
		if old == nil {
			return errors.New("unknown collection configuration type")
		}
		switch kept, ok := byName[old.Name]; {
		case !ok:
			missing = append(missing, old.Name)
		case kept.BlockToLive != old.BlockToLive:
			changed = append(changed, old.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the following existing collections are missing in the new collection configuration package: %v", missing)
	}
	if len(changed) > 0 {
		return fmt.Errorf("the BlockToLive in the following existing collections must not be modified: %v", changed)
	}
	return nil
}
