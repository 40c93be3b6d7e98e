package orderer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

func each(t *testing.T, f func(t *testing.T, kind string)) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { f(t, kind) })
	}
}

// checkChain verifies hash chain, data hashes, signatures and last configuration of all blocks, and returns how many messages they hold.
func checkChain(t *testing.T, c *orderer.Channel) (messages int) {
	t.Helper()
	var previous []byte
	lastConfig := uint64(0)
	for i := range c.Height() {
		b, err := c.Block(i)
		require.NoError(t, err)
		require.NoError(t, block.Check(b))
		require.Equal(t, i, b.Header.Number)
		require.True(t, bytes.Equal(previous, b.Header.PreviousHash), "block %d", i)
		previous = block.HeaderHash(b.Header)
		messages += len(b.Data.Data)
		if i == 0 {
			continue
		}
		m, err := block.Metadata(b, commonpb.BlockMetadataIndex_SIGNATURES)
		require.NoError(t, err)
		require.Len(t, m.Signatures, 1)
		h := &commonpb.SignatureHeader{}
		require.NoError(t, proto.Unmarshal(m.Signatures[0].SignatureHeader, h))
		p, ok := c.Bundle().Policy("/Channel/Orderer/BlockValidation")
		require.True(t, ok)
		signed := bytes.Join([][]byte{m.Value, m.Signatures[0].SignatureHeader, block.HeaderBytes(b.Header)}, nil)
		require.NoError(t, p.Evaluate([]policy.SignedData{{Data: signed, Identity: h.Creator, Signature: m.Signatures[0].Signature}}))
		if env := new(commonpb.Envelope); proto.Unmarshal(b.Data.Data[0], env) == nil && headerType(env) == commonpb.HeaderType_CONFIG {
			require.Len(t, b.Data.Data, 1)
			lastConfig = i
		}
		got, err := block.LastConfig(b)
		require.NoError(t, err)
		require.Equal(t, lastConfig, got)
	}
	return messages
}

func headerType(env *commonpb.Envelope) commonpb.HeaderType {
	p, h := &commonpb.Payload{}, &commonpb.ChannelHeader{}
	if proto.Unmarshal(env.Payload, p) != nil || proto.Unmarshal(p.GetHeader().GetChannelHeader(), h) != nil {
		return -1
	}
	return commonpb.HeaderType(h.Type)
}

// configOf is the configuration that a block holds.
func configOf(t *testing.T, b *commonpb.Block) *commonpb.Config {
	bundle, err := channelconfig.FromBlock(b)
	require.NoError(t, err)
	return bundle.Config()
}

// TestChannelCreation: from the genesis block and mychannel.tx we make the configuration that a real orderer made.
func TestChannelCreation(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		c := n.createChannel("mychannel")
		b, err := c.Block(0)
		require.NoError(t, err)
		if kind == "solo" {
			want := configOf(t, vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "config", "mychannel.block"))
			require.True(t, proto.Equal(want, configOf(t, b)))
		}
		require.Len(t, b.Metadata.Metadata, 5)
		require.Empty(t, bytes.Join(b.Metadata.Metadata, nil), "block 0 carries no metadata")
		require.Empty(t, b.Header.PreviousHash)

		system := n.waitHeight(n.registry.SystemChannelID(), 2)
		require.Equal(t, 2, checkChain(t, system))
		first, err := system.Block(0)
		require.NoError(t, err)
		require.True(t, proto.Equal(n.s.genesis, first), "the genesis block is kept as it is")
	})
}

