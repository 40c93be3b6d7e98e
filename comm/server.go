package comm

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
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
	// gets ResourceExhausted. A service that is not named may have DefaultLimit calls, one that is named with 0 any number.
	Limits map[string]int
	// StreamsPerConnection bounds the calls in progress on one connection; further ones wait at the client. 0 means 10,000.
	StreamsPerConnection uint32
	ConnectionTimeout    time.Duration // for the handshake; 0 means 5 s
	// MaxRecvMessage and MaxSendMessage bound a message in bytes; 0 means MaxMessageSize.
	MaxRecvMessage, MaxSendMessage int
	Metrics                        *Metrics
	Log                            *slog.Logger
	// Unary and Stream run inside the limits and the panic guard, in order.
	Unary  []grpc.UnaryServerInterceptor
	Stream []grpc.StreamServerInterceptor
}

// DefaultLimit is how many calls of one service may be in progress if nothing else was said; Fabric 2.x's for peers.
const DefaultLimit = 2500

// streamWorkers is how many goroutines of a server stay for the next call. Those that are started for one call each grow their stacks anew each time, which
// takes as long as verifying a signature by a key that has tables; and there are such when all that stay are busy.
const streamWorkers = 64

// plainReadBuffer is how many bytes are read at a time from a connection without TLS, which keeps no buffer while it waits. (With TLS no read gives more
// than a record, of 16 KiB.) Messages that are read together are handled together.
const plainReadBuffer = 128 << 10

// NewServer returns a server without services or listeners.
func NewServer(o ServerOptions) *grpc.Server {
	if o.StreamsPerConnection == 0 {
		o.StreamsPerConnection = 10_000
	}
	if o.ConnectionTimeout == 0 {
		o.ConnectionTimeout = 5 * time.Second
	}
	o.MaxRecvMessage, o.MaxSendMessage = messageSize(o.MaxRecvMessage), messageSize(o.MaxSendMessage)
	k := o.Keepalive.orDefaults()
	guard := &guard{log: o.Log, limits: newLimits(o.Limits)}
	opts := append(o.Metrics.options(),
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(o.MaxRecvMessage),
		grpc.MaxSendMsgSize(o.MaxSendMessage),
		grpc.MaxConcurrentStreams(o.StreamsPerConnection),
		grpc.StaticStreamWindowSize(serverWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.ConnectionTimeout(o.ConnectionTimeout),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: k.Interval, Timeout: k.Timeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: k.MinInterval, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(append([]grpc.UnaryServerInterceptor{guard.unary}, o.Unary...)...),
		grpc.ChainStreamInterceptor(append([]grpc.StreamServerInterceptor{guard.stream}, o.Stream...)...),
	)
	if o.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(o.TLS.config())))
	} else {
		opts = append(opts, grpc.ReadBufferSize(plainReadBuffer))
	}
	return grpc.NewServer(opts...)
}

// guard stands in front of every handler: it counts calls against the limits and turns a panic into an error of that call.
type guard struct {
	log    *slog.Logger
	limits *limits
}

// limits counts the calls in progress. Only services that the server has are ever asked for.
type limits struct {
	mu      sync.Mutex
	max     map[string]int
	running map[string]int
}

func newLimits(max map[string]int) *limits {
	return &limits{max: max, running: map[string]int{}}
}

// enter counts a call in, unless that would be one too many.
func (l *limits) enter(service string) (max int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	max, named := l.max[service]
	if !named {
		max = DefaultLimit
	}
	if max > 0 && l.running[service] >= max {
		return max, false
	}
	l.running[service]++
	return max, true
}

func (l *limits) leave(service string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running[service]--
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	release, err := g.admit(info.FullMethod)
	if err != nil {
		return nil, err
	}
	defer release()
	defer shorten(&err)
	defer g.recover(info.FullMethod, &err)
	return next(ctx, req)
}

func (g *guard) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	release, err := g.admit(info.FullMethod)
	if err != nil {
		return err
	}
	defer release()
	defer shorten(&err)
	defer g.recover(info.FullMethod, &err)
	return next(srv, s)
}

func (g *guard) admit(method string) (release func(), err error) {
	service := method
	if parts := strings.SplitN(method, "/", 3); len(parts) == 3 {
		service = parts[1]
	}
	if max, ok := g.limits.enter(service); !ok {
		return nil, status.Errorf(codes.ResourceExhausted, "too many requests for /%s, exceeding concurrency limit (%d)", service, max)
	}
	return func() { g.limits.leave(service) }, nil
}

// longestText is the most bytes of text that an error takes to a client. Errors quote what the client sent, and travel in HTTP headers,
// where longer ones make the client drop the connection.
const longestText = 8 << 10

// shorten cuts the text of an error that is too long.
func shorten(err *error) {
	if *err == nil {
		return
	}
	if s := status.Convert(*err).Proto(); len(s.Message) > longestText {
		s.Message = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s.Message[:longestText], ""), len(s.Message))
		*err = status.ErrorProto(s)
	}
}

func (g *guard) recover(method string, err *error) {
	if p := recover(); p != nil {
		g.log.Error("a request made its handler panic", "method", method, "panic", p, "stack", string(debug.Stack()))
		*err = status.Errorf(codes.Internal, "internal error in %s", method)
	}
}
