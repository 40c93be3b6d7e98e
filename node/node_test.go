package node_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/cli"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/node"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// TestMain lets the test's own executable make the files of networks, and be the peer command that talks to their nodes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"cryptogen", "configtxgen", "peer"}, os.Args[1]) {
		os.Exit(cli.Run(context.Background(), os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ()}))
	}
	goleak.VerifyTestMain(m)
}

// files makes the files of a network whose nodes the test runs itself.
func files(t *testing.T, o localnet.Options) *localnet.Network {
	t.Helper()
	o.Dir, o.FreePorts = t.TempDir(), true
	n, err := localnet.Open(t.Context(), o)
	require.NoError(t, err)
	return n
}

// coreOf is the configuration of a peer, with more environment.
func coreOf(t *testing.T, n *localnet.Network, org localnet.Org, env ...string) *config.Core {
	t.Helper()
	c, _, err := config.LoadCore(append(env, "FABRIC_CFG_PATH="+filepath.Join(n.Dir, "nodes", org.Peer.Name)))
	require.NoError(t, err)
	c.Peer.FileSystemPath = filepath.Join(n.Dir, "nodes", org.Peer.Name, "data")
	return c
}

func ordererOf(t *testing.T, n *localnet.Network, env ...string) *config.Orderer {
	t.Helper()
	c, _, err := config.LoadOrderer(append(env, "FABRIC_CFG_PATH="+filepath.Join(n.Dir, "nodes", n.Orderer.Name)))
	require.NoError(t, err)
	c.FileLedger.Location = filepath.Join(n.Dir, "nodes", n.Orderer.Name, "data")
	c.Consensus.WALDir = filepath.Join(c.FileLedger.Location, "etcdraft", "wal")
	return c
}

// logBook is a log that can be read while it is written.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logsTo(t *testing.T, w io.Writer) *logging.Logs {
	t.Helper()
	logs, err := logging.New(w, "", "info")
	require.NoError(t, err)
	return logs
}

// running is a node in this process.
type running struct {
	t     *testing.T
	log   *logBook
	stop  context.CancelFunc
	ended chan error
}

// start runs a node until stop, or the test's end, and waits until it listens at address.
func start(t *testing.T, address string, run func(context.Context, *logging.Logs) error) *running {
	t.Helper()
	r := &running{t: t, log: &logBook{}, ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = sync.OnceFunc(func() {
		stop()
		select {
		case err := <-r.ended:
			require.NoError(t, err)
		case <-time.After(30 * time.Second):
			t.Fatal("the node does not stop")
		}
	})
	logs := logsTo(t, r.log)
	go func() { r.ended <- run(ctx, logs) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.log.String())
		}
		r.stop()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return len(r.ended) > 0
		}
		return c.Close() == nil
	}, 30*time.Second, 5*time.Millisecond)
	return r
}

func startOrderer(t *testing.T, n *localnet.Network, c *config.Orderer) *running {
	t.Helper()
	return start(t, n.Orderer.Address(), func(ctx context.Context, logs *logging.Logs) error { return node.RunOrderer(ctx, c, logs) })
}

func startPeer(t *testing.T, org localnet.Org, c *config.Core) *running {
	t.Helper()
	return start(t, org.Peer.Address(), func(ctx context.Context, logs *logging.Logs) error {
		return node.RunPeer(ctx, c, logs, plugin.Registry{})
	})
}

// connection trusts the CA of org's peer and shows a TLS certificate, if one is named.
func connection(t *testing.T, n *localnet.Network, org localnet.Org, cert, key string) comm.ClientOptions {
	t.Helper()
	roots, err := comm.LoadRoots(n.PeerCA(org))
	require.NoError(t, err)
	o := comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		require.NoError(t, err)
		o.TLS.Certificate = &pair
	}
	return o
}

func user(t *testing.T, n *localnet.Network, org localnet.Org) *client.Client {
	t.Helper()
	signer, err := msp.LoadSigner(filepath.Join(n.Dir, n.User(org).UserDir(), "msp"), org.MSPID)
	require.NoError(t, err)
	return client.New(signer)
}

