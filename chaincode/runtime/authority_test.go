package runtime_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/runtime"
)

func TestAuthority(t *testing.T) {
	a, err := runtime.NewAuthority(time.Now())
	require.NoError(t, err)
	server, err := a.Server("localhost", "127.0.0.1")
	require.NoError(t, err)
	kv, forget, err := a.Issue("kv:1.0")
	require.NoError(t, err)
	stranger, err := runtime.NewAuthority(time.Now())
	require.NoError(t, err)
	other, _, err := stranger.Issue("kv:1.0")
	require.NoError(t, err)

	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(a.Root()))
	require.Equal(t, a.Root(), kv.Root)
	shown := func(material *runtime.TLS) *x509.Certificate {
		pair, err := tls.X509KeyPair(material.Cert, material.Key)
		require.NoError(t, err)
		here, there := net.Pipe()
		defer here.Close()
		defer there.Close()
		s := tls.Server(here, &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert})
		c := tls.Client(there, &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, ServerName: "127.0.0.1"})
		done := make(chan struct{})
		go func() { _, _ = c.Read(make([]byte, 1)); close(done) }()
		if err := s.Handshake(); err != nil {
			there.Close()
			<-done
			return nil
		}
		cert := s.ConnectionState().PeerCertificates[0]
		there.Close()
		<-done
		return cert
	}
	cert := shown(kv)
	require.NotNil(t, cert)
	require.NoError(t, a.Check(cert, "kv:1.0"))
	require.ErrorContains(t, a.Check(cert, "kv:2.0"), "belongs to a different chaincode")
	require.EqualError(t, a.Check(nil, "kv:1.0"), "TLS is active but chaincode kv:1.0 didn't send certificate")
	require.Nil(t, shown(other), "a certificate of another authority")
	require.ErrorContains(t, stranger.Check(cert, "kv:1.0"), "not found in registry")
	forget()
	require.ErrorContains(t, a.Check(cert, "kv:1.0"), "not found in registry")
}
