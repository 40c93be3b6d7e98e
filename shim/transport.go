package shim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

const (
	registerPath = "/protos.ChaincodeSupport/Register"
	// dialTimeout bounds how long the peer's listener is waited for.
	dialTimeout = 3 * time.Second
	// closeTimeout bounds how long Close waits for messages to leave.
	closeTimeout = time.Second
	// pingInterval and pingTimeout notice a dead peer; a peer closes connections that ping more often than once a minute.
	pingInterval = time.Minute
	pingTimeout  = 20 * time.Second
	// receiveWindow is how much the peer may send ahead of Recv.
	receiveWindow = 8 << 20
)

// grpcStream is one gRPC call in both directions, over one HTTP/2 request. The request's response arrives when the peer sends its first message,
// so Recv waits for it; Send does not.
type grpcStream struct {
	conn   net.Conn
	cancel context.CancelFunc
	out    *sendQueue

	answered chan struct{} // closed when resp or dialErr is set
	resp     *http.Response
	dialErr  error

	in     *frameReader
	closed sync.Once
}

// dial connects to the peer and opens the stream. A nil tlsConf means plain HTTP/2 ("h2c").
func dial(ctx context.Context, address string, tlsConf *tls.Config) (*grpcStream, error) {
	conn, err := connect(ctx, address)
	if err != nil {
		return nil, err
	}
	conns := make(chan net.Conn, 1)
	conns <- conn
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:           pingInterval,
			PingTimeout:               pingTimeout,
			MaxReceiveBufferPerStream: receiveWindow,
		},
		TLSClientConfig:    tlsConf,
		DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case c := <-conns:
				return c, nil
			default:
				return nil, errors.New("the connection to the peer is gone")
			}
		},
	}
	scheme := "http"
	if tlsConf != nil {
		scheme = "https"
		transport.Protocols.SetHTTP2(true)
	} else {
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	out := newSendQueue()
	ctx, cancel := context.WithCancel(ctx)
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: scheme, Host: address, Path: registerPath},
		Header: http.Header{
			"Content-Type": {"application/grpc"},
			"Te":           {"trailers"},
			"User-Agent":   {"heddle-shim"},
		},
		Body:          out,
		ContentLength: -1,
	}).WithContext(ctx)
	s := &grpcStream{conn: conn, cancel: cancel, out: out, answered: make(chan struct{})}
	go func() {
		defer close(s.answered)
		resp, err := transport.RoundTrip(req)
		if err == nil {
			err = checkResponse(resp)
		}
		if err != nil {
			s.dialErr = fmt.Errorf("error chatting with peer at address=%s: %w", address, err)
			out.end(s.dialErr)
			return
		}
		s.resp, s.in = resp, newFrameReader(resp.Body)
	}()
	return s, nil
}

// connect retries until dialTimeout has passed: a peer starts chaincode and its listener at the same time.
func connect(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("error trying to connect to local peer at %s: %w", address, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// checkResponse accepts the headers a gRPC server begins a stream with. A stream that ends at once carries its status in the headers.
func checkResponse(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not a gRPC server: HTTP status %s", resp.Status)
	}
	if t := resp.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/grpc") {
		return fmt.Errorf("not a gRPC server: content type %q", t)
	}
	if resp.Header.Get("Grpc-Status") != "" {
		return statusError(resp.Header)
	}
	return nil
}

// statusError reads the status that ends a stream. It is io.EOF for OK.
func statusError(h http.Header) error {
	status := h.Get("Grpc-Status")
	if status == "" {
		return fmt.Errorf("stream ended without a status: %w", io.ErrUnexpectedEOF)
	}
	if status == "0" {
		return io.EOF
	}
	message, err := url.PathUnescape(h.Get("Grpc-Message"))
	if err != nil {
		message = h.Get("Grpc-Message")
	}
	return &StreamError{Code: parseCode(status), Message: message}
}

func parseCode(s string) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return 2 // Unknown
}

// StreamError is the status a peer ends the stream with when something is wrong.
type StreamError struct {
	Code    int // a gRPC status code
	Message string
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("rpc error: code = %d desc = %s", e.Code, e.Message)
}

// Send queues one message. It may run beside Recv and beside other Sends. That it returns nil does not mean that the peer has the message.
func (s *grpcStream) Send(m *pb.ChaincodeMessage) error { return s.out.send(m) }

// Recv reads one message; io.EOF is the peer's orderly end of the stream.
func (s *grpcStream) Recv() (*pb.ChaincodeMessage, error) {
	<-s.answered
	if s.dialErr != nil {
		return nil, s.dialErr
	}
	b, err := s.in.next()
	if errors.Is(err, io.EOF) {
		return nil, statusError(s.resp.Trailer)
	}
	if err != nil {
		return nil, err
	}
	m := &pb.ChaincodeMessage{}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("decoding a message from the peer: %w", err)
	}
	return m, nil
}

// CloseSend ends this side of the stream; the peer can still send.
func (s *grpcStream) CloseSend() error {
	s.out.end(errStreamEnded)
	return nil
}

// Close ends the stream and its connection, once what was sent has left or closeTimeout has passed.
func (s *grpcStream) Close() error {
	s.closed.Do(func() {
		s.out.end(errStreamEnded)
		select {
		case <-s.out.drained:
		case <-time.After(closeTimeout):
		}
		s.cancel()
		<-s.answered
		if s.resp != nil {
			s.resp.Body.Close()
		}
		s.conn.Close()
	})
	return nil
}

var errStreamEnded = errors.New("the stream to the peer has ended")
