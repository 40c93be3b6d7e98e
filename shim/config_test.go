package shim

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadConfig(t *testing.T) {
	pair, _ := selfSigned(t)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	cert, certB64 := write("cert.pem", certPEM), write("cert.b64", []byte(base64.StdEncoding.EncodeToString(certPEM)))
	keyFile, keyB64 := write("key.pem", keyPEM), write("key.b64", []byte(base64.StdEncoding.EncodeToString(keyPEM)))

	base := map[string]string{"CORE_CHAINCODE_ID_NAME": "cc:1.0", "CORE_PEER_ADDRESS": "env:1"}
	tlsBase := map[string]string{"CORE_PEER_TLS_ENABLED": "true", "CORE_PEER_TLS_ROOTCERT_FILE": cert}
	for name, c := range map[string]struct {
		flag    string
		env     map[string]string
		without string
		address string
		tls     bool
		err     string
	}{
		"address from the environment": {address: "env:1"},
		"flag first":                   {flag: "flag:1", address: "flag:1"},
		"no address":                   {without: "CORE_PEER_ADDRESS", err: "peer.address not configured"},
		"no name":                      {without: "CORE_CHAINCODE_ID_NAME", err: "error chaincode id not provided"},
		"TLS off":                      {env: map[string]string{"CORE_PEER_TLS_ENABLED": "false"}, address: "env:1"},
		"TLS what":                     {env: map[string]string{"CORE_PEER_TLS_ENABLED": "maybe"}, err: "'CORE_PEER_TLS_ENABLED' must be set to 'true' or 'false'"},
		"1.4":                          {env: map[string]string{"CORE_TLS_CLIENT_KEY_PATH": keyB64, "CORE_TLS_CLIENT_CERT_PATH": certB64}, address: "env:1", tls: true},
		"2.x":                          {env: map[string]string{"CORE_TLS_CLIENT_KEY_FILE": keyFile, "CORE_TLS_CLIENT_CERT_FILE": cert, "CORE_TLS_CLIENT_KEY_PATH": "ignored"}, address: "env:1", tls: true},
		"no key":                       {env: map[string]string{"CORE_TLS_CLIENT_CERT_FILE": cert}, tls: true, err: "failed to read client key file"},
		"not base64":                   {env: map[string]string{"CORE_TLS_CLIENT_KEY_PATH": keyFile, "CORE_TLS_CLIENT_CERT_FILE": cert}, tls: true, err: "from base64"},
		"not a pair":                   {env: map[string]string{"CORE_TLS_CLIENT_KEY_FILE": cert, "CORE_TLS_CLIENT_CERT_FILE": cert}, tls: true, err: "failed to parse client key pair"},
		"no root":                      {env: map[string]string{"CORE_TLS_CLIENT_KEY_FILE": keyFile, "CORE_TLS_CLIENT_CERT_FILE": cert, "CORE_PEER_TLS_ROOTCERT_FILE": ""}, tls: true, err: "failed to read root cert file"},
		"root is no certificate":       {env: map[string]string{"CORE_TLS_CLIENT_KEY_FILE": keyFile, "CORE_TLS_CLIENT_CERT_FILE": cert, "CORE_PEER_TLS_ROOTCERT_FILE": keyFile}, tls: true, err: "no certificate in root cert file"},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(key string) string {
				if key == c.without {
					return ""
				}
				if v, ok := c.env[key]; ok {
					return v
				}
				if v, ok := tlsBase[key]; ok && c.tls {
					return v
				}
				return base[key]
			}
			conf, err := loadConfig(c.flag, getenv)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.address, conf.address)
			require.Equal(t, "cc:1.0", conf.name)
			require.Equal(t, c.tls, conf.tls != nil)
		})
	}
}

func TestStartNeedsAName(t *testing.T) {
	t.Setenv("CORE_CHAINCODE_ID_NAME", "")
	require.ErrorContains(t, Start(invokeFunc(nil)), "error chaincode id not provided")
	t.Setenv("CORE_PEER_LOCALMSPID", "")
	_, err := GetMSPID()
	require.ErrorContains(t, err, "'CORE_PEER_LOCALMSPID' is not set")
	t.Setenv("CORE_PEER_LOCALMSPID", "Org1MSP")
	id, err := GetMSPID()
	require.NoError(t, err)
	require.Equal(t, "Org1MSP", id)
}
