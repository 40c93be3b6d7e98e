package channelconfig

import (
	"fmt"
	"reflect"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// element is what groups, values and policies have in common.
type element interface {
	GetVersion() uint64
	GetModPolicy() string
}

// The kinds of element, as error texts print them.
const (
	groupKind  = "[Group]  "
	valueKind  = "[Value]  "
	policyKind = "[Policy] "
)

// place is where a walk stands in the tree. Paths are only put together for messages and policy look-ups: an update may be deep.
type place struct {
	parent *place
	key    string
}

func (p *place) in(key string) *place { return &place{parent: p, key: key} }

func (p *place) String() string {
	if p.parent == nil {
		return "/" + p.key
	}
	return p.parent.String() + "/" + p.key
}

// base is the prefix that policies of the group at this place have.
func (p *place) base() string {
	if p.parent == nil {
		return ""
	}
	return p.parent.base() + p.key + "/"
}

// missing tells whether an element is absent: a nil pointer in the interface.
func missing(e element) bool { return e == nil || reflect.ValueOf(e).IsNil() }

// changed tells whether an element of the write set changes something: it is not in the read set, or there with another version.
func changed(read, write element) bool {
	return !missing(write) && (missing(read) || read.GetVersion() != write.GetVersion())
}

// checkRead checks that every element of the read set exists in the current tree at the version it was read.
func checkRead(at *place, read, current *commonpb.ConfigGroup) error {
	if err := sameVersion(groupKind, at, read, current); err != nil {
		return err
	}
	for _, key := range sortedKeys(read.GetGroups()) {
		if err := checkRead(at.in(key), read.Groups[key], current.GetGroups()[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(read.GetValues()) {
		if err := sameVersion(valueKind, at.in(key), read.Values[key], current.GetValues()[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(read.GetPolicies()) {
		if err := sameVersion(policyKind, at.in(key), read.Policies[key], current.GetPolicies()[key]); err != nil {
			return err
		}
	}
	return nil
}

func sameVersion(kind string, at *place, read, current element) error {
	if missing(current) {
		return fmt.Errorf("existing config does not contain element for %s%s but was in the read set", kind, at)
	}
	if read.GetVersion() != current.GetVersion() {
		return fmt.Errorf("proposed update requires that key %s%s be at version %d, but it is currently at version %d", kind, at, read.GetVersion(), current.GetVersion())
	}
	return nil
}

// delta walks a write set and authorizes what it changes.
type delta struct {
	bundle   *Bundle
	signed   []policy.SignedData
	changes  int
	verdicts map[string]error // by mod policy and group: many elements share one policy
}

// group checks the group at a place and everything the write set has below it. read and current are nil where they have no such group.
func (d *delta) group(at *place, read, write, current *commonpb.ConfigGroup) error {
	if err := d.element(groupKind, at, at, read, write, current); err != nil {
		return err
	}
	for _, key := range sortedKeys(write.GetGroups()) {
		if err := d.group(at.in(key), read.GetGroups()[key], write.Groups[key], current.GetGroups()[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(write.GetValues()) {
		if err := d.element(valueKind, at.in(key), at, read.GetValues()[key], write.Values[key], current.GetValues()[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(write.GetPolicies()) {
		if err := d.element(policyKind, at.in(key), at, read.GetPolicies()[key], write.Policies[key], current.GetPolicies()[key]); err != nil {
			return err
		}
	}
	return nil
}

// element authorizes one element if it changes. A new one must have version 0; who may add it is decided by the policy of the group above,
// whose version changes with its members. An existing one must go up by one version, and its mod policy, a name relative to group, be
// satisfied.
func (d *delta) element(kind string, at, group *place, read, write, current element) error {
	if !changed(read, write) {
		return nil
	}
	d.changes++
	if err := checkModPolicy(write.GetModPolicy()); err != nil {
		return fmt.Errorf("invalid mod_policy for element %s%s: %w", kind, at, err)
	}
	if missing(current) {
		if write.GetVersion() != 0 {
			return fmt.Errorf("attempted to set key %s%s to version %d, but key does not exist", kind, at, write.GetVersion())
		}
		return nil
	}
	if write.GetVersion() != current.GetVersion()+1 {
		return fmt.Errorf("attempt to set key %s%s to version %d, but key is at version %d", kind, at, write.GetVersion(), current.GetVersion())
	}
	found, err := d.evaluate(group, current.GetModPolicy())
	if !found {
		return fmt.Errorf("unexpected missing policy %s for item %s%s", current.GetModPolicy(), kind, at)
	}
	if err != nil {
		return fmt.Errorf("policy for %s%s not satisfied: %w", kind, at, err)
	}
	return nil
}

// evaluate asks the policy that a mod policy names, once per update. found is false when there is no such policy.
func (d *delta) evaluate(group *place, modPolicy string) (found bool, err error) {
	base := group.base()
	if len(modPolicy) > 0 && modPolicy[0] == '/' {
		base = ""
	}
	p, ok := d.bundle.policies.find(base, modPolicy)
	if !ok {
		return false, nil
	}
	verdict, known := d.verdicts[base+modPolicy]
	if !known {
		verdict = p.Evaluate(d.signed)
		d.verdicts[base+modPolicy] = verdict
	}
	return true, verdict
}
