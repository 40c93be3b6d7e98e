package shim

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// config is what a chaincode process is told by the peer that starts it.
type config struct {
	name    string // "name:version"
	address string // host:port of the peer
	tls     *tls.Config
}

// loadConfig takes the address from the flag, else from the environment. The variables are those of Fabric 1.4 and 2.x.
func loadConfig(flagAddress string, getenv func(string) string) (*config, error) {
	c := &config{name: getenv("CORE_CHAINCODE_ID_NAME"), address: flagAddress}
	if c.name == "" {
		return nil, errors.New("error chaincode id not provided: set CORE_CHAINCODE_ID_NAME to name:version")
	}
	if c.address == "" {
		c.address = getenv("CORE_PEER_ADDRESS")
	}
	if c.address == "" {
		return nil, errors.New("peer.address not configured, can't connect to peer: pass -peer.address or set CORE_PEER_ADDRESS")
	}
	enabled := getenv("CORE_PEER_TLS_ENABLED")
	if enabled == "" {
		return c, nil
	}
	on, err := strconv.ParseBool(enabled)
	if err != nil {
		return nil, fmt.Errorf("'CORE_PEER_TLS_ENABLED' must be set to 'true' or 'false', not %q", enabled)
	}
	if !on {
		return c, nil
	}
	c.tls, err = loadTLS(getenv)
	return c, err
}

// loadTLS reads the client's key pair, and the certificates of the CAs it trusts the peer's certificate from.
func loadTLS(getenv func(string) string) (*tls.Config, error) {
	key, err := readKeyMaterial("key", getenv("CORE_TLS_CLIENT_KEY_FILE"), getenv("CORE_TLS_CLIENT_KEY_PATH"))
	if err != nil {
		return nil, err
	}
	cert, err := readKeyMaterial("certificate", getenv("CORE_TLS_CLIENT_CERT_FILE"), getenv("CORE_TLS_CLIENT_CERT_PATH"))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("failed to parse client key pair: %w", err)
	}
	rootFile := getenv("CORE_PEER_TLS_ROOTCERT_FILE")
	pem, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, fmt.Errorf("failed to read root cert file (CORE_PEER_TLS_ROOTCERT_FILE): %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in root cert file %s", rootFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: roots}, nil
}

// readKeyMaterial reads PEM from file (the 2.x variables …_FILE) or, if that is not set, base64 of PEM from encodedFile (…_PATH, all versions).
func readKeyMaterial(what, file, encodedFile string) ([]byte, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("failed to read client %s file: %w", what, err)
		}
		return b, nil
	}
	b, err := os.ReadFile(encodedFile)
	if err != nil {
		return nil, fmt.Errorf("failed to read client %s file: %w", what, err)
	}
	decoded, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		return nil, fmt.Errorf("failed to decode client %s file %s from base64: %w", what, encodedFile, err)
	}
	return decoded, nil
}
