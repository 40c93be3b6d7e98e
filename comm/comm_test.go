package comm_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority issues certificates for 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a *authority) issue(t testing.TB) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func roots(t testing.TB, pems ...[]byte) *comm.Roots {
	r, err := comm.NewRoots(pems...)
	require.NoError(t, err)
	return r
}

// echo answers each envelope with a status; the payload says what else to do.
type echo struct {
	ordererpb.UnimplementedAtomicBroadcastServer
}

func (echo) Broadcast(s ordererpb.AtomicBroadcast_BroadcastServer) error {
	for {
		env, err := s.Recv()
		if err != nil {
			return nil
		}
		switch what := string(env.Payload); {
		case what == "panic":
			panic("a bug")
		case what == "refuse":
			return fmt.Errorf("refused: %s", bytes.Repeat([]byte("ü"), 1<<20))
		case strings.HasPrefix(what, "bind"):
			if err := comm.CheckBinding(s.Context(), env.Signature); err != nil {
				return err
			}
		}
		if err := s.Send(&ordererpb.BroadcastResponse{Status: commonpb.Status_SUCCESS}); err != nil {
			return err
		}
	}
}

func serve(t testing.TB, o comm.ServerOptions) (address string) {
	o.Log = slog.New(slog.DiscardHandler)
	g := comm.NewServer(o)
	ordererpb.RegisterAtomicBroadcastServer(g, echo{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	t.Cleanup(func() {
		g.Stop()
		require.NoError(t, <-done)
	})
	return l.Addr().String()
}

func dial(t testing.TB, address string, c *comm.ClientTLS) *grpc.ClientConn {
	conn, err := comm.Dial(t.Context(), address, comm.ClientOptions{TLS: c})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

// call sends one envelope and returns the error of the call.
func call(t testing.TB, conn *grpc.ClientConn, env *commonpb.Envelope) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := ordererpb.NewAtomicBroadcastClient(conn).Broadcast(ctx)
	if err != nil {
		return err
	}
	if err := s.Send(env); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err = s.Recv()
	return err
}

func TestPlainText(t *testing.T) {
	address := serve(t, comm.ServerOptions{})
	require.NoError(t, call(t, dial(t, address, nil), &commonpb.Envelope{}))
}

func TestTLSWithoutClientAuthentication(t *testing.T) {
	ca := newAuthority(t)
	address := serve(t, comm.ServerOptions{TLS: &comm.ServerTLS{Certificate: comm.NewCertificate(*ca.issue(t))}})
	require.NoError(t, call(t, dial(t, address, &comm.ClientTLS{Roots: roots(t, ca.pem)}), &commonpb.Envelope{}))

	_, err := comm.Dial(t.Context(), address, comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots(t, newAuthority(t).pem)}})
	require.ErrorContains(t, err, "failed to create new connection")
	require.ErrorContains(t, err, "certificate signed by unknown authority")
	_, err = comm.Dial(t.Context(), address, comm.ClientOptions{Timeout: 300 * time.Millisecond})
	require.ErrorContains(t, err, "failed to create new connection")
	_, err = comm.Dial(t.Context(), address, comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots(t, ca.pem), ServerName: "elsewhere"}})
	require.ErrorContains(t, err, "elsewhere")
}

// TestBinding: a certificate that is not required is not verified either, but requests can be bound to it.
func TestBinding(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	address := serve(t, comm.ServerOptions{TLS: &comm.ServerTLS{Certificate: comm.NewCertificate(*ca.issue(t))}})
	client := &comm.ClientTLS{Roots: roots(t, ca.pem), Certificate: stranger.issue(t)}
	conn := dial(t, address, client)
	bind := func(hash []byte) error {
		return call(t, conn, &commonpb.Envelope{Payload: []byte("bind"), Signature: hash})
	}
	require.NoError(t, bind(client.CertHash()))
	require.ErrorContains(t, bind(nil), "client didn't include its TLS cert hash")
	require.ErrorContains(t, bind(make([]byte, 32)), "claimed TLS cert hash is")

	none := &comm.ClientTLS{Roots: roots(t, ca.pem)}
	require.Nil(t, none.CertHash())
	require.Nil(t, (*comm.ClientTLS)(nil).CertHash())
	err := call(t, dial(t, address, none), &commonpb.Envelope{Payload: []byte("bind"), Signature: client.CertHash()})
	require.ErrorContains(t, err, "client didn't send a TLS certificate")
}

// TestClientRootsChange: with mutual TLS the set of client CAs counts at each handshake.
func TestClientRootsChange(t *testing.T) {
	server, org1, org2 := newAuthority(t), newAuthority(t), newAuthority(t)
	trusted := roots(t, org1.pem)
	address := serve(t, comm.ServerOptions{TLS: &comm.ServerTLS{Certificate: comm.NewCertificate(*server.issue(t)), RequireClientCert: true, ClientRoots: trusted}})
	as := func(ca *authority) error {
		c := &comm.ClientTLS{Roots: roots(t, server.pem)}
		if ca != nil {
			c.Certificate = ca.issue(t)
		}
		conn, err := comm.Dial(t.Context(), address, comm.ClientOptions{TLS: c})
		if err != nil {
			return err
		}
		return errors.Join(call(t, conn, &commonpb.Envelope{}), conn.Close())
	}
	require.NoError(t, as(org1))
	require.Error(t, as(org2))
	require.Error(t, as(nil))
	require.NoError(t, trusted.Set(org1.pem, org2.pem))
	require.NoError(t, as(org2))
	require.NoError(t, trusted.Set(org2.pem))
	require.Error(t, as(org1))
	require.Error(t, trusted.Set([]byte("garbage")))
	require.NoError(t, as(org2), "a bad set changes nothing")
}

