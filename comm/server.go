package comm

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// ServerOptions configure a gRPC server.
type ServerOptions struct {
	TLS       *ServerTLS // nil serves plain text
	Keepalive Keepalive
	// Limits bounds the calls in progress per service, by full name ("orderer.AtomicBroadcast"), over all connections. A call above it
	// gets ResourceExhausted. A service that is not named, or named with 0, has no limit.
	Limits map[string]int
	// StreamsPerConnection bounds the calls in progress on one connection; further ones wait at the client. 0 means 10,000.
	StreamsPerConnection uint32
	ConnectionTimeout    time.Duration // for the handshake; 0 means 5 s
	Log                  *slog.Logger
	// Unary and Stream run inside the limits and the panic guard, in order.
	Unary  []grpc.UnaryServerInterceptor
	Stream []grpc.StreamServerInterceptor
}

// NewServer returns a server without services or listeners.
func NewServer(o ServerOptions) *grpc.Server {
	if o.StreamsPerConnection == 0 {
		o.StreamsPerConnection = 10_000
	}
	if o.ConnectionTimeout == 0 {
		o.ConnectionTimeout = 5 * time.Second
	}
	k := o.Keepalive.orDefaults()
	guard := &guard{log: o.Log, limits: newLimits(o.Limits)}
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxMessageSize),
		grpc.MaxSendMsgSize(MaxMessageSize),
		grpc.MaxConcurrentStreams(o.StreamsPerConnection),
		grpc.ConnectionTimeout(o.ConnectionTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: k.Interval, Timeout: k.Timeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: k.MinInterval, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(append([]grpc.UnaryServerInterceptor{guard.unary}, o.Unary...)...),
		grpc.ChainStreamInterceptor(append([]grpc.StreamServerInterceptor{guard.stream}, o.Stream...)...),
	}
	if o.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(o.TLS.config())))
	}
	return grpc.NewServer(opts...)
}

// guard stands in front of every handler: it counts calls against the limits and turns a panic into an error of that call.
type guard struct {
	log    *slog.Logger
	limits map[string]*limit
}

type limit struct {
	max     int64
	running atomic.Int64
}

func newLimits(byService map[string]int) map[string]*limit {
	limits := make(map[string]*limit, len(byService))
	for service, max := range byService {
		if max > 0 {
			limits[service] = &limit{max: int64(max)}
		}
	}
	return limits
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	release, err := g.admit(info.FullMethod)
	if err != nil {
		return nil, err
	}
	defer release()
	defer g.recover(info.FullMethod, &err)
	return next(ctx, req)
}

func (g *guard) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	release, err := g.admit(info.FullMethod)
	if err != nil {
		return err
	}
	defer release()
	defer g.recover(info.FullMethod, &err)
	return next(srv, s)
}

func (g *guard) admit(method string) (release func(), err error) {
	service := method
	if parts := strings.SplitN(method, "/", 3); len(parts) == 3 {
		service = parts[1]
	}
	l, ok := g.limits[service]
	if !ok {
		return func() {}, nil
	}
	if l.running.Add(1) > l.max {
		l.running.Add(-1)
		return nil, status.Errorf(codes.ResourceExhausted, "too many requests for /%s, exceeding concurrency limit (%d)", service, l.max)
	}
	return func() { l.running.Add(-1) }, nil
}

func (g *guard) recover(method string, err *error) {
	if p := recover(); p != nil {
		g.log.Error("a request made its handler panic", "method", method, "panic", p, "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "internal error in %s", method)
	}
}
