//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/localnet"
)

// reconfigure starts a node anew with its configuration changed.
func (n *network) reconfigure(node localnet.Node, file, old, new string) {
	n.t.Helper()
	path := filepath.Join(n.Dir, "nodes", node.Name, file)
	b, err := os.ReadFile(path)
	require.NoError(n.t, err)
	require.Contains(n.t, string(b), old)
	require.NoError(n.t, os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600))
	require.NoError(n.t, n.StopNode(node))
	require.NoError(n.t, n.StartNode(n.t.Context(), node))
}

// operator asks a node's operations endpoint.
type operator struct {
	t      *testing.T
	client *http.Client
	base   string
}

// operator trusts the CA in the file and shows the TLS certificate in dir, if that is not empty.
func (n *network) operator(node localnet.Node, ca, dir string) *operator {
	n.t.Helper()
	pem, err := os.ReadFile(ca)
	require.NoError(n.t, err)
	conf := &tls.Config{RootCAs: x509.NewCertPool()}
	require.True(n.t, conf.RootCAs.AppendCertsFromPEM(pem))
	if dir != "" {
		base := filepath.Join(n.Dir, dir, "tls", "client")
		pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
		require.NoError(n.t, err)
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil } // whether it is known or not
	}
	transport := &http.Transport{TLSClientConfig: conf}
	n.t.Cleanup(transport.CloseIdleConnections)
	return &operator{n.t, &http.Client{Transport: transport, Timeout: 30 * time.Second}, "https://" + node.OperationsAddress()}
}

func (o *operator) ask(method, path, body string) (code int, answer string, err error) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.base+path, strings.NewReader(body))
	require.NoError(o.t, err)
	response, err := o.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(b)), err
}

func (o *operator) get(path string) (int, string) {
	o.t.Helper()
	code, answer, err := o.ask(http.MethodGet, path, "")
	require.NoError(o.t, err)
	return code, answer
}

// TestOperationsOverTLS: health and version are for all who trust the node, metrics and log levels for those it knows; with client authentication
// required nobody else gets in.
func TestOperationsOverTLS(t *testing.T) {
	n := start(t, localnet.Options{})
	org, other := n.Orgs[0], n.Orgs[1]
	n.install("counter", "1.0", "counter")
	n.instantiate("counter", "1.0", both, "init")
	knownCA, err := filepath.Abs(n.PeerCA(org))
	require.NoError(t, err)
	dirs := map[string]string{"core.yaml": filepath.Join(n.Dir, org.PeerDir(), "tls"), "orderer.yaml": filepath.Join(n.Dir, n.OrdererDir(), "tls")}
	const coreTLS = "  tls: {enabled: true, cert: {file: DIR/server.crt}, key: {file: DIR/server.key}, clientRootCAs: {files: [KNOWN]}, clientAuthRequired: false}"
	const ordererTLS = "  TLS: {Enabled: true, Certificate: DIR/server.crt, PrivateKey: DIR/server.key, ClientRootCAs: [KNOWN], ClientAuthRequired: false}"
	fill := func(file, text string) string {
		return strings.NewReplacer("DIR", dirs[file], "KNOWN", knownCA).Replace(text)
	}
	n.reconfigure(org.Peer, "core.yaml", "\nmetrics:", "\n"+fill("core.yaml", coreTLS)+"\nmetrics:")
	n.reconfigure(n.Orderer, "orderer.yaml", "\nMetrics:", "\n"+fill("orderer.yaml", ordererTLS)+"\nMetrics:")
	n.connect()
	n.invoke("counter", "add", "c", "1")

	for node, expected := range map[localnet.Node]struct {
		ca      string
		metrics []string
	}{
		org.Peer: {n.PeerCA(org), []string{
			`chaincode_launch_duration_count{chaincode="counter:1.0",success="true"} 1`,
			`chaincode_shim_requests_completed{chaincode="counter:1.0",channel="` + n.Channel + `",success="true",type="GET_STATE"}`,
			`endorser_proposal_duration_bucket{chaincode="counter",channel="` + n.Channel + `",success="true",le="0.005"}`,
			`ledger_block_processing_time_bucket{channel="` + n.Channel + `",le="0.015"}`,
			`ledger_blockchain_height{channel="` + n.Channel + `"}`,
			`ledger_transaction_count{chaincode="counter:1.0",channel="` + n.Channel + `",transaction_type="ENDORSER_TRANSACTION",validation_code="VALID"}`,
			`deliver_blocks_sent{channel="` + n.Channel + `",filtered="true"}`,
			`grpc_server_unary_requests_completed{code="OK",method="ProcessProposal",service="protos_Endorser"}`,
			`heddle_certificate_remaining_seconds{role="operations TLS"}`,
		}},
		n.Orderer: {n.OrdererCA(), []string{
			`blockcutter_block_fill_duration_count{channel="` + n.Channel + `"} `,
			`broadcast_processed_count{channel="` + n.Channel + `",status="SUCCESS",type="ENDORSER_TRANSACTION"} 1`,
			`consensus_etcdraft_is_leader{channel="` + n.Channel + `"} 1`,
			`ledger_blockstorage_commit_time_count{channel="` + n.Channel + `"}`,
			`grpc_server_stream_messages_received{method="Broadcast",service="orderer_AtomicBroadcast"}`,
		}},
	} {
		anybody, known := n.operator(node, expected.ca, ""), n.operator(node, expected.ca, n.User(org).UserDir())
		code, body := anybody.get("/healthz")
		require.Equal(t, http.StatusOK, code, body)
		var health struct {
			Status string
			Time   time.Time
		}
		require.NoError(t, json.Unmarshal([]byte(body), &health))
		require.Equal(t, "OK", health.Status)
		require.WithinDuration(t, time.Now(), health.Time, time.Minute)
		code, body = anybody.get("/version")
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, `"Version":"1.4.12"`)
		for _, path := range []string{"/metrics", "/logspec"} {
			code, body = anybody.get(path)
			require.Equal(t, http.StatusUnauthorized, code, path)
			require.Empty(t, body)
		}
		_, _, err := n.operator(node, expected.ca, n.User(other).UserDir()).ask(http.MethodGet, "/healthz", "")
		require.ErrorContains(t, err, "tls: unknown certificate authority", "a certificate that is shown must be known")

		_, body = known.get("/metrics")
		for _, metric := range expected.metrics {
			require.Contains(t, body, "\n"+metric, node.Name)
		}
		code, body, err = known.ask(http.MethodPut, "/logspec", `{"spec":"warn:endorser=debug"}`)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, code, body)
		_, body = known.get("/logspec")
		require.JSONEq(t, `{"spec":"endorser=debug:warn"}`, body)
		code, body, err = known.ask(http.MethodPut, "/logspec", `{"spec":"loud"}`)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, code)
		require.Contains(t, body, "invalid logging specification 'loud'")
	}

	n.reconfigure(org.Peer, "core.yaml", "clientAuthRequired: false}", "clientAuthRequired: true}")
	_, _, err = n.operator(org.Peer, n.PeerCA(org), "").ask(http.MethodGet, "/healthz", "")
	require.ErrorContains(t, err, "tls: certificate required")
	code, body := n.operator(org.Peer, n.PeerCA(org), n.User(org).UserDir()).get("/healthz")
	require.Equal(t, http.StatusOK, code, body)
}
