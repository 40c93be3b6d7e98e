package channelconfig

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// ProposeUpdate authorizes a CONFIG_UPDATE envelope against the current tree: what it read is still so, what it writes is one version on,
// and the signatures satisfy the policy that each changed element names. It returns the next configuration, ready to be wrapped as a CONFIG
// envelope. Call Next on the outcome before relying on it.
func (b *Bundle) ProposeUpdate(env *commonpb.Envelope) (*commonpb.ConfigEnvelope, error) {
	update := &commonpb.ConfigUpdateEnvelope{}
	if _, err := OpenEnvelope(env, commonpb.HeaderType_CONFIG_UPDATE, update); err != nil {
		return nil, fmt.Errorf("error converting envelope to config update: %w", err)
	}
	group, err := b.authorize(update)
	if err != nil {
		return nil, fmt.Errorf("error authorizing update: %w", err)
	}
	return &commonpb.ConfigEnvelope{
		Config:     &commonpb.Config{Sequence: b.Sequence() + 1, ChannelGroup: group},
		LastUpdate: env,
	}, nil
}

// Validate checks that a CONFIG transaction's content is what its own update, applied to the current tree, gives. Call Next on its config
// before taking it into use.
func (b *Bundle) Validate(ce *commonpb.ConfigEnvelope) error {
	if ce == nil {
		return errors.New("config envelope is nil")
	}
	if ce.Config == nil {
		return errors.New("config envelope has nil config")
	}
	if ce.Config.Sequence != b.Sequence()+1 {
		return fmt.Errorf("config currently at sequence %d, cannot validate config at sequence %d", b.Sequence(), ce.Config.Sequence)
	}
	update := &commonpb.ConfigUpdateEnvelope{}
	if _, err := OpenEnvelope(ce.LastUpdate, commonpb.HeaderType_CONFIG_UPDATE, update); err != nil {
		return err
	}
	group, err := b.authorize(update)
	if err != nil {
		return err
	}
	if !proto.Equal(group, ce.Config.ChannelGroup) {
		return errors.New("ConfigEnvelope LastUpdate did not produce the supplied config result")
	}
	return nil
}

// OpenEnvelope decodes the data of an envelope whose header must have the given type.
func OpenEnvelope(env *commonpb.Envelope, want commonpb.HeaderType, into proto.Message) (*commonpb.ChannelHeader, error) {
	payload := &commonpb.Payload{}
	if err := wire.UnmarshalAs14(env.GetPayload(), payload); err != nil {
		return nil, fmt.Errorf("error unmarshaling Payload: %w", err)
	}
	if payload.Header == nil {
		return nil, errors.New("envelope must have a Header")
	}
	header := &commonpb.ChannelHeader{}
	if err := wire.UnmarshalAs14(payload.Header.ChannelHeader, header); err != nil {
		return nil, fmt.Errorf("error unmarshaling ChannelHeader: %w", err)
	}
	if header.Type != int32(want) {
		return nil, fmt.Errorf("invalid type %s, expected %s", commonpb.HeaderType(header.Type), want)
	}
	if err := wire.Unmarshal(payload.Data, into); err != nil {
		return nil, fmt.Errorf("error unmarshaling message for type %s: %w", want, err)
	}
	return header, nil
}

// SignedData gives the signatures of an update: each is over its own header and the update's bytes.
func SignedData(e *commonpb.ConfigUpdateEnvelope) ([]policy.SignedData, error) {
	signed := make([]policy.SignedData, len(e.GetSignatures()))
	for i, s := range e.GetSignatures() {
		header := &commonpb.SignatureHeader{}
		if err := wire.UnmarshalAs14(s.GetSignatureHeader(), header); err != nil {
			return nil, fmt.Errorf("signature %d: error unmarshaling SignatureHeader: %w", i, err)
		}
		signed[i] = policy.RememberJoined(s.GetSignatureHeader(), e.ConfigUpdate, header.Creator, s.GetSignature())
	}
	return signed, nil
}

