// Package admin is the peer's Admin service of Fabric 1.4: whether a peer runs, and how much it logs. `peer node status` and `peer logging`
// ask it; the operations endpoint (package operations) tells the same over HTTP.
//
// Every call is an envelope of type PEER_ADMIN_OPERATION, signed by an administrator of the peer's own organisation no longer than
// 15 minutes ago or ahead. A caller who is not allowed learns no more than "access denied"; the log says why.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// timeWindow is how far the time in a request may be from now, either way.
const timeWindow = 15 * time.Minute

var (
	errDenied    = errors.New("access denied")
	errNoRequest = errors.New("request is nil")
)

// Levels are the log levels of a process: a *logging.Logs.
type Levels interface {
	Level(logger string) string
	Spec() string
	SetSpec(spec string) error
}

// Options are what a Server needs.
type Options struct {
	Authorize func(policy.SignedData) error // refuses everyone but administrators
	Levels    Levels
	Now       func() time.Time
	Log       *slog.Logger
}

// Server answers the Admin service.
type Server struct {
	peerpb.UnimplementedAdminServer
	Options
	startSpec string // what RevertLogLevels returns to
}

// New returns a server; the log levels in force now are those that RevertLogLevels returns to.
func New(o Options) *Server { return &Server{Options: o, startSpec: o.Levels.Spec()} }

// GetStatus answers STARTED.
func (s *Server) GetStatus(ctx context.Context, e *commonpb.Envelope) (*peerpb.ServerStatus, error) {
	if _, err := s.accept(ctx, e); err != nil {
		return nil, err
	}
	return &peerpb.ServerStatus{Status: peerpb.ServerStatus_STARTED}, nil
}

// StartServer answers STARTED, and starts nothing: a peer that can answer runs.
func (s *Server) StartServer(ctx context.Context, e *commonpb.Envelope) (*peerpb.ServerStatus, error) {
	return s.GetStatus(ctx, e)
}

// GetModuleLogLevel tells the level of one logger, in capitals.
func (s *Server) GetModuleLogLevel(ctx context.Context, e *commonpb.Envelope) (*peerpb.LogLevelResponse, error) {
	op, err := s.accept(ctx, e)
	if err != nil {
		return nil, err
	}
	r := op.GetLogReq()
	if r == nil {
		return nil, errNoRequest
	}
	return &peerpb.LogLevelResponse{LogModule: r.LogModule, LogLevel: strings.ToUpper(s.Levels.Level(r.LogModule))}, nil
}

// SetModuleLogLevel changes the level of one logger and leaves the others.
func (s *Server) SetModuleLogLevel(ctx context.Context, e *commonpb.Envelope) (*peerpb.LogLevelResponse, error) {
	op, err := s.accept(ctx, e)
	if err != nil {
		return nil, err
	}
	r := op.GetLogReq()
	if r == nil {
		return nil, errNoRequest
	}
	spec := fmt.Sprintf("%s:%s=%s", s.Levels.Spec(), r.LogModule, r.LogLevel)
	if err := s.Levels.SetSpec(spec); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "error setting log spec to '%s': %s", spec, err)
	}
	return &peerpb.LogLevelResponse{LogModule: r.LogModule, LogLevel: strings.ToUpper(r.LogLevel)}, nil
}

// RevertLogLevels brings back the levels that the peer started with.
func (s *Server) RevertLogLevels(ctx context.Context, e *commonpb.Envelope) (*emptypb.Empty, error) {
	if _, err := s.accept(ctx, e); err != nil {
		return nil, err
	}
	if err := s.Levels.SetSpec(s.startSpec); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// GetLogSpec tells the levels of all loggers.
func (s *Server) GetLogSpec(ctx context.Context, e *commonpb.Envelope) (*peerpb.LogSpecResponse, error) {
	if _, err := s.accept(ctx, e); err != nil {
		return nil, err
	}
	return &peerpb.LogSpecResponse{LogSpec: s.Levels.Spec()}, nil
}

// SetLogSpec changes the levels of all loggers. A specification that cannot be read is told in the answer, not as an error.
func (s *Server) SetLogSpec(ctx context.Context, e *commonpb.Envelope) (*peerpb.LogSpecResponse, error) {
	op, err := s.accept(ctx, e)
	if err != nil {
		return nil, err
	}
	r := op.GetLogSpecReq()
	if r == nil {
		return nil, errNoRequest
	}
	answer := &peerpb.LogSpecResponse{LogSpec: r.LogSpec}
	if err := s.Levels.SetSpec(r.LogSpec); err != nil {
		answer.Error = err.Error()
	}
	return answer, nil
}

// accept returns what an envelope asks for, if its signer may ask.
func (s *Server) accept(ctx context.Context, e *commonpb.Envelope) (*peerpb.AdminOperation, error) {
	if e == nil {
		return nil, errors.New("nil envelope")
	}
	env, err := tx.FromEnvelope(e)
	if err != nil {
		return nil, fmt.Errorf("bad request: %w", err)
	}
	if want := commonpb.HeaderType_PEER_ADMIN_OPERATION; env.Type() != want {
		return nil, fmt.Errorf("bad request: invalid type %s, expected %s", env.Type(), want)
	}
	op := &peerpb.AdminOperation{}
	if err := proto.Unmarshal(env.Data, op); err != nil {
		return nil, fmt.Errorf("bad request: error unmarshaling message for type %s: %w", env.Type(), err)
	}
	if env.Channel.Timestamp == nil {
		return nil, errors.New("empty timestamp")
	}
	if at := env.Channel.Timestamp.AsTime(); s.Now().Sub(at).Abs() > timeWindow {
		return nil, s.deny(ctx, fmt.Errorf("its time, %s, is more than %s from now", at, timeWindow))
	}
	if err := s.Authorize(policy.SignedData{Data: env.Payload, Identity: env.Creator(), Signature: env.Signature}); err != nil {
		return nil, s.deny(ctx, err)
	}
	return op, nil
}

func (s *Server) deny(ctx context.Context, why error) error {
	from := ""
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	s.Log.WarnContext(ctx, "Request refused", "from", from, "error", why)
	return errDenied
}