// get asks an operations address, which speaks plain HTTP.
func get(t *testing.T, address, path string) (int, string) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("http://" + address + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

// startAll runs all nodes of the network.
func startAll(t *testing.T, n *localnet.Network) (orderer *running, peers []*running) {
	t.Helper()
	orderer = startOrderer(t, n, ordererOf(t, n))
	for _, org := range n.Orgs {
		peers = append(peers, startPeer(t, org, coreOf(t, n, org)))
	}
	return orderer, peers
}

// TestPeerAndOrderer runs a network, makes a channel, stops the nodes, and finds everything again; each time they say how they are.
func TestPeerAndOrderer(t *testing.T) {
	n := files(t, localnet.Options{})
	org := n.Orgs[0]
	for range 2 {
		orderer, peers := startAll(t, n)
		require.NoError(t, n.CreateChannel(t.Context()))
		for _, at := range []string{org.Peer.OperationsAddress(), n.Orderer.OperationsAddress()} {
			code, body := get(t, at, "/healthz")
			require.Equal(t, http.StatusOK, code, body)
			_, body = get(t, at, "/metrics")
			require.Contains(t, body, fmt.Sprintf("ledger_blockchain_height{channel=%q} 1\n", n.Channel))
			require.Contains(t, body, `fabric_version{version="1.4.12"} 1`)
			require.Contains(t, body, "grpc_comm_conn_opened ")
			require.Contains(t, body, "grpc_server_")
			require.Regexp(t, `logging_entries_written\{level="info"\} [1-9]`, body)
			_, body = get(t, at, "/version")
			require.Contains(t, body, `"Version":"1.4.12"`)
		}
		require.Contains(t, peers[0].log.String(), "The enrollment certificate will expire")
		require.Contains(t, orderer.log.String(), "The server TLS certificate will expire")

		// A stream that waits for a block must not keep a node from stopping.
		p, err := client.ConnectPeer(t.Context(), org.Peer.Address(), connection(t, n, org, "", ""))
		require.NoError(t, err)
		waiting := make(chan error, 1)
		go func() {
			waiting <- user(t, n, org).Blocks(t.Context(), p, n.Channel, client.Number(1), client.Forever(), func(*commonpb.Block) error { return nil })
		}()
		require.Eventually(t, func() bool {
			_, body := get(t, org.Peer.OperationsAddress(), "/metrics")
			return strings.Contains(body, "\ndeliver_requests_received{")
		}, 10*time.Second, 10*time.Millisecond)
		peers[0].stop()
		require.Error(t, <-waiting)
		require.NoError(t, p.Close())
		peers[1].stop()
		orderer.stop()
	}
}

// TestHealthOfChannels: a ledger that cannot be opened keeps neither the peer from starting nor its state a secret.
func TestHealthOfChannels(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true})
	org := n.Orgs[0]
	core := coreOf(t, n, org)
	broken := filepath.Join(core.Peer.FileSystemPath, "ledgersData", "broken")
	require.NoError(t, os.MkdirAll(broken, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "blocks"), nil, 0o600))
	startPeer(t, org, core)
	code, body := get(t, org.Peer.OperationsAddress(), "/healthz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, `"component":"channels"`)
	require.Contains(t, body, "channel [broken] cannot be opened")
}

// TestHealthWithoutToolchains: what a language needs is told in the log, and is no matter of the peer's health.
func TestHealthWithoutToolchains(t *testing.T) {
	n := files(t, localnet.Options{})
	org := n.Orgs[0]
	t.Setenv("PATH", "/nowhere")
	p := startPeer(t, org, coreOf(t, n, org))
	code, body := get(t, org.Peer.OperationsAddress(), "/healthz")
	require.Equal(t, http.StatusOK, code, body)
	for _, program := range []string{"the go command", "the program node", "the program java"} {
		require.Eventually(t, func() bool { return strings.Contains(p.log.String(), program+", which is not on PATH") }, 10*time.Second, 10*time.Millisecond)
	}
}

