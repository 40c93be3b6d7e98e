package localnet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// SetMaxMessageCount changes how many transactions the blocks of the application channel have at most: the orderer's administrator updates the
// channel's configuration.
func (n *Network) SetMaxMessageCount(ctx context.Context, count int) error {
	admin := n.Admin(n.Orgs[0]) // lends the addresses
	keys := []string{
		"CORE_PEER_LOCALMSPID=OrdererMSP",
		"CORE_PEER_MSPCONFIGPATH=" + filepath.Join(n.Dir, "crypto/ordererOrganizations/example.com/users/Admin@example.com/msp"),
	}
	config, update := filepath.Join("channel", "config.block"), filepath.Join("channel", "batch.tx")
	fetch := append([]string{"channel", "fetch", "config", config, "-c", n.Channel}, n.OrdererFlags()...)
	if _, err := n.PeerWith(ctx, admin, keys, fetch...); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(n.Dir, config))
	if err != nil {
		return err
	}
	changed, err := n.batchUpdate(raw, count)
	if err != nil {
		return fmt.Errorf("changing the batch size of channel %s: %w", n.Channel, err)
	}
	if err := n.write(update, string(wire.MustMarshal(changed))); err != nil {
		return err
	}
	_, err = n.PeerWith(ctx, admin, keys, append([]string{"channel", "update", "-f", update, "-c", n.Channel}, n.OrdererFlags()...)...)
	return err
}

// batchUpdate is the update, unsigned, that changes the configuration in an encoded configuration block.
func (n *Network) batchUpdate(raw []byte, count int) (*commonpb.Envelope, error) {
	b := &commonpb.Block{}
	if err := proto.Unmarshal(raw, b); err != nil {
		return nil, err
	}
	bundle, err := channelconfig.FromBlock(b)
	if err != nil {
		return nil, err
	}
	next, size := proto.CloneOf(bundle.Config()), &ordererpb.BatchSize{}
	value := next.ChannelGroup.Groups["Orderer"].Values["BatchSize"]
	if err := proto.Unmarshal(value.Value, size); err != nil {
		return nil, err
	}
	size.MaxMessageCount = uint32(count)
	value.Value = wire.MustMarshal(size)
	update, err := channelconfig.ComputeUpdate(n.Channel, bundle.Config(), next)
	if err != nil {
		return nil, err
	}
	header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: n.Channel}
	return &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(header)},
		Data:   wire.MustMarshal(&commonpb.ConfigUpdateEnvelope{ConfigUpdate: wire.MustMarshal(update)}),
	})}, nil
}
