package shim

import (
	"bytes"
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
	// pingInterval and pingTimeout notice a dead peer; a peer closes connections that ping more often than once a minute.
	pingInterval = time.Minute
	pingTimeout  = 20 * time.Second
	// receiveWindow is how much the peer may send ahead of Recv.
	receiveWindow = 8 << 20
)

// grpcStream is one gRPC call in both directions, over an HTTP/2 request whose body is a pipe. The request's response arrives when the peer
// sends its first message, so Recv waits for it; Send does not.
type grpcStream struct {
	conn    net.Conn
	cancel  context.CancelFunc
	sending *io.PipeWriter
	frame   []byte // the last message sent, kept for its capacity

	answered chan struct{} // closed when resp or dialErr is set
	resp     *http.Response
	dialErr  error

	in     frameReader
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
	receiving, sending := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: scheme, Host: address, Path: registerPath},
		Header: http.Header{
			"Content-Type": {"application/grpc"},
			"Te":           {"trailers"},
			"User-Agent":   {"heddle-shim"},
		},
		Body:          receiving,
		ContentLength: -1,
	}).WithContext(ctx)
	s := &grpcStream{conn: conn, cancel: cancel, sending: sending, answered: make(chan struct{})}
	go func() {
		defer close(s.answered)
		resp, err := transport.RoundTrip(req)
		if err == nil {
			err = checkResponse(resp)
		}
		if err != nil {
			s.dialErr = fmt.Errorf("error chatting with peer at address=%s: %w", address, err)
			sending.CloseWithError(s.dialErr)
			receiving.CloseWithError(s.dialErr)
			return
		}
		s.resp, s.in.r = resp, resp.Body
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

// Send writes one message. It may run beside Recv, but not beside another Send.
func (s *grpcStream) Send(m *pb.ChaincodeMessage) error {
	if cap(s.frame) > maxKeptBuffer {
		s.frame = nil
	}
	var err error
	if s.frame, err = appendFrame(s.frame[:0], m); err != nil {
		return err
	}
	_, err = s.sending.Write(s.frame)
	return err
}

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
func (s *grpcStream) CloseSend() error { return s.sending.Close() }

// Close ends the stream and its connection.
func (s *grpcStream) Close() error {
	s.closed.Do(func() {
		s.sending.Close()
		s.cancel()
		<-s.answered
		if s.resp != nil {
			s.resp.Body.Close()
		}
		s.conn.Close()
	})
	return nil
}

// frameReader splits a gRPC body into messages. A frame is a flag byte (1 means compressed, which nobody asked for), the length in four bytes,
// and the message.
type frameReader struct {
	r      io.Reader
	header [frameHeaderSize]byte
	buf    bytes.Buffer
}

const (
	frameHeaderSize = 5
	// maxKeptBuffer is how large a buffer may have grown and still be used again.
	maxKeptBuffer = 1 << 20
	// maxMessageSize is Fabric's limit for any gRPC message, 100 MB.
	maxMessageSize = 100 * 1024 * 1024
)

// next returns the next message, valid until the following call. io.EOF means the body ended between two frames.
func (f *frameReader) next() ([]byte, error) {
	if _, err := io.ReadFull(f.r, f.header[:]); err != nil {
		return nil, err
	}
	if f.header[0] != 0 {
		return nil, fmt.Errorf("message with flag %#x: compression was not agreed on", f.header[0])
	}
	size := int64(f.header[1])<<24 | int64(f.header[2])<<16 | int64(f.header[3])<<8 | int64(f.header[4])
	if size > maxMessageSize {
		return nil, fmt.Errorf("message of %d bytes is larger than %d", size, maxMessageSize)
	}
	// CopyN grows the buffer with what arrives, not with what the header claims.
	if f.buf.Cap() > maxKeptBuffer {
		f.buf = bytes.Buffer{}
	}
	f.buf.Reset()
	if _, err := io.CopyN(&f.buf, f.r, size); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return f.buf.Bytes(), nil
}

// appendFrame appends m as one frame.
func appendFrame(b []byte, m *pb.ChaincodeMessage) ([]byte, error) {
	size := proto.Size(m)
	if size > maxMessageSize {
		return nil, fmt.Errorf("message of %d bytes is larger than %d", size, maxMessageSize)
	}
	if cap(b)-len(b) < frameHeaderSize+size {
		b = append(make([]byte, 0, len(b)+frameHeaderSize+size), b...)
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0)
	b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.GetType(), err)
	}
	n := len(b) - start - frameHeaderSize
	b[start+1], b[start+2], b[start+3], b[start+4] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return b, nil
}
