package client

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Status asks the peer whether it runs. Only administrators of the peer's organisation get an answer; the error is the gRPC one.
func (c *Client) Status(ctx context.Context, peer *Peer) (peerpb.ServerStatus_StatusCode, error) {
	request, err := tx.NewEnvelope(c.Signer, &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_PEER_ADMIN_OPERATION), Timestamp: timestamppb.New(c.Now()),
	}, &peerpb.AdminOperation{})
	if err != nil {
		return peerpb.ServerStatus_UNKNOWN, err
	}
	r, err := peer.admin.GetStatus(ctx, request)
	if err != nil {
		return peerpb.ServerStatus_UNKNOWN, err
	}
	return r.Status, nil
}