// TestHealthOfBlocks: a last block that is damaged while the node runs shows.
func TestHealthOfBlocks(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true})
	org := n.Orgs[0]
	startAll(t, n)
	require.NoError(t, n.CreateChannel(t.Context()))
	for at, blocks := range map[string]string{
		org.Peer.OperationsAddress():  filepath.Join(n.Dir, "nodes", org.Peer.Name, "data", "ledgersData", n.Channel, "blocks", "*"),
		n.Orderer.OperationsAddress(): filepath.Join(n.Dir, "nodes", n.Orderer.Name, "data", "chains", n.Channel, "*"),
	} {
		code, body := get(t, at, "/healthz")
		require.Equal(t, http.StatusOK, code, body)
		segments, err := filepath.Glob(blocks)
		require.NoError(t, err)
		for _, s := range segments {
			b, err := os.ReadFile(s)
			require.NoError(t, err)
			if len(b) > 0 {
				b[len(b)-100] ^= 1
				require.NoError(t, os.WriteFile(s, b, 0o600))
			}
		}
		code, body = get(t, at, "/healthz")
		require.Equal(t, http.StatusServiceUnavailable, code, body)
		require.Contains(t, body, `"component":"blockstore","reason":"channel [`+n.Channel+`]: reading block [0]`)
	}
}

// TestMutualTLS: a peer lets in whom its own configuration names and, once it has joined a channel, the organisations that have peers there;
// never those that only order.
func TestMutualTLS(t *testing.T) {
	n := files(t, localnet.Options{MutualTLS: true, Consensus: "solo"})
	org := n.Orgs[0]
	startOrderer(t, n, ordererOf(t, n))
	for _, org := range n.Orgs {
		core := coreOf(t, n, org)
		core.Peer.TLS.ClientRootCAs.Files = []string{n.PeerCA(org)}
		startPeer(t, org, core)
	}
	// In TLS 1.3 a server's refusal comes with the first call at the latest.
	connect := func(dir, name string) error {
		base := filepath.Join(n.Dir, dir, "tls", name)
		p, err := client.ConnectPeer(t.Context(), org.Peer.Address(), connection(t, n, org, base+".crt", base+".key"))
		if err != nil {
			return err
		}
		_, err = user(t, n, org).Channels(t.Context(), p)
		return errors.Join(err, p.Close())
	}
	org1, org2 := n.User(org).UserDir(), n.User(n.Orgs[1]).UserDir()
	require.NoError(t, connect(org1, "client"))
	require.Error(t, connect(org2, "client"))
	require.Error(t, connect(n.OrdererDir(), "server"))
	require.NoError(t, n.CreateChannel(t.Context()))
	require.NoError(t, connect(org1, "client"))
	require.NoError(t, connect(org2, "client"))
	require.Error(t, connect(n.OrdererDir(), "server"))
}

// fails wants a node that does not start, with an error that says all of want, and nothing left behind.
func fails(t *testing.T, run func(context.Context, *logging.Logs) error, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := run(ctx, logsTo(t, io.Discard))
	require.NoError(t, ctx.Err(), "it started")
	for _, text := range want {
		require.ErrorContains(t, err, text)
	}
}