// TestBlockShape compares the metadata of our blocks with that of a real orderer's.
func TestBlockShape(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		c := n.createChannel("mychannel")
		n.accepted(n.reconfigure("mychannel", setBatch(2, 1<<20, "50ms"), ordererAdmin(t)))
		n.waitHeight("mychannel", 2)
		got, err := c.Block(1)
		require.NoError(t, err)
		want := vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "chain", "as-ordered", "1.block")
		require.Len(t, got.Metadata.Metadata, len(want.Metadata.Metadata))
		for i := range want.Metadata.Metadata {
			slot := commonpb.BlockMetadataIndex(i)
			w, err := block.Metadata(want, slot)
			require.NoError(t, err)
			g, err := block.Metadata(got, slot)
			require.NoError(t, err)
			require.Len(t, g.Signatures, len(w.Signatures), slot)
			if kind == "solo" {
				require.Equal(t, w.Value, g.Value, slot)
			}
		}
		if kind == "solo" {
			return
		}
		// As 1.4.12's etcdraft has it: slot ORDERER holds the raft metadata, and what is signed holds the slot.
		slot, err := block.Metadata(got, commonpb.BlockMetadataIndex_ORDERER)
		require.NoError(t, err)
		meta := &etcdraftpb.BlockMetadata{}
		require.NoError(t, proto.Unmarshal(slot.Value, meta))
		require.True(t, proto.Equal(&etcdraftpb.BlockMetadata{ConsenterIds: []uint64{1}, NextConsenterId: 2, RaftIndex: 3}, meta), meta)
		m, err := block.Metadata(got, commonpb.BlockMetadataIndex_SIGNATURES)
		require.NoError(t, err)
		signed := &commonpb.OrdererBlockMetadata{}
		require.NoError(t, proto.Unmarshal(m.Value, signed))
		require.Equal(t, got.Metadata.Metadata[commonpb.BlockMetadataIndex_ORDERER], signed.ConsenterMetadata)
	})
}

// TestManyClients: everything that was answered with SUCCESS is ordered once, also across a restart.
func TestManyClients(t *testing.T) {
	for _, mode := range []orderer.BatchCutting{orderer.Eager, orderer.Timeout} {
		each(t, func(t *testing.T, kind string) {
			s := newSetup(t, kind, setBatch(7, 2<<20, "20ms"))
			s.mode = mode
			n := s.start(t)
			n.createChannel("mychannel")
			signer := user(t, "Org1MSP", "User1")
			const clients, each = 8, 20
			var wg sync.WaitGroup
			for i := range clients {
				stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(t.Context())
				require.NoError(t, err)
				envs := make([]*commonpb.Envelope, each)
				for j := range envs {
					envs[j] = transaction(t, signer, "mychannel", fmt.Sprintf("client %d message %d", i, j))
				}
				wg.Go(func() {
					for _, env := range envs {
						if stream.Send(env) != nil {
							return
						}
						if r, err := stream.Recv(); err != nil || r.Status != commonpb.Status_SUCCESS {
							t.Errorf("client %d: %v %v", i, r, err)
							return
						}
					}
				})
			}
			wg.Wait()
			n.stop()
			n = s.start(t)
			c, ok := n.registry.Channel("mychannel")
			require.True(t, ok)
			seen := map[string]int{}
			require.Equal(t, clients*each+1, checkChain(t, c))
			for i := uint64(1); i < c.Height(); i++ {
				b, err := c.Block(i)
				require.NoError(t, err)
				require.LessOrEqual(t, len(b.Data.Data), 7)
				for _, d := range b.Data.Data {
					seen[string(d)]++
				}
			}
			require.Len(t, seen, clients*each)
			height := c.Height()
			n.accepted(transaction(t, signer, "mychannel", "after the restart"))
			n.waitHeight("mychannel", height+1)
		})
	}
}

// TestRestartServesAtOnce: a lone node does not wait for an election, which would take more than ten minutes with these ticks.
func TestRestartServesAtOnce(t *testing.T) {
	s := newSetup(t, "etcdraft")
	s.genesis = genesis(t, "etcdraft", s.certPEM, func(root *commonpb.ConfigGroup) {
		metadata := raftMetadata(s.certPEM)
		metadata.Options.TickInterval = "1m"
		root.Groups["Orderer"].Values["ConsensusType"].Value = wire.MustMarshal(&ordererpb.ConsensusType{Type: "etcdraft", Metadata: wire.MustMarshal(metadata)})
	})
	n := s.start(t)
	n.createChannel("mychannel")
	n.stop()
	n = s.start(t)
	n.accepted(transaction(t, user(t, "Org1MSP", "User1"), "mychannel", "one"))
	n.waitHeight("mychannel", 2)
}

