package channelconfig

import (
	"bytes"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// ComputeUpdate makes the update that leads from one configuration to another, with the smallest read and write sets: both list what
// changed; a group whose members or mod policy changed goes up one version and lists all its members, unchanged ones by version alone.
// Marshal it with wire.Marshal for the bytes configtxlator gives.
func ComputeUpdate(channelID string, original, updated *commonpb.Config) (*commonpb.ConfigUpdate, error) {
	if original.GetChannelGroup() == nil {
		return nil, errors.New("no channel group included for original config")
	}
	if updated.GetChannelGroup() == nil {
		return nil, errors.New("no channel group included for updated config")
	}
	read, write, differ := compareGroups(original.ChannelGroup, updated.ChannelGroup)
	if !differ {
		return nil, errors.New("no differences detected between original and updated config")
	}
	return &commonpb.ConfigUpdate{ChannelId: channelID, ReadSet: read, WriteSet: write}, nil
}

// members are the sets that one kind of a group's members contributes.
type members[V any] struct {
	read, write, same map[string]V
	changed           bool // some were added or removed
}

// compare sorts the members of two maps: into same where equal finds them so (with what it returns), into read and write otherwise.
func compare[V any](was, is map[string]V, equal func(was, is V) (read, write V, same bool), added func(V) V, inRead bool) members[V] {
	m := members[V]{read: map[string]V{}, write: map[string]V{}, same: map[string]V{}}
	for key, old := range was {
		now, ok := is[key]
		if !ok {
			m.changed = true
			continue
		}
		read, write, same := equal(old, now)
		switch {
		case same:
			m.same[key] = read
		case inRead:
			m.read[key], m.write[key] = read, write
		default:
			m.write[key] = write
		}
	}
	for key, now := range is {
		if _, ok := was[key]; !ok {
			m.changed = true
			m.write[key] = added(now)
		}
	}
	return m
}

// keepSame lists the unchanged members too.
func (m *members[V]) keepSame() {
	for key, v := range m.same {
		m.read[key], m.write[key] = v, v
	}
}

func compareGroups(was, is *commonpb.ConfigGroup) (read, write *commonpb.ConfigGroup, differ bool) {
	groups := compare(was.GetGroups(), is.GetGroups(),
		func(w, i *commonpb.ConfigGroup) (*commonpb.ConfigGroup, *commonpb.ConfigGroup, bool) {
			r, wr, d := compareGroups(w, i)
			return r, wr, !d
		}, addedGroup, true)
	values := compare(was.GetValues(), is.GetValues(), compareValues, func(v *commonpb.ConfigValue) *commonpb.ConfigValue {
		return &commonpb.ConfigValue{ModPolicy: v.GetModPolicy(), Value: v.GetValue()}
	}, false)
	policies := compare(was.GetPolicies(), is.GetPolicies(), comparePolicies, func(p *commonpb.ConfigPolicy) *commonpb.ConfigPolicy {
		return &commonpb.ConfigPolicy{ModPolicy: p.GetModPolicy(), Policy: p.GetPolicy()}
	}, false)

	read = &commonpb.ConfigGroup{Version: was.GetVersion()}
	write = &commonpb.ConfigGroup{Version: was.GetVersion()}
	if groups.changed || values.changed || policies.changed || was.GetModPolicy() != is.GetModPolicy() {
		groups.keepSame()
		values.keepSame()
		policies.keepSame()
		write.Version++
		write.ModPolicy = is.GetModPolicy()
	} else if len(groups.write)+len(values.write)+len(policies.write) == 0 {
		return read, write, false
	}
	read.Groups, read.Values, read.Policies = groups.read, values.read, policies.read
	write.Groups, write.Values, write.Policies = groups.write, values.write, policies.write
	return read, write, true
}

// addedGroup is a new group as a write set has it: everything in it at version 0.
func addedGroup(g *commonpb.ConfigGroup) *commonpb.ConfigGroup {
	_, write, _ := compareGroups(&commonpb.ConfigGroup{}, g)
	write.Version, write.ModPolicy = 0, g.GetModPolicy()
	return write
}

func compareValues(was, is *commonpb.ConfigValue) (read, write *commonpb.ConfigValue, same bool) {
	if was.GetModPolicy() == is.GetModPolicy() && bytes.Equal(was.GetValue(), is.GetValue()) {
		return &commonpb.ConfigValue{Version: was.GetVersion()}, nil, true
	}
	return nil, &commonpb.ConfigValue{Version: was.GetVersion() + 1, ModPolicy: is.GetModPolicy(), Value: is.GetValue()}, false
}

func comparePolicies(was, is *commonpb.ConfigPolicy) (read, write *commonpb.ConfigPolicy, same bool) {
	if was.GetModPolicy() == is.GetModPolicy() && proto.Equal(was.GetPolicy(), is.GetPolicy()) {
		return &commonpb.ConfigPolicy{Version: was.GetVersion()}, nil, true
	}
	return nil, &commonpb.ConfigPolicy{Version: was.GetVersion() + 1, ModPolicy: is.GetModPolicy(), Policy: is.GetPolicy()}, false
}
