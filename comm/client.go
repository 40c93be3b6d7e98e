package comm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// ClientOptions configure a connection to a server.
type ClientOptions struct {
	TLS     *ClientTLS    // nil talks plain text
	Timeout time.Duration // for connecting; 0 means 3 s
	// KeepaliveInterval and KeepaliveTimeout: ping a silent server after the one, give up on it after the other; 1 min and 20 s.
	KeepaliveInterval, KeepaliveTimeout time.Duration
	// MaxRecvMessage and MaxSendMessage bound a message in bytes; 0 means MaxMessageSize.
	MaxRecvMessage, MaxSendMessage int
}

// Dial connects to address (host:port) and returns once the connection stands. Unlike a bare gRPC dial it does not retry in silence: the
// reason of the first failure is the error.
func Dial(ctx context.Context, address string, o ClientOptions) (*grpc.ClientConn, error) {
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.KeepaliveInterval == 0 {
		o.KeepaliveInterval = time.Minute
	}
	if o.KeepaliveTimeout == 0 {
		o.KeepaliveTimeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()

	why := &lastError{}
	creds := insecure.NewCredentials()
	if o.TLS != nil {
		creds = &watchedTLS{TransportCredentials: credentials.NewTLS(o.TLS.config()), why: why}
	}
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				why.set(fmt.Errorf("connection error: desc = \"transport: error while dialing: %w\"", err))
			}
			return c, err
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: o.Timeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: o.KeepaliveInterval, Timeout: o.KeepaliveTimeout, PermitWithoutStream: true}),
		grpc.WithStaticStreamWindowSize(clientWindow),
		grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(messageSize(o.MaxRecvMessage)), grpc.MaxCallSendMsgSize(messageSize(o.MaxSendMessage))),
	)
	if err != nil {
		return nil, fmt.Errorf("failed to create new connection: %w", err)
	}
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if state == connectivity.TransientFailure || !conn.WaitForStateChange(ctx, state) {
			return nil, errors.Join(fmt.Errorf("failed to create new connection: %w", why.or(ctx.Err())), conn.Close())
		}
	}
	return conn, nil
}

// watchedTLS remembers why a handshake failed; gRPC itself tells only with the first call.
type watchedTLS struct {
	credentials.TransportCredentials
	why *lastError
}

func (w *watchedTLS) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, c)
	if err != nil {
		w.why.set(fmt.Errorf("TLS handshake with %s: %w", authority, err))
	}
	return conn, info, err
}

func (w *watchedTLS) Clone() credentials.TransportCredentials {
	return &watchedTLS{TransportCredentials: w.TransportCredentials.Clone(), why: w.why}
}

type lastError struct {
	mu  sync.Mutex
	err error
}

func (l *lastError) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *lastError) or(fallback error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case fallback != nil:
		return fallback
	default:
		return errors.New("the server closed the connection")
	}
}
