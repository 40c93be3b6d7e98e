package channel

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// TestSubmitRefuses: a block that cannot be trusted is not taken, and the channel goes on.
func TestSubmitRefuses(t *testing.T) {
	c := join(t, Options{Dir: t.TempDir()}, ordered(t, 0))
	changed := func(change func(*commonpb.Block)) *commonpb.Block {
		b := ordered(t, 1)
		change(b)
		return b
	}
	other := ordered(t, 1)
	e, err := tx.ParseEnvelope(ordered(t, 10).Data.Data[0])
	require.NoError(t, err)
	env, payload, header := e.Envelope(), &commonpb.Payload{}, &commonpb.ChannelHeader{}
	require.NoError(t, proto.Unmarshal(env.Payload, payload))
	require.NoError(t, proto.Unmarshal(payload.Header.ChannelHeader, header))
	header.ChannelId = "other"
	payload.Header.ChannelHeader = wire.MustMarshal(header)
	env.Payload = wire.MustMarshal(payload)
	other = block.New(1, other.Header.PreviousHash, [][]byte{wire.MustMarshal(env)})
	sign(t, other, ordererSigner(t), 0)
	byPeer := ordered(t, 1)
	sign(t, byPeer, signer(t, "Org1MSP", "peerOrganizations/org1.example.com/peers/peer0.org1.example.com"), 1)
	previous := changed(func(b *commonpb.Block) { b.Header.PreviousHash = []byte("another") })
	sign(t, previous, ordererSigner(t), 1)
	empty := block.New(1, other.Header.PreviousHash, nil)
	sign(t, empty, ordererSigner(t), 0)

	for reason, b := range map[string]*commonpb.Block{
		"block has no header": nil,
		"has no data":         {Header: &commonpb.BlockHeader{Number: 1}},
		"expected block [1] of channel [mychannel]": ordered(t, 2),
		"the block before it hashes to":             previous,
		"but it hashes to":                          changed(func(b *commonpb.Block) { b.Data.Data = b.Data.Data[:0] }),
		"block is empty":                            empty,
		"Expected [mychannel]. Given [other]":       other,
		"policy /Channel/Orderer/BlockValidation":   byPeer,
		"implicit policy evaluation failed":         changed(func(b *commonpb.Block) { b.Metadata = nil }),
		"Failed unmarshalling medatata": changed(func(b *commonpb.Block) {
			b.Metadata.Metadata[0] = []byte{0xff}
		}),
		"Failed unmarshalling signature header": changed(func(b *commonpb.Block) {
			m := &commonpb.Metadata{Signatures: []*commonpb.MetadataSignature{{SignatureHeader: []byte{0xff}}}}
			b.Metadata.Metadata[0] = wire.MustMarshal(m)
		}),
	} {
		require.ErrorContains(t, c.Submit(t.Context(), b), reason)
	}
	require.NoError(t, c.Err())
	require.NoError(t, c.Submit(t.Context(), ordered(t, 1)))
	require.NoError(t, c.Wait(t.Context(), 1))
	require.ErrorContains(t, c.Submit(t.Context(), ordered(t, 1)), "expected block [2] of channel [mychannel], got block [1]")
}

// TestErrorStopsTheChannel: an ordered configuration that cannot follow the present one. Nothing after it is taken, nothing before it is lost.
func TestErrorStopsTheChannel(t *testing.T) {
	r := open(t, Options{Dir: t.TempDir()})
	require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
	c, _ := r.Get("mychannel")
	or := newOrderer(t, 2)
	require.NoError(t, c.Submit(t.Context(), or.blocks[1]))
	again := or.order(or.blocks[1].Data.Data[0])
	require.NoError(t, c.Submit(t.Context(), again))
	<-c.done
	require.ErrorContains(t, r.Err(), "channel [mychannel] takes no more blocks: block [2], transaction 0 []: error validating config which passed initial validity checks: config currently at sequence 2")
	require.ErrorContains(t, c.Submit(t.Context(), or.order(or.blocks[1].Data.Data[0])), "channel [mychannel] takes no more blocks: block [2]")
	require.ErrorContains(t, c.Err(), "block [2]")
	require.EqualValues(t, 2, c.Height())
	_, err := c.Block(1)
	require.NoError(t, err, "what there is stays served")
}

// TestUnsupportedCapabilityStopsTheChannel: a peer that is too old must not guess.
func TestUnsupportedCapabilityStopsTheChannel(t *testing.T) {
	c := join(t, Options{Dir: t.TempDir()}, ordered(t, 0))
	b := newOrderer(t, 1).update(c.Bundle(), func(config *commonpb.Config) {
		config.ChannelGroup.Groups["Application"].Values["Capabilities"].Value = wire.MustMarshal(
			&commonpb.Capabilities{Capabilities: map[string]*commonpb.Capability{"V9_9": {}}})
	})
	require.NoError(t, c.Submit(t.Context(), b))
	<-c.done
	err := c.Err()
	require.ErrorContains(t, err, "V9_9")
	require.ErrorContains(t, err, "run a version of the peer that has this capability")
	require.EqualValues(t, 1, c.Height())
}

