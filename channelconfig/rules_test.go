package channelconfig

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

const (
	normal      = ordererpb.ConsensusType_STATE_NORMAL
	maintenance = ordererpb.ConsensusType_STATE_MAINTENANCE
)

// withConsensus is the sample channel with another ConsensusType and, per edit line, other changes.
func withConsensus(t *testing.T, c *ordererpb.ConsensusType, edits ...[]string) *Bundle {
	base, _ := loadBlock(t, "config/mychannel.block")
	config := proto.Clone(base.Config()).(*commonpb.Config)
	config.ChannelGroup.Groups[OrdererKey].Values[ConsensusTypeKey].Value = wire.MustMarshal(c)
	for _, e := range edits {
		edit(t, config.ChannelGroup, e)
	}
	b, err := New("mychannel", config)
	require.NoError(t, err)
	return b
}

func TestMaintenance(t *testing.T) {
	kind := func(name string, state ordererpb.ConsensusType_State, metadata string) *ordererpb.ConsensusType {
		return &ordererpb.ConsensusType{Type: name, State: state, Metadata: []byte(metadata)}
	}
	noMigration := []string{"capabilities", "Orderer/Capabilities", "V1_1"}
	size := []string{"messages", "77"}
	addresses := []string{"addresses", "new:1"}
	org := []string{"endpoints", "Orderer/OrdererOrg", "new:1"}
	for name, c := range map[string]struct {
		was, is *ordererpb.ConsensusType
		both    [][]string
		also    [][]string
		want    string
	}{
		"another change":             {kind("solo", normal, ""), kind("solo", normal, ""), nil, [][]string{size}, "ok"},
		"into maintenance":           {kind("kafka", normal, ""), kind("kafka", maintenance, ""), nil, nil, "ok"},
		"out of maintenance":         {kind("kafka", maintenance, ""), kind("kafka", normal, ""), nil, nil, "ok"},
		"within maintenance":         {kind("kafka", maintenance, ""), kind("etcdraft", maintenance, ""), nil, nil, "ok"},
		"with another change":        {kind("kafka", normal, ""), kind("kafka", maintenance, ""), nil, [][]string{size}, "config update contain more then just the ConsensusType value in the Orderer group"},
		"with a channel value":       {kind("kafka", normal, ""), kind("kafka", maintenance, ""), nil, [][]string{addresses}, "config update contains changes to values in group Channel"},
		"with an organization":       {kind("kafka", normal, ""), kind("kafka", maintenance, ""), nil, [][]string{org}, "config update contains changes to groups within the Orderer group"},
		"with another section":       {kind("kafka", normal, ""), kind("kafka", maintenance, ""), nil, [][]string{{"acl", "a", "b"}}, "config update contains changes to more than one group"},
		"type with state":            {kind("kafka", normal, ""), kind("etcdraft", maintenance, ""), nil, nil, "attempted to change ConsensusType.Type from kafka to etcdraft, but ConsensusType.State is changing from STATE_NORMAL to STATE_MAINTENANCE"},
		"metadata with state":        {kind("etcdraft", maintenance, "\x0a\x00"), kind("etcdraft", normal, ""), nil, nil, "attempted to change ConsensusType.Metadata, but ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL"},
		"type without maintenance":   {kind("kafka", normal, ""), kind("etcdraft", normal, ""), nil, nil, "attempted to change consensus type from kafka to etcdraft, but current config ConsensusType.State is not in maintenance mode"},
		"unknown type":               {kind("kafka", maintenance, ""), kind("paxos", maintenance, ""), nil, nil, "attempted to change consensus type from kafka to paxos, transition not supported"},
		"bad raft metadata":          {kind("kafka", maintenance, ""), kind("etcdraft", maintenance, "\xff"), nil, nil, "failed to unmarshal etcdraft metadata configuration"},
		"state without a capability": {kind("kafka", normal, ""), kind("kafka", maintenance, ""), [][]string{noMigration}, nil, "next config attempted to change ConsensusType.State to STATE_MAINTENANCE, but capability is disabled"},
		"type without a capability":  {kind("kafka", normal, ""), kind("solo", normal, ""), [][]string{noMigration}, nil, "next config attempted to change ConsensusType.Type from kafka to solo, but capability is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			was := withConsensus(t, c.was, c.both...)
			is := withConsensus(t, c.is, append(append([][]string{}, c.both...), c.also...)...)
			update, err := ComputeUpdate("mychannel", was.Config(), is.Config())
			require.NoError(t, err)
			ce := &commonpb.ConfigEnvelope{Config: is.Config(), LastUpdate: updateEnvelope(update)}
			require.Contains(t, text(was.CheckMaintenance(ce)), c.want)
		})
	}
	b := withConsensus(t, kind("kafka", normal, ""))
	next := withConsensus(t, kind("kafka", maintenance, ""))
	require.ErrorContains(t, b.CheckMaintenance(nil), "updated config does not include a config update")
	require.ErrorContains(t, b.CheckMaintenance(&commonpb.ConfigEnvelope{LastUpdate: &commonpb.Envelope{}}), "failed to parse config")
	require.ErrorContains(t, b.CheckMaintenance(&commonpb.ConfigEnvelope{Config: next.Config(), LastUpdate: &commonpb.Envelope{}}), "envelope to config update unmarshaling error")
	require.ErrorContains(t, b.CheckMaintenance(&commonpb.ConfigEnvelope{Config: next.Config(), LastUpdate: updateEnvelope(&commonpb.ConfigUpdate{})}), "config update contains no changes")
	require.ErrorContains(t, (&Bundle{}).CheckMaintenance(nil), "config does not contain orderer config")

	old := withConsensus(t, kind("kafka", normal, ""), []string{"capabilities", "Capabilities", "V1_3"})
	require.ErrorContains(t, old.ValidateNew(withConsensus(t, kind("etcdraft", normal, ""))), "attempted to change consensus type from kafka to etcdraft")
	require.NoError(t, b.ValidateNew(withConsensus(t, kind("etcdraft", normal, ""))))
}

