package channelconfig

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// NewChannelTemplate gives the configuration that a channel creation request, a CONFIG_UPDATE envelope for a channel that is not yet there,
// is to be applied to: the system channel's settings and orderers, and the consortium's definition of the organizations asked for, which
// the consortium's ChannelCreationPolicy guards. ProposeUpdate of the template, given the same envelope, makes the channel's first
// configuration; ValidateNew of the template checks it.
func NewChannelTemplate(system *Bundle, env *commonpb.Envelope) (*Bundle, error) {
	channelID, update, err := openCreation(env)
	if err != nil {
		return nil, err
	}
	consortium, err := creationConsortium(update)
	if err != nil {
		return nil, err
	}
	application, err := templateApplication(system, consortium, update.WriteSet.Groups[ApplicationKey])
	if err != nil {
		return nil, err
	}
	from := proto.Clone(system.config.ChannelGroup).(*commonpb.ConfigGroup)
	group := &commonpb.ConfigGroup{
		Groups:   map[string]*commonpb.ConfigGroup{ApplicationKey: application},
		Values:   from.Values,
		Policies: from.Policies,
	}
	if orderer, ok := from.Groups[OrdererKey]; ok {
		group.Groups[OrdererKey] = orderer
	}
	if group.Values == nil {
		group.Values = map[string]*commonpb.ConfigValue{}
	}
	group.Values[ConsortiumKey] = &commonpb.ConfigValue{Value: wire.MustMarshal(&commonpb.Consortium{Name: consortium}), ModPolicy: AdminsKey}
	if o, ok := system.Orderer(); ok && o.Capabilities.PredictableChannelTemplate {
		group.ModPolicy = from.ModPolicy
		zeroVersions(group)
	}
	return New(channelID, &commonpb.Config{ChannelGroup: group})
}

// openCreation decodes a channel creation request as far as its rules need.
func openCreation(env *commonpb.Envelope) (string, *commonpb.ConfigUpdate, error) {
	payload := &commonpb.Payload{}
	if err := proto.Unmarshal(env.GetPayload(), payload); err != nil {
		return "", nil, fmt.Errorf("Failing initial channel config creation because of payload unmarshaling error: %w", err)
	}
	e := &commonpb.ConfigUpdateEnvelope{}
	if err := wire.Unmarshal(payload.Data, e); err != nil {
		return "", nil, fmt.Errorf("Failing initial channel config creation because of config update envelope unmarshaling error: %w", err)
	}
	if payload.Header == nil {
		return "", nil, errors.New("Failed initial channel config creation because config update header was missing")
	}
	header := &commonpb.ChannelHeader{}
	if err := proto.Unmarshal(payload.Header.ChannelHeader, header); err != nil {
		return "", nil, fmt.Errorf("Failed initial channel config creation because channel header was malformed: %w", err)
	}
	update := &commonpb.ConfigUpdate{}
	if err := wire.Unmarshal(e.ConfigUpdate, update); err != nil {
		return "", nil, fmt.Errorf("Failing initial channel config creation because of config update unmarshaling error: %w", err)
	}
	if update.ChannelId != header.ChannelId {
		return "", nil, fmt.Errorf("Failing initial channel config creation: mismatched channel IDs: '%s' != '%s'", update.ChannelId, header.ChannelId)
	}
	return header.ChannelId, update, nil
}

// creationConsortium checks the shape of the write set and reads the consortium it names.
func creationConsortium(update *commonpb.ConfigUpdate) (string, error) {
	if update.WriteSet == nil {
		return "", errors.New("Config update has an empty writeset")
	}
	application := update.WriteSet.Groups[ApplicationKey]
	if application == nil {
		return "", errors.New("Config update has missing application group")
	}
	if application.Version != 1 {
		return "", fmt.Errorf("Config update for channel creation does not set application group version to 1, was %d", application.Version)
	}
	value, ok := update.WriteSet.Values[ConsortiumKey]
	if !ok {
		return "", errors.New("Consortium config value missing")
	}
	consortium := &commonpb.Consortium{}
	if err := proto.Unmarshal(value.GetValue(), consortium); err != nil {
		return "", fmt.Errorf("Error reading unmarshaling consortium name: %w", err)
	}
	return consortium.Name, nil
}

// templateApplication is the application group before the request: the members asked for, as the consortium defines them.
func templateApplication(system *Bundle, consortium string, asked *commonpb.ConfigGroup) (*commonpb.ConfigGroup, error) {
	all, ok := system.Consortiums()
	if !ok {
		return nil, errors.New("The ordering system channel does not appear to support creating channels")
	}
	conf, ok := all.ByName[consortium]
	if !ok {
		return nil, fmt.Errorf("Unknown consortium name: %s", consortium)
	}
	group := &commonpb.ConfigGroup{
		Groups:    map[string]*commonpb.ConfigGroup{},
		Policies:  map[string]*commonpb.ConfigPolicy{ChannelCreationPolicyKey: {Policy: conf.ChannelCreationPolicy}},
		ModPolicy: ChannelCreationPolicyKey,
	}
	members := system.config.ChannelGroup.Groups[ConsortiumsKey].Groups[consortium].Groups
	if len(members) == 0 { // anybody may be in it
		return group, nil
	}
	if len(asked.Groups) == 0 {
		return nil, errors.New("Proposed configuration has no application group members, but consortium contains members")
	}
	for _, name := range sortedKeys(asked.Groups) {
		member, ok := members[name]
		if !ok {
			return nil, errors.New("Attempted to include a member which is not in the consortium")
		}
		group.Groups[name] = proto.Clone(member).(*commonpb.ConfigGroup)
	}
	return group, nil
}

func zeroVersions(g *commonpb.ConfigGroup) {
	g.Version = 0
	for _, v := range g.Values {
		v.Version = 0
	}
	for _, p := range g.Policies {
		p.Version = 0
	}
	for _, sub := range g.Groups {
		zeroVersions(sub)
	}
}