func TestRoots(t *testing.T) {
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, append(newAuthority(t).pem, ca.pem...), 0o600))
	r, err := comm.LoadRoots(file)
	require.NoError(t, err)
	_, err = ca.cert.Verify(x509.VerifyOptions{Roots: r.Pool()})
	require.NoError(t, err, "the second certificate of the file counts too")
	_, err = comm.LoadRoots(filepath.Join(t.TempDir(), "missing"))
	require.ErrorContains(t, err, "missing")
	require.NotNil(t, (*comm.Roots)(nil).Pool())
}

func TestPanicEndsOnlyItsCall(t *testing.T) {
	conn := dial(t, serve(t, comm.ServerOptions{}), nil)
	other, err := ordererpb.NewAtomicBroadcastClient(conn).Broadcast(t.Context())
	require.NoError(t, err)
	err = call(t, conn, &commonpb.Envelope{Payload: []byte("panic")})
	require.Equal(t, codes.Internal, status.Code(err))
	require.NotContains(t, err.Error(), "a bug", "what broke is for our log")
	require.NoError(t, other.Send(&commonpb.Envelope{}))
	_, err = other.Recv()
	require.NoError(t, err)
}

// TestLongErrors: an error that quotes a long request still reaches the client, and the connection lives.
func TestLongErrors(t *testing.T) {
	conn := dial(t, serve(t, comm.ServerOptions{}), nil)
	err := call(t, conn, &commonpb.Envelope{Payload: []byte("refuse")})
	require.Equal(t, codes.Unknown, status.Code(err))
	require.ErrorContains(t, err, "refused: üü")
	require.ErrorContains(t, err, "ü… (2097161 bytes)")
	require.NoError(t, call(t, conn, &commonpb.Envelope{}))
}

// TestThousandStreams: streams above the limit are refused, those below it work, and room is given back.
func TestThousandStreams(t *testing.T) {
	const limit, asked = 100, 1000
	conn := dial(t, serve(t, comm.ServerOptions{Limits: map[string]int{"orderer.AtomicBroadcast": limit}}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	var open []ordererpb.AtomicBroadcast_BroadcastClient
	refused := 0
	for range asked {
		s, err := ordererpb.NewAtomicBroadcastClient(conn).Broadcast(ctx)
		require.NoError(t, err)
		if err := s.Send(&commonpb.Envelope{}); err == nil {
			_, err = s.Recv()
			if err == nil {
				open = append(open, s)
				continue
			}
			require.Equal(t, codes.ResourceExhausted, status.Code(err))
			require.ErrorContains(t, err, "too many requests for /orderer.AtomicBroadcast, exceeding concurrency limit (100)")
		}
		refused++
	}
	require.Len(t, open, limit)
	require.Equal(t, asked-limit, refused)
	require.NoError(t, open[0].Send(&commonpb.Envelope{}))
	_, err := open[0].Recv()
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool { return call(t, conn, &commonpb.Envelope{}) == nil }, 10*time.Second, 10*time.Millisecond)
}

func TestDialTellsWhy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = comm.Dial(t.Context(), address, comm.ClientOptions{})
	require.EqualError(t, err, `failed to create new connection: connection error: desc = "transport: error while dialing: dial tcp `+address+`: connect: connection refused"`)
}

func TestMessageSize(t *testing.T) {
	conn := dial(t, serve(t, comm.ServerOptions{}), nil)
	require.NoError(t, call(t, conn, &commonpb.Envelope{Payload: make([]byte, 99<<20)}))
	err := call(t, conn, &commonpb.Envelope{Payload: make([]byte, comm.MaxMessageSize+1)})
	require.Equal(t, codes.ResourceExhausted, status.Code(err))

	// Either side may be told a limit of its own.
	small := serve(t, comm.ServerOptions{MaxRecvMessage: 1000, MaxSendMessage: 1})
	err = call(t, dial(t, small, nil), &commonpb.Envelope{Payload: make([]byte, 1000)})
	require.ErrorContains(t, err, "received message larger than max (1003 vs. 1000)")
	err = call(t, dial(t, small, nil), &commonpb.Envelope{})
	require.ErrorContains(t, err, "trying to send message larger than max (3 vs. 1)")
	conn, err = comm.Dial(t.Context(), serve(t, comm.ServerOptions{}), comm.ClientOptions{MaxRecvMessage: 1, MaxSendMessage: 1000})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	require.ErrorContains(t, call(t, conn, &commonpb.Envelope{Payload: make([]byte, 1000)}), "trying to send message larger than max")
	require.ErrorContains(t, call(t, conn, &commonpb.Envelope{}), "received message larger than max")
}