// TestConfigurationIsABarrier: the block behind a configuration block, already submitted while that is on its way, is judged under the new
// configuration, in which its creator's organization is gone.
func TestConfigurationIsABarrier(t *testing.T) {
	for range 5 {
		var commits []Committed
		o := Options{Dir: t.TempDir(), OnCommit: func(c Committed) { commits = append(commits, c) }}
		c := join(t, o, ordered(t, 0))
		or := newOrderer(t, 1)
		user2 := signer(t, "Org2MSP", "peerOrganizations/org2.example.com/users/User1@org2.example.com")
		env, err := tx.NewEnvelope(user2, &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: "mychannel"}, nil)
		require.NoError(t, err)
		envelope := wire.MustMarshal(env)

		require.NoError(t, c.Submit(t.Context(), or.order(envelope, envelope)))
		require.NoError(t, c.Submit(t.Context(), or.update(c.Bundle(), func(config *commonpb.Config) {
			delete(config.ChannelGroup.Groups["Application"].Groups, "Org2")
			delete(config.ChannelGroup.Groups["Application"].Groups, "Org2MSP")
		})))
		require.NoError(t, c.Submit(t.Context(), or.order(envelope)))
		require.NoError(t, c.Wait(t.Context(), 3))
		c.settle()
		require.Len(t, commits, 3)
		require.Equal(t, peerpb.TxValidationCode_UNSUPPORTED_TX_PAYLOAD, commits[0].Block.Txs[1].Code)
		require.Equal(t, peerpb.TxValidationCode_VALID, commits[1].Block.Txs[0].Code)
		require.Equal(t, peerpb.TxValidationCode_BAD_CREATOR_SIGNATURE, commits[2].Block.Txs[0].Code)
		require.ErrorContains(t, commits[2].Refusals[0].Err, "Org2MSP is unknown")
	}
}

// settle stops the channel, so that no report can be on its way any more.
func (c *Channel) settle() {
	c.stop()
	<-c.done
}

// TestChaincodesOfACommit: who runs chaincode learns of instantiations and upgrades, and of nothing else.
func TestChaincodesOfACommit(t *testing.T) {
	deployed := map[uint64]string{}
	o := Options{Dir: t.TempDir(), OnCommit: func(c Committed) {
		for _, d := range c.Chaincodes {
			deployed[c.Block.Header.Number] += d.Name + ":" + d.Version
		}
	}}
	c := join(t, o, ordered(t, 0))
	for n := range uint64(80) {
		require.NoError(t, c.Submit(t.Context(), ordered(t, n+1)))
	}
	require.NoError(t, c.Wait(t.Context(), 80))
	c.settle()
	require.Equal(t, map[uint64]string{4: "kv:1.0", 5: "both:1.0", 66: "race:1.0", 68: "kv:2.0", 71: "both:2.0"}, deployed)
}

// TestCloseInTheMiddle: closing with blocks in every stage loses none that has been committed and leaves no goroutine.
func TestCloseInTheMiddle(t *testing.T) {
	for n := range uint64(10) {
		dir := t.TempDir()
		r, err := Open(t.Context(), Options{Dir: dir, Log: quiet()})
		require.NoError(t, err)
		require.NoError(t, r.Join(t.Context(), ordered(t, 0)))
		c, _ := r.Get("mychannel")
		for i := range n {
			require.NoError(t, c.Submit(t.Context(), ordered(t, i+1)))
		}
		height := c.Height()
		require.NoError(t, r.Close())
		require.Error(t, c.Wait(t.Context(), 80))
		require.EqualError(t, c.Err(), "the channel is closed")

		r, err = Open(t.Context(), Options{Dir: dir, Log: quiet()})
		require.NoError(t, err)
		c, _ = r.Get("mychannel")
		require.GreaterOrEqual(t, c.Height(), height)
		require.NoError(t, r.Close())
	}
}

// TestSubmitGivesUp: a caller that stops waiting for a full pipeline gets its context's error.
func TestSubmitGivesUp(t *testing.T) {
	release := make(chan struct{})
	o := Options{Dir: t.TempDir(), OnConfig: func(b *channelconfig.Bundle) {
		if b.Sequence() > 1 {
			<-release
		}
	}}
	c := join(t, o, ordered(t, 0))
	defer close(release)
	require.NoError(t, c.Submit(t.Context(), ordered(t, 1))) // stays in the last stage
	require.NoError(t, c.handle(t.Context(), ordered(t, 2))) // waits behind it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.handle(ctx, ordered(t, 3)), context.Canceled)
}