// TestReconfiguration: a config update takes effect in its own block, and what follows is judged by it.
func TestReconfiguration(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		c := n.createChannel("mychannel")
		update := n.reconfigure("mychannel", setBatch(2, 1<<20, "50ms"), ordererAdmin(t))
		r := n.broadcast(update)
		require.Equal(t, commonpb.Status_SUCCESS, r.Status, r.Info)
		n.waitHeight("mychannel", 2)
		require.Equal(t, uint64(1), c.Sequence()-firstSequence(t, c))
		require.Equal(t, uint32(2), c.BatchLimits().Size.MaxMessageCount)

		r = n.broadcast(update)
		require.Equal(t, commonpb.Status_BAD_REQUEST, r.Status)
		require.Contains(t, r.Info, "error applying config update to existing channel 'mychannel': error authorizing update: error validating DeltaSet: attempt to set key [Value]  /Channel/Orderer/BatchSize to version 1, but key is at version 1")

		n.accepted(transaction(t, user(t, "Org1MSP", "User1"), "mychannel", "one"))
		n.waitHeight("mychannel", 3)
		checkChain(t, c)
		n.stop()
		n = n.s.start(t)
		c, _ = n.registry.Channel("mychannel")
		require.Equal(t, uint32(2), c.BatchLimits().Size.MaxMessageCount, "the configuration is the one of the last configuration block")
		checkChain(t, c)
	})
}

func firstSequence(t *testing.T, c *orderer.Channel) uint64 {
	b, err := c.Block(0)
	require.NoError(t, err)
	return configOf(t, b).Sequence
}

// TestDeliver: the real Deliver over a real channel.
func TestDeliver(t *testing.T) {
	s := newSetup(t, "solo")
	s.mutual = true
	n := s.start(t)
	n.createChannel("mychannel")
	seek := func(change func(*commonpb.ChannelHeader)) string {
		env := message(t, user(t, "Org1MSP", "User1"), commonpb.HeaderType_DELIVER_SEEK_INFO, "mychannel", seekAll(), change)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Deliver(ctx)
		require.NoError(t, err)
		require.NoError(t, stream.Send(env))
		r, err := stream.Recv()
		require.NoError(t, err)
		if b := r.GetBlock(); b != nil {
			return fmt.Sprint("block ", b.Header.Number)
		}
		return r.GetStatus().String()
	}
	hash := certHash(s.cert)
	require.Equal(t, "block 0", seek(func(h *commonpb.ChannelHeader) { h.TlsCertHash = hash }))
	require.Equal(t, "BAD_REQUEST", seek(func(h *commonpb.ChannelHeader) {}))
	require.Equal(t, "BAD_REQUEST", seek(func(h *commonpb.ChannelHeader) { h.TlsCertHash = bytes.Repeat([]byte{7}, 32) }))
	require.Equal(t, "NOT_FOUND", seek(func(h *commonpb.ChannelHeader) { h.TlsCertHash, h.ChannelId = hash, "nochannel" }))
	require.Equal(t, "FORBIDDEN", seek(func(h *commonpb.ChannelHeader) { h.TlsCertHash, h.ChannelId = hash, n.registry.SystemChannelID() }),
		"the system channel is for its own readers")
}

// TestOneBrokenStreamDoesNoHarm: a large message, garbage of all kinds, and then the node still orders.
func TestHostileInput(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		n.createChannel("mychannel")
		client := user(t, "Org1MSP", "User1")
		for _, env := range []*commonpb.Envelope{
			{}, {Payload: []byte{}}, {Payload: []byte("garbage")}, {Signature: []byte("x")},
			{Payload: bytes.Repeat([]byte{0xff}, 1<<20)},
			message(t, client, commonpb.HeaderType_CONFIG_UPDATE, "mychannel", nil),
			message(t, client, commonpb.HeaderType_CONFIG_UPDATE, "newchannel", []byte("garbage")),
			message(t, client, commonpb.HeaderType_CONFIG_UPDATE, "", nil),
			message(t, client, -5, "nochannel", nil),
			message(t, client, commonpb.HeaderType_MESSAGE, strings.Repeat("x", 1<<20), nil),
			transaction(t, client, "mychannel", strings.Repeat("x", 90<<20)),
		} {
			r := n.broadcast(env)
			require.NotEqual(t, commonpb.Status_SUCCESS, r.Status)
			require.NotEmpty(t, r.Info)
		}
		stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(t.Context())
		require.NoError(t, err)
		if err := stream.Send(transaction(t, client, "mychannel", strings.Repeat("x", 101<<20))); err == nil {
			_, err = stream.Recv()
			require.ErrorContains(t, err, "ResourceExhausted")
		}
		n.accepted(transaction(t, client, "mychannel", "still alive"))
		n.waitHeight("mychannel", 2)
	})
}
