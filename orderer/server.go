package orderer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/policy"
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
func NewServer(r *Registry, blocks *deliver.Server, log *slog.Logger) *Server {
	blocks.Channel = func(id string) (deliver.Channel, bool) { return r.Channel(id) }
	return &Server{Registry: r, Blocks: blocks, Log: log}
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
		env, raw, err := receive(stream)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := s.order(ctx, env, raw, log)
		if err := stream.Send(response); err != nil || response.Status != commonpb.Status_SUCCESS {
			return err
		}
	}
}

// receive takes an envelope off the stream, and its encoding if that is canonical, as it is unless the sender has odd ways: then the block
// holds the very bytes that came.
func receive(stream grpc.ServerStream) (env *commonpb.Envelope, canonical []byte, err error) {
	var raw comm.Raw
	if err := stream.RecvMsg(&raw); err != nil {
		return nil, nil, err
	}
	if env, ok := tx.CanonicalEnvelope(raw); ok {
		return env, raw, nil
	}
	env = &commonpb.Envelope{}
	if err := proto.Unmarshal(raw, env); err != nil {
		return nil, nil, status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err) // what gRPC itself says
	}
	return env, nil, nil
}

// order judges one envelope and hands it to its channel's consenter. canonical is its encoding; nil if that is still to be made.
func (s *Server) order(ctx context.Context, env *commonpb.Envelope, canonical []byte, log *slog.Logger) *ordererpb.BroadcastResponse {
	a := answer{metrics: s.Registry.o.Metrics, channel: "unknown", kind: "unknown", begin: time.Now()}
	e, err := parse(env)
	if err != nil {
		log.Warn("refusing a message", "err", err)
		return a.done(commonpb.Status_BAD_REQUEST, err)
	}
	e.Raw = canonical
	c, known := s.Registry.Channel(e.ChannelID())
	if known {
		a.channel = e.ChannelID()
	} else {
		c = s.Registry.system()
	}
	if _, named := commonpb.HeaderType_name[int32(e.Type())]; named {
		a.kind = e.Type().String()
	}
	m, err := c.process(e)
	if err != nil {
		log.With("channel", brief(e.ChannelID()), "type", a.kind, "txid", brief(e.TxID())).Warn("refusing a message", policy.Attrs(err)...)
		return a.done(statusOf(err), err)
	}
	a.judged = time.Now()
	if err := c.consenter.Order(ctx, m); err != nil {
		by := "Order"
		if m.Config {
			by = "Configure"
		}
		log.Warn("a message was not ordered: rejected by "+by+": "+err.Error(), "channel", brief(e.ChannelID()), "type", a.kind, "txid", brief(e.TxID()))
		return a.done(commonpb.Status_SERVICE_UNAVAILABLE, err)
	}
	return a.done(commonpb.Status_SUCCESS, nil)
}

func parse(env *commonpb.Envelope) (*tx.Envelope, error) {
	e, err := tx.FromChannelHeader(env)
	if err == nil && len(e.ChannelBytes) == 0 {
		err = errors.New("channel header not set")
	}
	if err != nil {
		return nil, fmt.Errorf("could not determine channel ID: %w", err)
	}
	return e, nil
}

// brief keeps a client from filling the log.
func brief(s string) string { return s[:min(len(s), 80)] }

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

// answer is the making of one BroadcastResponse. Channel and kind are names that this node knows, so that clients cannot make up metrics.
type answer struct {
	metrics       *Metrics
	channel, kind string
	begin, judged time.Time // judged is zero if the message did not get as far as the consenter
}

// longestInfo is the most bytes that a refusal explains itself with: it may quote what the client sent.
const longestInfo = 8 << 10

func (a *answer) done(status commonpb.Status, err error) *ordererpb.BroadcastResponse {
	a.metrics.broadcast(a.channel, a.kind, status, a.begin, a.judged)
	response := &ordererpb.BroadcastResponse{Status: status}
	if err != nil {
		text := err.Error()
		response.Info = strings.ToValidUTF8(text[:min(len(text), longestInfo)], "\uFFFD")
	}
	return response
}
