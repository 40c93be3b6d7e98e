package profile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// GenesisBlock makes a channel's first block, normally a system channel's. now is its timestamp, to the second.
func (p *Profile) GenesisBlock(channelID string, now time.Time) (*commonpb.Block, error) {
	if err := checkText(channelID); err != nil {
		return nil, err
	}
	if p.Orderer == nil {
		return nil, errors.New("refusing to generate block which is missing orderer section")
	}
	group, err := p.ChannelGroup()
	if err != nil {
		return nil, fmt.Errorf("Error creating channel group: %w", err)
	}
	nonce := make([]byte, 24)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("reading a nonce: %w", err)
	}
	header := &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_CONFIG), Version: 1, ChannelId: channelID, TxId: tx.ID(nonce, nil),
		Timestamp: &timestamppb.Timestamp{Seconds: now.Unix()},
	}
	raw, err := wire.Marshal(envelope(header, &commonpb.SignatureHeader{Nonce: nonce}, &commonpb.ConfigEnvelope{Config: &commonpb.Config{ChannelGroup: group}}))
	if err != nil {
		return nil, err
	}
	return block.New(0, nil, [][]byte{raw}), nil
}

// CreateChannelTx makes the unsigned transaction that asks for a new channel. base is the system channel's profile, for requests that change more
// than the application section; nil to leave the rest to the system channel.
func (p *Profile) CreateChannelTx(channelID string, base *Profile, now time.Time) (*commonpb.Envelope, error) {
	if err := checkText(channelID); err != nil {
		return nil, err
	}
	update, err := p.channelCreation(channelID, base)
	if err != nil {
		return nil, err
	}
	header := &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: channelID,
		Timestamp: &timestamppb.Timestamp{Seconds: now.Unix()},
	}
	return envelope(header, nil, &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)}), nil
}

func (p *Profile) channelCreation(channelID string, base *Profile) (*commonpb.ConfigUpdate, error) {
	if p.Application == nil {
		return nil, errors.New("cannot define a new channel with no Application section")
	}
	if p.Consortium == "" {
		return nil, errors.New("cannot define a new channel with no Consortium value")
	}
	wanted, err := p.ChannelGroup()
	if err != nil {
		return nil, fmt.Errorf("could not turn parse profile into channel group: %w", err)
	}
	var template *commonpb.ConfigGroup
	if base == nil {
		template = proto.Clone(wanted).(*commonpb.ConfigGroup)
		application := template.Groups[channelconfig.ApplicationKey]
		application.Values, application.Policies = nil, nil
	} else if template, err = p.templateFrom(base); err != nil {
		return nil, fmt.Errorf("could not create config template: %w", err)
	}
	update, err := channelconfig.ComputeUpdate(channelID, &commonpb.Config{ChannelGroup: template}, &commonpb.Config{ChannelGroup: wanted})
	if err != nil {
		return nil, fmt.Errorf("config update generation failure: could not compute update: %w", err)
	}
	update.ReadSet.Values[channelconfig.ConsortiumKey] = &commonpb.ConfigValue{}
	update.WriteSet.Values[channelconfig.ConsortiumKey] = &commonpb.ConfigValue{Value: wire.MustMarshal(&commonpb.Consortium{Name: p.Consortium})}
	return update, nil
}

// templateFrom is what the orderer of a system channel with the given profile would start the new channel from.
func (p *Profile) templateFrom(base *Profile) (*commonpb.ConfigGroup, error) {
	system, err := base.ChannelGroup()
	if err != nil {
		return nil, fmt.Errorf("could not parse system channel config: %w", err)
	}
	consortiums, ok := system.Groups[channelconfig.ConsortiumsKey]
	if !ok {
		return nil, errors.New("supplied system channel group does not appear to be system channel (missing consortiums group)")
	}
	consortium, ok := consortiums.Groups[p.Consortium]
	if !ok {
		return nil, fmt.Errorf("supplied system channel group is missing '%s' consortium", p.Consortium)
	}
	members := map[string]*commonpb.ConfigGroup{}
	for _, org := range p.Application.Organizations {
		if members[org.Name], ok = consortium.Groups[org.Name]; !ok {
			return nil, fmt.Errorf("consortium %s does not contain member org %s", p.Consortium, org.Name)
		}
	}
	delete(system.Groups, channelconfig.ConsortiumsKey)
	system.Groups[channelconfig.ApplicationKey] = &commonpb.ConfigGroup{Groups: members}
	(&group{system}).set(channelconfig.ConsortiumKey, &commonpb.Consortium{Name: p.Consortium})
	return system, nil
}

// AnchorPeersUpdate makes the unsigned transaction that sets the anchor peers of one organization, by name. It fits a channel made from the
// profile, once: it builds on the versions such a channel starts with.
func (p *Profile) AnchorPeersUpdate(channelID, asOrg string) (*commonpb.Envelope, error) {
	if err := checkText(channelID); err != nil {
		return nil, err
	}
	if asOrg == "" {
		return nil, errors.New("Must specify an organization to update the anchor peer for")
	}
	if p.Application == nil {
		return nil, errors.New("Cannot update anchor peers without an application section")
	}
	var org *Organization
	for _, o := range p.Application.Organizations {
		if o.Name == asOrg {
			org = o
		}
	}
	if org == nil {
		return nil, fmt.Errorf("No organization name matching: %s", asOrg)
	}
	update := &commonpb.ConfigUpdate{
		ChannelId: channelID,
		ReadSet:   anchorSet(org.Name, memberGroup()),
		WriteSet:  anchorSet(org.Name, memberGroup()),
	}
	changed := &group{update.WriteSet.Groups[channelconfig.ApplicationKey].Groups[org.Name]}
	changed.Version, changed.ModPolicy = 1, channelconfig.AdminsKey
	changed.set(channelconfig.AnchorPeersKey, org.anchors())
	header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: channelID}
	return envelope(header, nil, &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)}), nil
}

// checkText refuses a channel ID that no message can carry. Whether a channel may have that name is for the orderer to say.
func checkText(channelID string) error {
	if !utf8.ValidString(channelID) {
		return fmt.Errorf("channel ID %q is not UTF-8 text", channelID)
	}
	return nil
}

// anchorSet is a root group with the application group, at the version channel creation gives it, and one organization.
func anchorSet(name string, org *commonpb.ConfigGroup) *commonpb.ConfigGroup {
	return &commonpb.ConfigGroup{Groups: map[string]*commonpb.ConfigGroup{
		channelconfig.ApplicationKey: {Version: 1, ModPolicy: channelconfig.AdminsKey, Groups: map[string]*commonpb.ConfigGroup{name: org}},
	}}
}

// memberGroup names what an organization's group holds before it has anchor peers.
func memberGroup() *commonpb.ConfigGroup {
	return &commonpb.ConfigGroup{
		Values:   map[string]*commonpb.ConfigValue{channelconfig.MSPKey: {}},
		Policies: map[string]*commonpb.ConfigPolicy{channelconfig.ReadersKey: {}, channelconfig.WritersKey: {}, channelconfig.AdminsKey: {}},
	}
}

// envelope puts data under headers, unsigned. A nil signature header stands for the empty one.
func envelope(channel *commonpb.ChannelHeader, signature *commonpb.SignatureHeader, data proto.Message) *commonpb.Envelope {
	if signature == nil {
		signature = &commonpb.SignatureHeader{}
	}
	return &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(channel), SignatureHeader: wire.MustMarshal(signature)},
		Data:   wire.MustMarshal(data),
	})}
}