func TestTemplateRefusals(t *testing.T) {
	system, _ := loadBlock(t, "config/genesis.block")
	channel, ce := loadBlock(t, "config/mychannel.block")
	e := &commonpb.ConfigUpdateEnvelope{}
	_, err := OpenEnvelope(ce.LastUpdate, commonpb.HeaderType_CONFIG_UPDATE, e)
	require.NoError(t, err)
	for want, change := range map[string]func(u *commonpb.ConfigUpdate){
		"Failing initial channel config creation: mismatched channel IDs: 'other' != 'mychannel'":  func(u *commonpb.ConfigUpdate) { u.ChannelId = "other" },
		"Config update has an empty writeset":                                                      func(u *commonpb.ConfigUpdate) { u.WriteSet = nil },
		"Config update has missing application group":                                              func(u *commonpb.ConfigUpdate) { u.WriteSet.Groups = nil },
		"Config update for channel creation does not set application group version to 1, was 2":    func(u *commonpb.ConfigUpdate) { u.WriteSet.Groups[ApplicationKey].Version = 2 },
		"Consortium config value missing":                                                          func(u *commonpb.ConfigUpdate) { u.WriteSet.Values = nil },
		"Error reading unmarshaling consortium name":                                               func(u *commonpb.ConfigUpdate) { u.WriteSet.Values[ConsortiumKey].Value = []byte{0xff} },
		"Unknown consortium name: ":                                                                func(u *commonpb.ConfigUpdate) { u.WriteSet.Values[ConsortiumKey].Value = nil },
		"Proposed configuration has no application group members, but consortium contains members": func(u *commonpb.ConfigUpdate) { u.WriteSet.Groups[ApplicationKey].Groups = nil },
		"Attempted to include a member which is not in the consortium": func(u *commonpb.ConfigUpdate) {
			u.WriteSet.Groups[ApplicationKey].Groups["X"] = &commonpb.ConfigGroup{}
		},
	} {
		u := &commonpb.ConfigUpdate{}
		require.NoError(t, proto.Unmarshal(e.ConfigUpdate, u))
		change(u)
		_, err := NewChannelTemplate(system, envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, "mychannel", &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(u)}))
		require.ErrorContains(t, err, want)
	}
	_, err = NewChannelTemplate(channel, ce.LastUpdate)
	require.EqualError(t, err, "The ordering system channel does not appear to support creating channels")
	for want, env := range map[string]*commonpb.Envelope{
		"payload unmarshaling error":                {Payload: []byte{0xff}},
		"config update header was missing":          {},
		"config update envelope unmarshaling error": {Payload: wire.MustMarshal(&commonpb.Payload{Data: []byte{0xff}})},
		"channel header was malformed":              {Payload: wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{ChannelHeader: []byte{0xff}}})},
		"config update unmarshaling error":          envelopeOf(commonpb.HeaderType_CONFIG_UPDATE, "c", &commonpb.ConfigUpdateEnvelope{ConfigUpdate: []byte{0xff}}),
	} {
		_, err := NewChannelTemplate(system, env)
		require.ErrorContains(t, err, want)
	}
	_, err = NewChannelTemplate(system, nil)
	require.Error(t, err)
}

// TestTemplateBeforeItWasPredictable: under orderers without V1_1 a new channel keeps the versions of the system channel's elements, and its root
// group belongs to nobody.
func TestTemplateBeforeItWasPredictable(t *testing.T) {
	system, _ := loadBlock(t, "config/genesis.block")
	_, ce := loadBlock(t, "config/mychannel.block")
	config := proto.Clone(system.Config()).(*commonpb.Config)
	config.ChannelGroup.Groups[OrdererKey].Values[BatchSizeKey].Version = 3
	template := func() *commonpb.ConfigGroup {
		b, err := New("system", config)
		require.NoError(t, err)
		made, err := NewChannelTemplate(b, ce.LastUpdate)
		require.NoError(t, err)
		return made.Config().ChannelGroup
	}
	predictable := template()
	require.Equal(t, AdminsKey, predictable.ModPolicy)
	require.Zero(t, predictable.Groups[OrdererKey].Values[BatchSizeKey].Version)

	delete(config.ChannelGroup.Values, CapabilitiesKey) // none without the orderers'
	delete(config.ChannelGroup.Groups[OrdererKey].Values, CapabilitiesKey)
	old := template()
	require.Empty(t, old.ModPolicy)
	require.EqualValues(t, 3, old.Groups[OrdererKey].Values[BatchSizeKey].Version)
}

// TestEmptyConsortium: a consortium without members lets anybody in.
func TestEmptyConsortium(t *testing.T) {
	system, _ := loadBlock(t, "config/genesis.block")
	config := proto.Clone(system.Config()).(*commonpb.Config)
	config.ChannelGroup.Groups[ConsortiumsKey].Groups["SampleConsortium"].Groups = nil
	open, err := New("system", config)
	require.NoError(t, err)
	_, ce := loadBlock(t, "config/mychannel.block")
	template, err := NewChannelTemplate(open, ce.LastUpdate)
	require.NoError(t, err)
	require.Empty(t, template.Config().ChannelGroup.Groups[ApplicationKey].Groups)
}
