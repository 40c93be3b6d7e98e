package operations_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/operations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type site struct {
	t      *testing.T
	server *operations.Server
	client *http.Client
	scheme string
}

func start(t *testing.T, o operations.Options, client *tls.Config) *site {
	o.Address, o.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	s, err := operations.Start(o)
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: client}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, s.Close(ctx))
	})
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	return &site{t, s, &http.Client{Transport: transport}, scheme}
}

func (s *site) ask(method, path, body string) (code int, answer string, header http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.scheme+"://"+s.server.Address()+path, strings.NewReader(body))
	require.NoError(s.t, err)
	response, err := s.client.Do(r)
	require.NoError(s.t, err)
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response.StatusCode, strings.TrimSpace(string(b)), response.Header
}

func logs(t *testing.T) *logging.Logs {
	l, err := logging.New(io.Discard, "", "info")
	require.NoError(t, err)
	return l
}

func TestPlain(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "weaving_total", Help: "Threads."})
	registry.MustRegister(counter)
	counter.Add(7)
	l := logs(t)
	s := start(t, operations.Options{Gatherer: registry, Logs: l, Version: "1.4.12", CommitSHA: "abc"}, nil)

	code, answer, header := s.ask("GET", "/metrics", "")
	require.Equal(t, 200, code)
	require.Contains(t, answer, "weaving_total 7")
	require.NotEmpty(t, header.Get("X-Request-Id"))

	code, answer, header = s.ask("GET", "/version", "")
	require.Equal(t, 200, code)
	require.Equal(t, `{"CommitSHA":"abc","Version":"1.4.12"}`, answer)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	code, answer, _ = s.ask("POST", "/version", "")
	require.Equal(t, 400, code)
	require.Equal(t, `{"Error":"invalid request method: POST"}`, answer)

	code, answer, _ = s.ask("GET", "/logspec", "")
	require.Equal(t, 200, code)
	require.Equal(t, `{"spec":"info"}`, answer)
	code, answer, _ = s.ask("PUT", "/logspec", `{"spec":"chaincode=debug:info"}`)
	require.Equal(t, 204, code)
	require.Empty(t, answer)
	require.Equal(t, "chaincode=debug:info", l.Spec())
	for body, want := range map[string]string{
		`{"spec":"nonsense=a=b"}`: "invalid logging specification 'nonsense=a=b': bad segment 'nonsense=a=b'",
		`{"spec":`:                "unexpected EOF",
		`{"spec":"` + strings.Repeat("x", 100<<10) + `"}`: "http: request body too large",
	} {
		code, answer, _ = s.ask("PUT", "/logspec", body)
		require.Equal(t, 400, code)
		var failure struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(answer), &failure))
		require.Equal(t, want, failure.Error)
	}
	code, answer, _ = s.ask("DELETE", "/logspec", "")
	require.Equal(t, 400, code)
	require.Equal(t, `{"error":"invalid request method: DELETE"}`, answer)
	require.Equal(t, "chaincode=debug:info", l.Spec())

	code, _, _ = s.ask("GET", "/elsewhere", "")
	require.Equal(t, 404, code)
}

// TestHealthIsShared: those who ask while the checks run wait for them, but not for a client that leaves.
func TestHealthIsShared(t *testing.T) {
	s := start(t, operations.Options{}, nil)
	begun := make(chan struct{}, 2)
	var calls atomic.Int32
	require.NoError(t, s.server.RegisterHealthCheck("disk", func(ctx context.Context) error {
		begun <- struct{}{}
		if calls.Add(1) == 1 {
			<-ctx.Done()
		}
		return ctx.Err()
	}))
	ctx, leave := context.WithCancel(t.Context())
	first, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.server.Address()+"/healthz", nil)
	require.NoError(t, err)
	left := make(chan error, 1)
	go func() {
		_, err := s.client.Do(first)
		left <- err
	}()
	<-begun
	answered := make(chan int, 1)
	go func() {
		code := 0
		if r, err := s.client.Get(first.URL.String()); err == nil {
			code = r.StatusCode
			_ = r.Body.Close()
		}
		answered <- code
	}()
	select {
	case <-begun:
		t.Error("the checks run twice at a time")
	case <-time.After(50 * time.Millisecond):
	}
	leave()
	require.Error(t, <-left)
	require.Equal(t, 200, <-answered)
	require.EqualValues(t, 2, calls.Load())
}

func TestHealth(t *testing.T) {
	s := start(t, operations.Options{}, nil)
	broken := errors.New("no connection")
	require.NoError(t, s.server.RegisterHealthCheck("couchdb", func(context.Context) error { return broken }))
	require.NoError(t, s.server.RegisterHealthCheck("a", func(context.Context) error { return broken }))
	require.EqualError(t, s.server.RegisterHealthCheck("couchdb", func(context.Context) error { return nil }), "'couchdb' is already registered")
	code, answer, _ := s.ask("GET", "/healthz", "")
	require.Equal(t, 503, code)
	require.Contains(t, answer, `"status":"Service Unavailable"`)
	require.Contains(t, answer, `"failed_checks":[{"component":"a","reason":"no connection"},{"component":"couchdb","reason":"no connection"}]`)
	broken = nil
	code, answer, _ = s.ask("GET", "/healthz", "")
	require.Equal(t, 200, code)
	require.Contains(t, answer, `"status":"OK"`)
	code, _, _ = s.ask("POST", "/healthz", "")
	require.Equal(t, 405, code)
	for _, path := range []string{"/metrics", "/logspec"} {
		code, _, _ = s.ask("GET", path, "")
		require.Equal(t, 404, code, "%s is not served without something to serve", path)
	}
}

func certificate(t *testing.T) (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestTLS(t *testing.T) {
	cert, ca := certificate(t)
	roots, err := comm.NewRoots(ca)
	require.NoError(t, err)
	options := operations.Options{Gatherer: prometheus.NewRegistry(), Logs: logs(t), TLS: &operations.TLS{Certificate: comm.NewCertificate(cert), ClientRoots: roots}}
	stranger := start(t, options, &tls.Config{RootCAs: roots.Pool()})
	known := start(t, options, &tls.Config{RootCAs: roots.Pool(), Certificates: []tls.Certificate{cert}})
	for path, private := range map[string]bool{"/metrics": true, "/logspec": true, "/healthz": false, "/version": false} {
		code, _, _ := known.ask("GET", path, "")
		require.Equal(t, 200, code, path)
		code, _, _ = stranger.ask("GET", path, "")
		require.Equal(t, private, code == 401, path)
	}
	options.TLS = &operations.TLS{Certificate: comm.NewCertificate(cert), ClientRoots: roots, RequireClientCert: true}
	strict := start(t, options, &tls.Config{RootCAs: roots.Pool()})
	_, err = strict.client.Get("https://" + strict.server.Address() + "/healthz")
	require.Error(t, err)
}

func TestAddressInUse(t *testing.T) {
	s := start(t, operations.Options{}, nil)
	_, err := operations.Start(operations.Options{Address: s.server.Address(), Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "operations: listening on "+s.server.Address())
}
