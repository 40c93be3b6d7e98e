package channel

import (
	"math"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func signer(t testing.TB, mspID, dir string) *msp.Signer {
	s, err := msp.LoadSigner(vectors.Path("fabric-1.4", "crypto", dir, "msp"), mspID)
	require.NoError(t, err)
	return s
}

func ordererSigner(t testing.TB) *msp.Signer {
	return signer(t, "OrdererMSP", "ordererOrganizations/example.com/orderers/orderer.example.com")
}

// orderer orders blocks on the sample channel after those it has been given.
type orderer struct {
	t      testing.TB
	signer *msp.Signer
	blocks []*commonpb.Block
	config uint64 // number of the last configuration block
}

// newOrderer knows the sample chain's first n blocks.
func newOrderer(t testing.TB, n uint64) *orderer {
	o := &orderer{t: t, signer: ordererSigner(t)}
	for i := range n {
		o.blocks = append(o.blocks, ordered(t, i))
		if isConfig(o.blocks[i]) {
			o.config = i
		}
	}
	return o
}

// order makes the next block of the envelopes and signs it.
func (o *orderer) order(envelopes ...[]byte) *commonpb.Block {
	o.t.Helper()
	n := uint64(len(o.blocks))
	b := block.New(n, block.HeaderHash(o.blocks[n-1].Header), envelopes)
	if isConfig(b) {
		o.config = n
	}
	sign(o.t, b, o.signer, o.config)
	o.blocks = append(o.blocks, b)
	return b
}

func sign(t testing.TB, b *commonpb.Block, s *msp.Signer, config uint64) {
	value := wire.MustMarshal(&commonpb.OrdererBlockMetadata{LastConfig: &commonpb.LastConfig{Index: config}})
	header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: s.Creator(), Nonce: []byte("nonce")})
	var data []byte
	for _, part := range [][]byte{value, header, block.HeaderBytes(b.Header)} {
		data = append(data, part...)
	}
	signature, err := s.Sign(data)
	require.NoError(t, err)
	require.NoError(t, block.SetMetadata(b, commonpb.BlockMetadataIndex_SIGNATURES, &commonpb.Metadata{
		Value: value, Signatures: []*commonpb.MetadataSignature{{SignatureHeader: header, Signature: signature}}}))
}

// update orders a change of the configuration that the admins of both organizations have signed.
func (o *orderer) update(current *channelconfig.Bundle, change func(*commonpb.Config)) *commonpb.Block {
	updated := proto.CloneOf(current.Config())
	change(updated)
	update, err := channelconfig.ComputeUpdate(current.ChannelID(), current.Config(), updated)
	require.NoError(o.t, err)
	signed := &commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)}
	admins := []*msp.Signer{
		signer(o.t, "Org1MSP", "peerOrganizations/org1.example.com/users/Admin@org1.example.com"),
		signer(o.t, "Org2MSP", "peerOrganizations/org2.example.com/users/Admin@org2.example.com"),
	}
	for _, a := range admins {
		header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: a.Creator(), Nonce: []byte("nonce")})
		signature, err := a.Sign(append(append([]byte{}, header...), signed.ConfigUpdate...))
		require.NoError(o.t, err)
		signed.Signatures = append(signed.Signatures, &commonpb.ConfigSignature{SignatureHeader: header, Signature: signature})
	}
	header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: current.ChannelID()}
	env, err := tx.NewEnvelope(admins[0], header, signed)
	require.NoError(o.t, err)
	config, err := current.ProposeUpdate(env)
	require.NoError(o.t, err)
	return o.order(o.configEnvelope(config))
}

func (o *orderer) configEnvelope(config *commonpb.ConfigEnvelope) []byte {
	header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG), ChannelId: "mychannel"}
	env, err := tx.NewEnvelope(o.signer, header, config)
	require.NoError(o.t, err)
	return wire.MustMarshal(env)
}

// deliverer serves an orderer's blocks to block sync.
type deliverer struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	blocks []*commonpb.Block
}

func (d *deliverer) Deliver(s ordererpb.AtomicBroadcast_DeliverServer) error {
	env, err := s.Recv()
	if err != nil {
		return err
	}
	e, err := tx.FromEnvelope(env)
	if err != nil {
		return err
	}
	seek := &ordererpb.SeekInfo{}
	if err := proto.Unmarshal(e.Data, seek); err != nil || seek.Stop.GetSpecified().GetNumber() != math.MaxUint64 {
		return err
	}
	for _, b := range d.blocks[seek.Start.GetSpecified().GetNumber():] {
		if err := s.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	<-s.Context().Done()
	return nil
}

// serve starts a gRPC server with the deliverer and returns its address.
func (d *deliverer) serve(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ordererpb.RegisterAtomicBroadcastServer(server, d)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-done)
	})
	return l.Addr().String()
}