// authorize holds an update against the current tree and returns the tree it makes.
func (b *Bundle) authorize(e *commonpb.ConfigUpdateEnvelope) (*commonpb.ConfigGroup, error) {
	update := &commonpb.ConfigUpdate{}
	if err := wire.Unmarshal(e.ConfigUpdate, update); err != nil {
		return nil, fmt.Errorf("error unmarshaling ConfigUpdate: %w", err)
	}
	if update.ChannelId != b.channelID {
		return nil, fmt.Errorf("ConfigUpdate for channel '%s' but envelope for channel '%s'", update.ChannelId, b.channelID)
	}
	if err := checkKeys(update.ReadSet); err != nil {
		return nil, fmt.Errorf("error mapping ReadSet: %w", err)
	}
	root := &place{key: ChannelKey}
	if update.ReadSet != nil {
		if err := checkRead(root, update.ReadSet, b.config.ChannelGroup); err != nil {
			return nil, fmt.Errorf("error validating ReadSet: %w", err)
		}
	}
	if err := checkKeys(update.WriteSet); err != nil {
		return nil, fmt.Errorf("error mapping WriteSet: %w", err)
	}
	signed, err := SignedData(e)
	if err != nil {
		return nil, err
	}
	d := &delta{bundle: b, signed: signed, verdicts: map[string]error{}}
	if update.WriteSet != nil {
		if err := d.group(root, update.ReadSet, update.WriteSet, b.config.ChannelGroup); err != nil {
			return nil, fmt.Errorf("error validating DeltaSet: %w", err)
		}
	}
	if d.changes == 0 {
		return nil, errors.New("error validating DeltaSet: delta set was empty -- update would have no effect")
	}
	next := merge(update.ReadSet, update.WriteSet, b.config.ChannelGroup)
	if hasValue(b.config.ChannelGroup.Groups[OrdererKey], CapabilitiesKey) || hasValue(update.GetWriteSet().GetGroups()[OrdererKey], CapabilitiesKey) {
		fillModPolicies(next)
	}
	return next, nil
}

// merge makes the next group: a group that the update changes has the members the write set lists, any other keeps its own; below both,
// changed elements come from the write set and the rest stay. The arguments are not changed; nil stands for absent.
func merge(read, write, current *commonpb.ConfigGroup) *commonpb.ConfigGroup {
	from := current
	if changed(read, write) {
		from = write
	}
	next := &commonpb.ConfigGroup{Version: from.GetVersion(), ModPolicy: from.GetModPolicy()}
	for key := range from.GetGroups() {
		if next.Groups == nil {
			next.Groups = make(map[string]*commonpb.ConfigGroup, len(from.Groups))
		}
		next.Groups[key] = merge(read.GetGroups()[key], write.GetGroups()[key], current.GetGroups()[key])
	}
	for key := range from.GetValues() {
		v := current.GetValues()[key]
		if w := write.GetValues()[key]; changed(read.GetValues()[key], w) {
			v = w
		}
		if next.Values == nil {
			next.Values = make(map[string]*commonpb.ConfigValue, len(from.Values))
		}
		next.Values[key] = proto.Clone(v).(*commonpb.ConfigValue)
	}
	for key := range from.GetPolicies() {
		p := current.GetPolicies()[key]
		if w := write.GetPolicies()[key]; changed(read.GetPolicies()[key], w) {
			p = w
		}
		if next.Policies == nil {
			next.Policies = make(map[string]*commonpb.ConfigPolicy, len(from.Policies))
		}
		next.Policies[key] = proto.Clone(p).(*commonpb.ConfigPolicy)
	}
	return next
}

// fillModPolicies gives "Admins" to elements without a mod policy, which channels made by 1.0 have; it applies once the orderers have
// capabilities.
func fillModPolicies(g *commonpb.ConfigGroup) {
	if g.ModPolicy == "" {
		g.ModPolicy = AdminsKey
	}
	for _, v := range g.Values {
		if v.ModPolicy == "" {
			v.ModPolicy = AdminsKey
		}
	}
	for _, p := range g.Policies {
		if p.ModPolicy == "" {
			p.ModPolicy = AdminsKey
		}
	}
	for _, sub := range g.Groups {
		fillModPolicies(sub)
	}
}