// TestPeerThatCannotStart says what is missing, where, and under which key.
func TestPeerThatCannotStart(t *testing.T) {
	n := files(t, localnet.Options{})
	org := n.Orgs[0]
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	in := taken.Addr().String()
	garbage := filepath.Join(n.Dir, "garbage.pem")
	require.NoError(t, os.WriteFile(garbage, []byte("no certificate"), 0o600))
	for name, c := range map[string]struct {
		change func(*config.Core)
		want   []string
	}{
		"no MSP":             {func(c *config.Core) { c.Peer.MSPConfigPath = n.Dir }, []string{"Cannot run peer because", n.Dir, "signcerts"}},
		"no TLS certificate": {func(c *config.Core) { c.Peer.TLS.Cert.File = "/nowhere.crt" }, []string{"loading the TLS certificate /nowhere.crt"}},
		"a key of another":   {func(c *config.Core) { c.Peer.TLS.Key.File = garbage }, []string{garbage}},
		"no client roots": {func(c *config.Core) {
			c.Peer.TLS.ClientAuthRequired, c.Peer.TLS.ClientRootCAs.Files = true, []string{garbage}
		}, []string{"peer.tls", garbage}},
		"a client key":        {func(c *config.Core) { c.Peer.TLS.ClientCert.File, c.Peer.TLS.ClientKey.File = garbage, garbage }, []string{garbage}},
		"port taken":          {func(c *config.Core) { c.Peer.ListenAddress = in }, []string{"listening for clients", in, "peer.listenAddress", "address already in use"}},
		"chaincode port":      {func(c *config.Core) { c.Peer.ChaincodeListenAddress = in }, []string{"listening for chaincode", in, "peer.chaincodeListenAddress"}},
		"operations port":     {func(c *config.Core) { c.Operations.ListenAddress = in }, []string{"operations", in, "address already in use"}},
		"operations without":  {func(c *config.Core) { c.Operations.TLS.Enabled, c.Operations.TLS.Cert.File = true, "/nowhere.crt" }, []string{"/nowhere.crt"}},
		"a file for a folder": {func(c *config.Core) { c.Peer.FileSystemPath = garbage }, []string{garbage, "not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			core := coreOf(t, n, org)
			c.change(core)
			fails(t, func(ctx context.Context, logs *logging.Logs) error {
				return node.RunPeer(ctx, core, logs, plugin.Registry{})
			}, c.want...)
		})
	}
}

// TestOrdererThatCannotStart is the same for the orderer.
func TestOrdererThatCannotStart(t *testing.T) {
	n := files(t, localnet.Options{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	garbage := filepath.Join(n.Dir, "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("neither a certificate nor a block"), 0o600))
	for name, c := range map[string]struct {
		change func(*config.Orderer)
		want   []string
	}{
		"no MSP":     {func(c *config.Orderer) { c.General.LocalMSPDir = n.Dir }, []string{"General.LocalMSPDir", n.Dir}},
		"no genesis": {func(c *config.Orderer) { c.General.GenesisFile = "/nowhere.block" }, []string{"General.GenesisFile", "/nowhere.block"}},
		"no block":   {func(c *config.Orderer) { c.General.GenesisFile = garbage }, []string{garbage, "does not hold a block"}},
		"no TLS":     {func(c *config.Orderer) { c.General.TLS.PrivateKey = garbage }, []string{garbage}},
		"no client roots": {func(c *config.Orderer) {
			c.General.TLS.ClientAuthRequired, c.General.TLS.ClientRootCAs = true, []string{garbage}
		}, []string{"General.TLS.ClientRootCAs", garbage}},
		"no cluster identity": {func(c *config.Orderer) { c.General.Cluster.ServerCertificate = "/nowhere.crt" }, []string{"General.Cluster.ServerCertificate", "/nowhere.crt"}},
		"port taken":          {func(c *config.Orderer) { c.General.ListenPort = uint16(port) }, []string{"listening for clients", "General.ListenAddress", "address already in use"}},
		"operations port":     {func(c *config.Orderer) { c.Operations.ListenAddress = taken.Addr().String() }, []string{"operations", "address already in use"}},
		"a file for a folder": {func(c *config.Orderer) { c.FileLedger.Location = garbage }, []string{garbage, "not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := ordererOf(t, n)
			c.change(conf)
			fails(t, func(ctx context.Context, logs *logging.Logs) error { return node.RunOrderer(ctx, conf, logs) }, c.want...)
		})
	}
}

// TestAdminListener: administrators may have a listener of their own, which speaks the peer's TLS; the peer's own does not know them then.
func TestAdminListener(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true})
	org := n.Orgs[0]
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	own := free.Addr().String()
	require.NoError(t, free.Close())
	signer, err := msp.LoadSigner(filepath.Join(n.Dir, n.Admin(org).UserDir(), "msp"), org.MSPID)
	require.NoError(t, err)
	status := func(address string) error {
		p, err := client.ConnectPeer(t.Context(), address, connection(t, n, org, "", ""))
		require.NoError(t, err)
		_, err = client.New(signer).Status(t.Context(), p)
		return errors.Join(err, p.Close())
	}

	core := coreOf(t, n, org)
	core.Peer.AdminService.ListenAddress = own
	peer := startPeer(t, org, core)
	require.NoError(t, status(own))
	require.ErrorContains(t, status(org.Peer.Address()), "unknown service protos.Admin")
	peer.stop()

	_, port, err := net.SplitHostPort(org.Peer.Address())
	require.NoError(t, err)
	core.Peer.AdminService.ListenAddress = net.JoinHostPort("0.0.0.0", port)
	startPeer(t, org, core)
	require.NoError(t, status(org.Peer.Address()), "the same port is the same listener")
}

// TestProfiling: both nodes serve Go's profiles if they are told to.
func TestProfiling(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true})
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		return l.Addr().String()
	}
	core, conf := coreOf(t, n, n.Orgs[0]), ordererOf(t, n)
	core.Peer.Profile.Enabled, core.Peer.Profile.ListenAddress = true, free()
	conf.General.Profile.Enabled, conf.General.Profile.Address = true, free()
	startPeer(t, n.Orgs[0], core)
	startOrderer(t, n, conf)
	for _, at := range []string{core.Peer.Profile.ListenAddress, conf.General.Profile.Address} {
		code, body := get(t, at, "/debug/pprof/goroutine?debug=1")
		require.Equal(t, http.StatusOK, code)
		require.Contains(t, body, "goroutine profile: total")
	}
	core.Peer.Profile.ListenAddress = conf.General.Profile.Address
	core.Peer.FileSystemPath, core.Peer.ListenAddress, core.Peer.ChaincodeListenAddress, core.Operations.ListenAddress = t.TempDir(), free(), free(), ""
	fails(t, func(ctx context.Context, logs *logging.Logs) error {
		return node.RunPeer(ctx, core, logs, plugin.Registry{})
	}, "listening for profiling", "peer.profile.listenAddress")
}

