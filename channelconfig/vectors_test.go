package channelconfig

import (
	"fmt"
	"testing"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

func load[M proto.Message](t testing.TB, name string, m M) M {
	t.Helper()
	raw := vectors.Read(t, "fabric-1.4", name)
	require.NoError(t, proto.Unmarshal(raw, m))
	return m
}

func loadBlock(t testing.TB, name string) (*Bundle, *commonpb.ConfigEnvelope) {
	t.Helper()
	block := load(t, name, &commonpb.Block{})
	b, err := FromBlock(block)
	require.NoError(t, err)
	env := &commonpb.Envelope{}
	require.NoError(t, proto.Unmarshal(block.Data.Data[0], env))
	ce := &commonpb.ConfigEnvelope{}
	_, err = OpenEnvelope(env, commonpb.HeaderType_CONFIG, ce)
	require.NoError(t, err)
	return b, ce
}

func TestReadBundles(t *testing.T) {
	system, _ := loadBlock(t, "config/genesis.block")
	require.NoError(t, system.OrdererSupports())
	require.EqualError(t, system.PeerSupports(), fmt.Sprintf("[channel %s] does not have application config so is incompatible", system.ChannelID()))
	consortiums, ok := system.Consortiums()
	require.True(t, ok)
	require.Equal(t, "Org2MSP", consortiums.ByName["SampleConsortium"].Orgs["Org2MSP"].MSPID)
	require.Empty(t, system.Consortium())

	b, _ := loadBlock(t, "config/mychannel.block")
	require.Equal(t, "mychannel", b.ChannelID())
	require.EqualValues(t, 1, b.Sequence())
	require.Equal(t, "SampleConsortium", b.Consortium())
	require.Equal(t, []string{"127.0.0.1:21000"}, b.OrdererAddresses())
	require.Len(t, b.MSPs().MSPs(), 3)
	require.NoError(t, b.OrdererSupports())
	require.NoError(t, b.PeerSupports())
	require.Equal(t, msp.V1_4_3, b.Capabilities().MSPVersion)
	o, ok := b.Orderer()
	require.True(t, ok)
	require.Equal(t, "solo", o.ConsensusType)
	require.EqualValues(t, 10, o.BatchSize.MaxMessageCount)
	require.Equal(t, "1s", o.BatchTimeout.String())
	a, ok := b.Application()
	require.True(t, ok)
	require.True(t, a.Capabilities.KeyLevelEndorsement)
	require.Empty(t, a.Orgs["Org1MSP"].AnchorPeers)
	for _, path := range []string{PolicyChannelReaders, "Application/Org1MSP/Admins", "/Channel/Orderer/OrdererOrg/Writers", PolicyBlockValidation} {
		_, ok := b.Policy(path)
		require.True(t, ok, path)
	}
	for _, path := range []string{"", "/", "/Channel", "/Channel/", "/Other/Readers", "/Channel/Application", "Application/Nobody/Admins", "//Channel/Readers"} {
		p, ok := b.Policy(path)
		require.False(t, ok, path)
		require.ErrorContains(t, p.Evaluate(nil), "No such policy", path)
	}
	later, _ := loadBlock(t, "chain/2.block")
	a, _ = later.Application()
	require.EqualValues(t, 21001, a.Orgs["Org1MSP"].AnchorPeers[0].Port)
}

// TestChannelCreation: the orderer's first block of the channel is what the template and the request give.
func TestChannelCreation(t *testing.T) {
	system, _ := loadBlock(t, "config/genesis.block")
	first, ce := loadBlock(t, "config/mychannel.block")
	template, err := NewChannelTemplate(system, ce.LastUpdate)
	require.NoError(t, err)
	got, err := template.ProposeUpdate(ce.LastUpdate)
	require.NoError(t, err)
	require.True(t, proto.Equal(ce, got))
	next, err := template.Next(got.Config)
	require.NoError(t, err)
	require.Equal(t, first.Sequence(), next.Sequence())

	_, err = NewChannelTemplate(system, load(t, "config/mychannel.tx", &commonpb.Envelope{}))
	require.NoError(t, err)
	unsigned, err := template.ProposeUpdate(load(t, "config/mychannel.tx", &commonpb.Envelope{}))
	require.Nil(t, unsigned)
	require.ErrorContains(t, err, "error authorizing update: error validating DeltaSet: policy for [Group]  /Channel/Application not satisfied: implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Admins' sub-policies to be satisfied")
}

// TestConfigBlocksOfTheChain takes a peer through every configuration of the sample chain.
func TestConfigBlocksOfTheChain(t *testing.T) {
	b, _ := loadBlock(t, "chain/0.block")
	for _, n := range []int{1, 2, 3, 76} {
		_, ce := loadBlock(t, fmt.Sprintf("chain/%d.block", n))
		proposed, err := b.ProposeUpdate(ce.LastUpdate)
		require.NoError(t, err)
		require.True(t, proto.Equal(ce, proposed), n)
		require.NoError(t, b.CheckMaintenance(ce))
		next, err := b.Apply(ce)
		require.NoError(t, err)
		_, err = next.ProposeUpdate(ce.LastUpdate)
		require.ErrorContains(t, err, "error authorizing update: error validating ", "the same update a second time")
		require.ErrorContains(t, next.Validate(ce), "config currently at sequence")
		b = next
	}
	p, _ := b.Policy(PolicyOrdererWriters)
	require.NoError(t, p.Evaluate(nil), "0 out of 0")
}

func TestComputeUpdate(t *testing.T) {
	for _, dir := range []string{"config/update-batchsize", "config/update-orderer_accepts_any_writer"} {
		original := load(t, dir+"/original.pb", &commonpb.Config{})
		updated := load(t, dir+"/updated.pb", &commonpb.Config{})
		update, err := ComputeUpdate("mychannel", original, updated)
		require.NoError(t, err)
		got, err := wire.Marshal(update)
		require.NoError(t, err)
		want := vectors.Read(t, "fabric-1.4", dir, "update.pb")
		require.Equal(t, want, got, dir)

		b, err := New("mychannel", original)
		require.NoError(t, err)
		ce, err := b.ProposeUpdate(load(t, dir+"/signed_update_envelope.pb", &commonpb.Envelope{}))
		require.NoError(t, err)
		_, committed := loadBlock(t, dir+"/committed_config_block.pb")
		require.True(t, proto.Equal(committed.Config, ce.Config), dir)

		_, err = ComputeUpdate("mychannel", original, original)
		require.EqualError(t, err, "no differences detected between original and updated config")
		_, err = ComputeUpdate("mychannel", nil, original)
		require.EqualError(t, err, "no channel group included for original config")
		_, err = ComputeUpdate("mychannel", original, &commonpb.Config{})
		require.EqualError(t, err, "no channel group included for updated config")
	}
}

// TestComputedUpdatesLeadThere: applying a computed update, in any direction between configurations of the chain, gives the tree asked for.
func TestComputedUpdatesLeadThere(t *testing.T) {
	var configs []*commonpb.Config
	for _, n := range []int{0, 1, 2, 3, 76} {
		b, _ := loadBlock(t, fmt.Sprintf("chain/%d.block", n))
		configs = append(configs, b.Config())
	}
	for i, from := range configs {
		for j, to := range configs {
			if i == j {
				continue
			}
			update, err := ComputeUpdate("mychannel", from, to)
			require.NoError(t, err)
			got := merge(update.ReadSet, update.WriteSet, from.ChannelGroup)
			want := proto.Clone(to.ChannelGroup).(*commonpb.ConfigGroup)
			zeroVersions(got)
			zeroVersions(want)
			require.True(t, proto.Equal(want, got), "%d to %d", i, j)
		}
	}
}
