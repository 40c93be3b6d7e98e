package client

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// What follows asks the peer's Admin service. Only administrators of the peer's organisation get an answer; errors are the gRPC ones.

// Status asks the peer whether it runs.
func (c *Client) Status(ctx context.Context, peer *Peer) (peerpb.ServerStatus_StatusCode, error) {
	request, err := c.adminRequest(&peerpb.AdminOperation{})
	if err != nil {
		return peerpb.ServerStatus_UNKNOWN, err
	}
	r, err := peer.admin.GetStatus(ctx, request)
	if err != nil {
		return peerpb.ServerStatus_UNKNOWN, err
	}
	return r.Status, nil
}

// LogLevel asks for the level of one of the peer's loggers.
func (c *Client) LogLevel(ctx context.Context, peer *Peer, logger string) (*peerpb.LogLevelResponse, error) {
	request, err := c.adminRequest(logLevel(logger, ""))
	if err != nil {
		return nil, err
	}
	return peer.admin.GetModuleLogLevel(ctx, request)
}

// SetLogLevel changes the level of one of the peer's loggers, and of those below it.
func (c *Client) SetLogLevel(ctx context.Context, peer *Peer, logger, level string) (*peerpb.LogLevelResponse, error) {
	request, err := c.adminRequest(logLevel(logger, level))
	if err != nil {
		return nil, err
	}
	return peer.admin.SetModuleLogLevel(ctx, request)
}

func logLevel(logger, level string) *peerpb.AdminOperation {
	return &peerpb.AdminOperation{Content: &peerpb.AdminOperation_LogReq{LogReq: &peerpb.LogLevelRequest{LogModule: logger, LogLevel: level}}}
}

// RevertLogLevels brings back the log levels that the peer started with.
func (c *Client) RevertLogLevels(ctx context.Context, peer *Peer) error {
	request, err := c.adminRequest(&peerpb.AdminOperation{})
	if err != nil {
		return err
	}
	_, err = peer.admin.RevertLogLevels(ctx, request)
	return err
}

// LogSpec asks for the levels of all loggers, in the grammar of FABRIC_LOGGING_SPEC.
func (c *Client) LogSpec(ctx context.Context, peer *Peer) (string, error) {
	request, err := c.adminRequest(&peerpb.AdminOperation{})
	if err != nil {
		return "", err
	}
	r, err := peer.admin.GetLogSpec(ctx, request)
	return r.GetLogSpec(), err
}

// SetLogSpec changes the levels of all loggers. The answer says what is wrong with a specification that was not taken.
func (c *Client) SetLogSpec(ctx context.Context, peer *Peer, spec string) (*peerpb.LogSpecResponse, error) {
	request, err := c.adminRequest(&peerpb.AdminOperation{Content: &peerpb.AdminOperation_LogSpecReq{LogSpecReq: &peerpb.LogSpecRequest{LogSpec: spec}}})
	if err != nil {
		return nil, err
	}
	return peer.admin.SetLogSpec(ctx, request)
}

func (c *Client) adminRequest(op *peerpb.AdminOperation) (*commonpb.Envelope, error) {
	return tx.NewEnvelope(c.Signer, &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_PEER_ADMIN_OPERATION), Timestamp: timestamppb.New(c.Now()),
	}, op)
}