// TestTemporaryLedger: an orderer without a place for its blocks makes one.
func TestTemporaryLedger(t *testing.T) {
	n := files(t, localnet.Options{})
	conf := ordererOf(t, n)
	conf.FileLedger.Location, conf.FileLedger.Prefix = "", "blocks-of-a-test"
	t.Setenv("TMPDIR", t.TempDir())
	orderer := startOrderer(t, n, conf)
	made, err := filepath.Glob(filepath.Join(os.TempDir(), "blocks-of-a-test*", "chains", "system-channel"))
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.Contains(t, orderer.log.String(), "blocks are kept in a temporary folder")
}

// TestStatsdProvider: both nodes send their metrics to where they are told.
func TestStatsdProvider(t *testing.T) {
	n := files(t, localnet.Options{DevMode: true})
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	core, conf := coreOf(t, n, n.Orgs[0]), ordererOf(t, n)
	to := config.Statsd{Network: "udp", Address: server.LocalAddr().String(), WriteInterval: 10 * time.Millisecond}
	core.Metrics.Provider, conf.Metrics.Provider = "statsd", "statsd"
	core.Metrics.Statsd, conf.Metrics.Statsd = to, to
	core.Metrics.Statsd.Prefix, conf.Metrics.Statsd.Prefix = "peer0", "orderer."
	startPeer(t, n.Orgs[0], core)
	startOrderer(t, n, conf)
	wanted := []string{"peer0.fabric_version.1_4_12:1|g\n", "orderer.ledger.blockchain_height.system-channel:1|g\n", "orderer.logging.entries_written.info:"}
	packet := make([]byte, 1<<16)
	require.NoError(t, server.SetReadDeadline(time.Now().Add(20*time.Second)))
	for len(wanted) > 0 {
		size, _, err := server.ReadFrom(packet)
		require.NoError(t, err, "not sent: %q", wanted)
		wanted = slices.DeleteFunc(wanted, func(line string) bool { return bytes.Contains(packet[:size], []byte(line)) })
	}
}
