package differential

import (
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/tx"
)

// OrdererAddress is where the channels' configurations say that their blocks are to be had.
const OrdererAddress = "127.0.0.1:25000"

// applicationLevels are the capabilities of the application section that change validation, each with all before it.
var applicationLevels = []string{"V1_1", "V1_2", "V1_3", "V1_4_2"}

const (
	keyLevel     = 2 // the first level at which keys have policies of their own
	keepsInvalid = 3 // the first level at which private data of invalid transactions is kept
)

// genesis is the first block of a channel: the vectors' channel with a third organization, Org1's revocations, and the given level.
func (g *Generator) genesis() *commonpb.Block {
	first, err := channelconfig.FromBlock(vectors.Block(g.t, "fabric-1.4", 0))
	require.NoError(g.t, err)
	config := proto.CloneOf(first.Config())
	config.Sequence = 0
	config.ChannelGroup.Values["OrdererAddresses"].Value = wire.MustMarshal(&commonpb.OrdererAddresses{Addresses: []string{OrdererAddress}})
	app := config.ChannelGroup.Groups["Application"]
	delete(app.Values, "ACLs")
	app.Values["Capabilities"].Value = capabilities(g.level)
	third := proto.CloneOf(app.Groups[org2])
	delete(third.Values, "AnchorPeers")
	third.Values["MSP"].Value = wire.MustMarshal(&msppb.MSPConfig{Config: g.people.org3MSP})
	for name, rule := range map[string]string{"Readers": "OR('Org3MSP.member')", "Writers": "OR('Org3MSP.member')", "Admins": "OR('Org3MSP.admin')"} {
		env, err := policy.Parse(rule)
		require.NoError(g.t, err)
		third.Policies[name].Policy.Value = wire.MustMarshal(env)
	}
	app.Groups[org3] = third
	g.revoke(config, g.people.revoked1[0])
	header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG), ChannelId: g.channelID}
	payload := &commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(header), SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Nonce: []byte("genesis")})},
		Data:   wire.MustMarshal(&commonpb.ConfigEnvelope{Config: config}),
	}
	return block.New(0, nil, [][]byte{wire.MustMarshal(&commonpb.Envelope{Payload: wire.MustMarshal(payload)})})
}

// capabilities requires a level of the application section.
func capabilities(level int) []byte {
	required := &commonpb.Capabilities{Capabilities: map[string]*commonpb.Capability{applicationLevels[level]: {}}}
	return wire.MustMarshal(required)
}

// revoke gives Org1 a list of revoked certificates.
func (g *Generator) revoke(config *commonpb.Config, list []byte) {
	value := config.ChannelGroup.Groups["Application"].Groups[org1].Values["MSP"]
	outer, inner := &msppb.MSPConfig{}, &msppb.FabricMSPConfig{}
	require.NoError(g.t, proto.Unmarshal(value.Value, outer))
	require.NoError(g.t, proto.Unmarshal(outer.Config, inner))
	inner.RevocationList = [][]byte{list}
	outer.Config = wire.MustMarshal(inner)
	value.Value = wire.MustMarshal(outer)
}

// order makes and signs the next block as an orderer does, and has our own peer commit it.
func (g *Generator) order(txs []made) {
	n := uint64(len(g.blocks))
	envelopes := make([][]byte, len(txs))
	kinds := make([]string, len(txs))
	for i, m := range txs {
		envelopes[i], kinds[i] = m.raw, m.kind
	}
	b := block.New(n, block.HeaderHash(g.blocks[n-1].Header), envelopes)
	last := &commonpb.LastConfig{Index: g.lastConfig}
	value := wire.MustMarshal(&commonpb.OrdererBlockMetadata{LastConfig: last})
	header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: g.people.orderer.creator, Nonce: g.nonce()})
	signature := g.sign(g.people.orderer, value, header, block.HeaderBytes(b.Header))
	require.NoError(g.t, block.SetMetadata(b, commonpb.BlockMetadataIndex_LAST_CONFIG, &commonpb.Metadata{Value: wire.MustMarshal(last)}))
	require.NoError(g.t, block.SetMetadata(b, commonpb.BlockMetadataIndex_SIGNATURES, &commonpb.Metadata{
		Value: value, Signatures: []*commonpb.MetadataSignature{{SignatureHeader: header, Signature: signature}},
	}))
	g.blocks = append(g.blocks, b)
	g.kinds = append(g.kinds, kinds)
	require.NoError(g.t, g.channel.Submit(g.t.Context(), proto.CloneOf(b)))
	if err := g.channel.Wait(g.t.Context(), n); err != nil {
		require.NoError(g.t, err, "block %d: %s", n, kinds)
	}
	g.observe()
}

func (g *Generator) sign(p *person, parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	signature, err := p.Sign(all)
	require.NoError(g.t, err)
	return signature
}

// reconfigure orders a change of the configuration, signed by the administrators of Org1 and Org2, in a block of its own.
func (g *Generator) reconfigure(kind string, change func(*commonpb.Config)) {
	current := g.channel.Bundle()
	updated := proto.CloneOf(current.Config())
	change(updated)
	update, err := channelconfig.ComputeUpdate(g.channelID, current.Config(), updated)
	require.NoError(g.t, err)
	signed := &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)}
	for _, a := range []*person{g.people.admin1, g.people.admin2} {
		signed.Signatures = append(signed.Signatures, configSignature(g.t, a, g.nonce(), signed.ConfigUpdate))
	}
	config, err := current.ProposeUpdate(g.message(g.people.admin1, commonpb.HeaderType_CONFIG_UPDATE, signed))
	require.NoError(g.t, err)
	g.lastConfig = uint64(len(g.blocks))
	g.order([]made{{kind: kind, raw: wire.MustMarshal(g.message(g.people.orderer, commonpb.HeaderType_CONFIG, config))}})
}

// message is a signed envelope that is no endorser transaction.
func (g *Generator) message(by *person, kind commonpb.HeaderType, data proto.Message) *commonpb.Envelope {
	channel := &commonpb.ChannelHeader{Type: int32(kind), ChannelId: g.channelID}
	header, err := tx.NewHeader(by, g.nonce(), channel)
	require.NoError(g.t, err)
	payload := wire.MustMarshal(&commonpb.Payload{Header: header, Data: wire.MustMarshal(data)})
	return &commonpb.Envelope{Payload: payload, Signature: g.sign(by, payload)}
}

// raise puts the next level of application capabilities in force.
func (g *Generator) raise() {
	g.level++
	g.reconfigure("capability "+applicationLevels[g.level], func(c *commonpb.Config) {
		c.ChannelGroup.Groups["Application"].Values["Capabilities"].Value = capabilities(g.level)
	})
}
