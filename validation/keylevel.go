package validation

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// validationParameter is the name, in a key's metadata, of the key's own endorsement policy.
var validationParameter = peerpb.MetaDataKeys_VALIDATION_PARAMETER.String()

// keyID is a key of the state; in a collection, key is the hash of the key.
type keyID struct{ ns, collection, key string }

// endorsed asks whether the endorsements allow what the transaction writes in a namespace. reason says why they do not.
func (d *decision) endorsed(t *transaction, ns string, def *definition) (reason, err error) {
	if !d.p.caps.V1_3Validation {
		return d.endorsedAsOne(t, def), nil
	}
	k := keyLevel{d: d, t: t, def: def}
	for i := range t.set.Namespaces {
		if set := &t.set.Namespaces[i]; set.Name == ns {
			if reason, err = k.namespace(set); reason != nil || err != nil {
				return reason, err
			}
		}
	}
	if !k.someAsked {
		return k.askChaincode(ns), nil // there is always at least one policy to satisfy
	}
	return nil, nil
}

// endorsedAsOne asks the chaincode's policy alone, as before 1.3. Then, unlike later, an endorser that is not even a serialized identity spoils
// the transaction.
func (d *decision) endorsedAsOne(t *transaction, def *definition) error {
	for i, e := range t.Endorsements {
		if err := wire.UnmarshalAs14(e.GetEndorser(), &msppb.SerializedIdentity{}); err != nil {
			return fmt.Errorf("Unmarshal endorser error: endorsement %d: %w", i, err)
		}
	}
	if err := def.policy.evaluate(t.endorsements); err != nil {
		return fmt.Errorf("VSCC error: endorsement policy failure, err: %w", err)
	}
	return nil
}

// keyLevel asks, for each key that a transaction writes, the key's own policy if it has one, else the chaincode's.
type keyLevel struct {
	d   *decision
	t   *transaction
	def *definition

	chaincodeAsked bool
	someAsked      bool
	passed         map[string]bool // policies of keys that have been satisfied, by their bytes
}

// namespace goes through the keys in Fabric's order; the first that is not allowed ends it.
func (k *keyLevel) namespace(set *rwset.Namespace) (reason, err error) {
	ask := func(collection, key string) bool {
		reason, err = k.key(keyID{set.Name, collection, key})
		return reason == nil && err == nil
	}
	for _, w := range set.KV.Writes {
		if !ask("", w.Key) {
			return reason, err
		}
	}
	for _, w := range set.KV.MetadataWrites {
		if !ask("", w.Key) {
			return reason, err
		}
	}
	for i := range set.Collections {
		for _, w := range set.Collections[i].Hashed.HashedWrites {
			if !ask(set.Collections[i].Name, string(w.KeyHash)) {
				return reason, err
			}
		}
	}
	for i := range set.Collections {
		for _, w := range set.Collections[i].Hashed.MetadataWrites {
			if !ask(set.Collections[i].Name, string(w.KeyHash)) {
				return reason, err
			}
		}
	}
	return nil, nil
}

func (k *keyLevel) key(id keyID) (reason, err error) {
	if k.d.changed[id] {
		return fmt.Errorf("validation parameters for key [%q] in namespace [%s:%s] have been changed by an earlier transaction of this block",
			id.key, id.ns, id.collection), nil
	}
	parameter, err := k.d.parameter(id)
	switch {
	case err != nil:
		return nil, err
	case len(parameter) > 0:
		return k.askKey(id, parameter), nil
	case !k.chaincodeAsked:
		return k.askChaincode(id.ns), nil
	}
	return nil, nil
}

func (k *keyLevel) askChaincode(ns string) error {
	if err := k.def.policy.evaluate(k.t.endorsements); err != nil {
		return fmt.Errorf("validation of endorsement policy for chaincode %s failed: %w", ns, err)
	}
	k.chaincodeAsked, k.someAsked = true, true
	return nil
}

func (k *keyLevel) askKey(id keyID, parameter []byte) error {
	if k.passed[string(parameter)] {
		return nil
	}
	if err := k.d.policies.compile(parameter).evaluate(k.t.endorsements); err != nil {
		return fmt.Errorf("validation of key %q (coll'%s':ns'%s') failed: %w", id.key, id.collection, id.ns, err)
	}
	if k.passed == nil {
		k.passed = map[string]bool{}
	}
	k.passed[string(parameter)] = true
	k.someAsked = true
	return nil
}

// parameter is a key's own endorsement policy as the block before left it.
func (d *decision) parameter(id keyID) ([]byte, error) {
	var metadata map[string][]byte
	var err error
	if id.collection == "" {
		metadata, err = d.state.Metadata(id.ns, id.key)
	} else {
		metadata, err = d.state.HashedMetadata(id.ns, id.collection, []byte(id.key))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("could not retrieve metadata for %s:%s:%x", id.ns, id.collection, id.key), err)
	}
	return metadata[validationParameter], nil
}

// remember notes the keys of a namespace whose policies a transaction changes, once that namespace's policies have been satisfied. Nobody can
// know yet whether MVCC will let the change through, so until the next block nothing can be endorsed rightly for these keys. Whether the
// transaction is refused later on, for another namespace, makes no difference, in Fabric neither.
func (d *decision) remember(t *transaction, ns string) {
	for i := range t.set.Namespaces {
		set := &t.set.Namespaces[i]
		if set.Name != ns {
			continue
		}
		for _, w := range set.KV.MetadataWrites {
			d.changed[keyID{ns, "", w.Key}] = true
		}
		for j := range set.Collections {
			for _, w := range set.Collections[j].Hashed.MetadataWrites {
				d.changed[keyID{ns, set.Collections[j].Name, string(w.KeyHash)}] = true
			}
		}
	}
}

// rememberAll does so for all namespaces of an accepted transaction: instantiating and upgrading write in the chaincode's namespace without
// asking its policy. (Fabric 1.4 waits for that policy's answer and never gets one.)
func (d *decision) rememberAll(t *transaction) {
	for i := range t.set.Namespaces {
		d.remember(t, t.set.Namespaces[i].Name)
	}
}
