package shim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

type registerStream = grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]

// echo sends every message back.
func echo(s registerStream) error {
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(m); err != nil {
			return err
		}
	}
}

func TestStreamCarriesMessagesOfAnySize(t *testing.T) {
	s, err := dial(t.Context(), startPeer(t, nil, echo), nil)
	require.NoError(t, err)
	defer s.Close()
	for _, size := range []int{0, 1, 100, 1 << 14, 1<<14 + 1, 70_000, 5 << 20, 64 << 20} {
		m := &pb.ChaincodeMessage{Type: pb.ChaincodeMessage_PUT_STATE, Payload: bytes.Repeat([]byte{7}, size), Txid: "x"}
		require.NoError(t, s.Send(m))
		got, err := s.Recv()
		require.NoError(t, err)
		require.Len(t, got.Payload, size)
	}
	require.ErrorContains(t, s.Send(&pb.ChaincodeMessage{Payload: make([]byte, maxMessageSize)}), "larger than")
	require.NoError(t, s.CloseSend())
	_, err = s.Recv()
	require.Equal(t, io.EOF, err)
}

func TestStreamReportsHowItEnded(t *testing.T) {
	refuse := func(s registerStream) error { return status.Error(codes.PermissionDenied, "no: ünknown 100%") }
	s, err := dial(t.Context(), startPeer(t, nil, refuse), nil)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Recv()
	var ended *StreamError
	require.ErrorAs(t, err, &ended)
	require.Equal(t, &StreamError{Code: int(codes.PermissionDenied), Message: "no: ünknown 100%"}, ended)

	late := func(s registerStream) error {
		if err := s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_REGISTERED}); err != nil {
			return err
		}
		return status.Error(codes.Unavailable, "going away")
	}
	s, err = dial(t.Context(), startPeer(t, nil, late), nil)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Recv()
	require.NoError(t, err)
	_, err = s.Recv()
	require.ErrorContains(t, err, "going away")
}

func TestDialFailures(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	start := time.Now()
	_, err = dial(t.Context(), address, nil)
	require.ErrorContains(t, err, "error trying to connect to local peer at "+address)
	require.Less(t, time.Since(start), 2*dialTimeout)

	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.Protocols = new(http.Protocols)
	web.Config.Protocols.SetUnencryptedHTTP2(true)
	web.Start()
	defer web.Close()
	s, err := dial(t.Context(), strings.TrimPrefix(web.URL, "http://"), nil)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Recv()
	require.ErrorContains(t, err, "not a gRPC server")
}

func TestStreamOverTLS(t *testing.T) {
	serverCert, roots := selfSigned(t)
	clientCert, clientRoots := selfSigned(t)
	address := startPeer(t, &tls.Config{
		Certificates: []tls.Certificate{serverCert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clientRoots,
	}, echo)
	s, err := dial(t.Context(), address, &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{clientCert}})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Send(&pb.ChaincodeMessage{Txid: "x"}))
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, "x", m.Txid)

	for name, conf := range map[string]*tls.Config{
		"untrusted peer":        {RootCAs: clientRoots, Certificates: []tls.Certificate{clientCert}},
		"no client certificate": {RootCAs: roots},
	} {
		s, err := dial(t.Context(), address, conf)
		require.NoError(t, err, name)
		_, err = s.Recv()
		require.Error(t, err, name)
		require.Error(t, s.Send(&pb.ChaincodeMessage{}), name)
		s.Close()
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own CA.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func FuzzFrames(f *testing.F) {
	good, err := appendFrame(nil, &pb.ChaincodeMessage{Type: pb.ChaincodeMessage_RESPONSE, Payload: []byte("v"), Txid: "x"})
	require.NoError(f, err)
	f.Add(good)
	f.Add(append(good, good...))
	f.Add(good[:len(good)-1])
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Add([]byte{0, 255, 255, 255, 255, 1})
	f.Add([]byte{0, 6, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newFrameReader(bytes.NewReader(b))
		read := 0
		for {
			frame, err := in.next()
			if err != nil {
				return
			}
			read += frameHeaderSize + len(frame)
			require.LessOrEqual(t, read, len(b))
			m := &pb.ChaincodeMessage{}
			if proto.Unmarshal(frame, m) != nil {
				continue
			}
			again, err := appendFrame(nil, m)
			require.NoError(t, err)
			back := newFrameReader(bytes.NewReader(again))
			frame, err = back.next()
			require.NoError(t, err)
			n := &pb.ChaincodeMessage{}
			require.NoError(t, proto.Unmarshal(frame, n))
			require.True(t, proto.Equal(m, n))
		}
	})
}

// BenchmarkRoundTrip compares one question and its answer over this package's stream and over grpc-go's client, to the same grpc-go server.
func BenchmarkRoundTrip(b *testing.B) {
	address := startPeer(b, nil, echo)
	mine, err := dial(b.Context(), address, nil)
	require.NoError(b, err)
	defer mine.Close()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(b, err)
	defer conn.Close()
	theirs, err := pb.NewChaincodeSupportClient(conn).Register(b.Context())
	require.NoError(b, err)
	for _, size := range []int{100, 10_000} {
		for name, s := range map[string]PeerChaincodeStream{"net-http": mine, "grpc-go": theirs} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				m := &pb.ChaincodeMessage{Type: pb.ChaincodeMessage_GET_STATE, Payload: make([]byte, size), Txid: strings.Repeat("x", 64)}
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, s.Send(m))
					_, err := s.Recv()
					require.NoError(b, err)
				}
			})
		}
	}
}
