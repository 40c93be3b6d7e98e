package orderer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Server is the orderer.AtomicBroadcast service.
type Server struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	Registry *Registry
	// Blocks serves Deliver; its Channel is set by NewServer.
	Blocks *deliver.Server
	Log    *slog.Logger
}

// NewServer joins a registry and the settings of Deliver into the service.
func NewServer(r *Registry, blocks deliver.Server, log *slog.Logger) *Server {
	blocks.Channel = func(id string) (deliver.Channel, bool) { return r.Channel(id) }
	return &Server{Registry: r, Blocks: &blocks, Log: log}
}

// Deliver streams blocks.
func (s *Server) Deliver(stream ordererpb.AtomicBroadcast_DeliverServer) error {
	return s.Blocks.Orderer(stream)
}

// Broadcast answers each envelope with a status, in order. After any status but SUCCESS the stream ends.
func (s *Server) Broadcast(stream ordererpb.AtomicBroadcast_BroadcastServer) error {
	ctx := stream.Context()
	log := s.Log.With("client", comm.RemoteAddress(ctx))
	for {
		env, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := s.order(ctx, env, log)
		if err := stream.Send(response); err != nil || response.Status != commonpb.Status_SUCCESS {
			return err
		}
	}
}

// order judges one envelope and hands it to its channel's consenter.
func (s *Server) order(ctx context.Context, env *commonpb.Envelope, log *slog.Logger) *ordererpb.BroadcastResponse {
	begin := time.Now()
	e, err := parse(env)
	if err != nil {
		log.Warn("refusing a message", "err", err)
		return s.done("unknown", "unknown", begin, time.Time{}, commonpb.Status_BAD_REQUEST, err)
	}
	kind := e.Type().String()
	c, m, err := s.judge(e)
	judged := time.Now()
	if err != nil {
		log.Warn("refusing a message", "channel", e.ChannelID(), "type", kind, "txid", e.TxID(), "err", err)
		return s.done(e.ChannelID(), kind, begin, time.Time{}, statusOf(err), err)
	}
	if err := c.consenter.Order(ctx, m); err != nil {
		log.Warn("a message was not ordered", "channel", e.ChannelID(), "type", kind, "txid", e.TxID(), "err", err)
		return s.done(e.ChannelID(), kind, begin, judged, commonpb.Status_SERVICE_UNAVAILABLE, err)
	}
	return s.done(e.ChannelID(), kind, begin, judged, commonpb.Status_SUCCESS, nil)
}

// judge finds the channel of e, or the system channel for an unknown one, and lets it decide.
func (s *Server) judge(e *tx.Envelope) (*Channel, *Message, error) {
	c, ok := s.Registry.Channel(e.ChannelID())
	if !ok {
		c = s.Registry.system()
	}
	var m *Message
	var err error
	switch e.Type() {
	case commonpb.HeaderType_CONFIG, commonpb.HeaderType_ORDERER_TRANSACTION:
		err = errors.New("message is of type that cannot be processed directly")
	case commonpb.HeaderType_CONFIG_UPDATE:
		m, err = c.update(e)
	default:
		m, err = c.judge(e)
	}
	return c, m, err
}

func parse(env *commonpb.Envelope) (*tx.Envelope, error) {
	e, err := tx.FromEnvelope(env)
	if err == nil && len(e.ChannelBytes) == 0 {
		err = errors.New("channel header not set")
	}
	if err != nil {
		return nil, fmt.Errorf("could not determine channel ID: %w", err)
	}
	return e, nil
}

func statusOf(err error) commonpb.Status {
	switch {
	case errors.Is(err, ErrChannelDoesNotExist):
		return commonpb.Status_NOT_FOUND
	case errors.Is(err, ErrPermissionDenied):
		return commonpb.Status_FORBIDDEN
	case errors.Is(err, ErrMaintenanceMode):
		return commonpb.Status_SERVICE_UNAVAILABLE
	default:
		return commonpb.Status_BAD_REQUEST
	}
}

// done makes the answer and counts it. judged is zero if the message did not get as far as the consenter.
func (s *Server) done(channel, kind string, begin, judged time.Time, status commonpb.Status, err error) *ordererpb.BroadcastResponse {
	s.Registry.o.Metrics.broadcast(channel, kind, status, begin, judged)
	response := &ordererpb.BroadcastResponse{Status: status}
	if err != nil {
		response.Info = err.Error()
	}
	return response
}
