package localnet_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/cli"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/localnet"
)

// TestMain lets the test's own executable be the one that networks are made of.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"cryptogen", "configtxgen", "orderer", "peer", confine.Verb}, os.Args[1]) {
		os.Exit(run())
	}
	goleak.VerifyTestMain(m)
}

func run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	return cli.Run(ctx, os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ()})
}

func open(t *testing.T, o localnet.Options) *localnet.Network {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	n, err := localnet.Open(t.Context(), o)
	require.NoError(t, err)
	return n
}

// TestFiles: what Open writes are configurations without a mistake and without a key that means nothing.
func TestFiles(t *testing.T) {
	for name, o := range map[string]localnet.Options{
		"raft":  {FreePorts: true},
		"plain": {FreePorts: true, NoTLS: true},
		"solo":  {FreePorts: true, Consensus: "solo", MutualTLS: true, DevMode: true, DockerEndpoint: "unix:///engine.sock", Channel: "other", BatchTimeout: time.Second, MaxMessageCount: 7},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, o)
			env := []string{"FABRIC_CFG_PATH=" + filepath.Join(n.Dir, "nodes", n.Orderer.Name)}
			orderer, notices, err := config.LoadOrderer(env)
			require.NoError(t, err)
			require.NoError(t, orderer.Validate())
			require.Empty(t, notices)
			require.EqualValues(t, n.Orderer.Port, orderer.General.ListenPort)
			require.Equal(t, o.MutualTLS, orderer.General.TLS.ClientAuthRequired)
			require.Equal(t, !o.NoTLS, orderer.General.TLS.Enabled)
			require.FileExists(t, orderer.General.GenesisFile)
			for _, org := range n.Orgs {
				core, notices, err := config.LoadCore([]string{"FABRIC_CFG_PATH=" + filepath.Join(n.Dir, "nodes", org.Peer.Name)})
				require.NoError(t, err)
				require.NoError(t, core.Validate(config.HandlerNames{}))
				require.Empty(t, notices)
				require.Equal(t, org.Peer.Address(), core.Peer.ListenAddress)
				require.Equal(t, org.MSPID, core.Peer.LocalMSPID)
				require.Equal(t, o.DevMode, core.Chaincode.DevMode())
				require.Equal(t, o.DockerEndpoint, core.VM.Endpoint)
				require.Equal(t, o.DockerEndpoint == "", core.Chaincode.Runtime == "process")
				require.Equal(t, o.MutualTLS, core.Peer.TLS.ClientAuthRequired)
				require.Equal(t, !o.NoTLS, core.Peer.TLS.Enabled)
			}
		})
	}
}

// TestPorts: no two nodes share one, and none is taken that somebody has.
func TestPorts(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true})
	var ports []int
	for _, node := range []localnet.Node{n.Orderer, n.Orgs[0].Peer, n.Orgs[1].Peer} {
		ports = append(ports, node.Port, node.OperationsPort)
		if node.ChaincodePort != 0 {
			ports = append(ports, node.ChaincodePort)
		}
	}
	require.Len(t, ports, 8)
	slices.Sort(ports)
	require.Len(t, slices.Compact(ports), 8)
}

// TestEnvFile sources the file of an identity, in a directory whose name the shell would take apart.
func TestEnvFile(t *testing.T) {
	n := open(t, localnet.Options{Dir: filepath.Join(t.TempDir(), "it's $HOME"), FreePorts: true})
	who := n.Admin(n.Orgs[1])
	require.Equal(t, filepath.Join(n.Dir, "env", "org2-admin.sh"), n.EnvFile(who))
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `. "$1"; env`, "sh", n.EnvFile(who)).Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	for _, v := range n.Env(who) {
		require.Contains(t, lines, v)
	}
	core, _, err := config.LoadCore(n.Env(who))
	require.NoError(t, err)
	require.Equal(t, "Org2MSP", core.Peer.LocalMSPID)
	require.DirExists(t, core.Peer.MSPConfigPath)
	require.Equal(t, n.PeerCA(n.Orgs[1]), core.Peer.TLS.RootCert.File)
	require.FileExists(t, n.OrdererCA())
}

// TestProfile reads what client libraries read, in both forms.
func TestProfile(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true, MutualTLS: true})
	type node struct {
		URL         string
		GRPCOptions map[string]string `json:"grpcOptions" yaml:"grpcOptions"`
		TLSCACerts  struct {
			PEM    string
			Client struct{ KeyFile, CertFile string }
		} `json:"tlsCACerts" yaml:"tlsCACerts"`
	}
	type profile struct {
		Client   struct{ Organization string }
		Channels map[string]struct {
			Orderers []string
			Peers    map[string]map[string]bool
		}
		Organizations map[string]struct {
			MSPID      string
			Peers      []string
			SignedCert *struct{ Path string } `json:"signedCert" yaml:"signedCert"`
		}
		Orderers, Peers map[string]node
	}
	for _, org := range n.Orgs {
		var p, same profile
		file := n.ProfileFile(org)
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &p))
		raw, err = os.ReadFile(strings.TrimSuffix(file, "json") + "yaml")
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(raw, &same))
		require.Equal(t, p, same)

		require.Equal(t, org.Name, p.Client.Organization)
		require.Equal(t, []string{n.Orderer.Name}, p.Channels["mychannel"].Orderers)
		require.Equal(t, "grpcs://"+n.Orderer.Address(), p.Orderers[n.Orderer.Name].URL)
		for _, other := range n.Orgs {
			require.Equal(t, other.MSPID, p.Organizations[other.Name].MSPID)
			require.Equal(t, []string{other.Peer.Name}, p.Organizations[other.Name].Peers)
			require.Equal(t, other == org, p.Organizations[other.Name].SignedCert != nil, "the administrator of the client's own organisation")
			require.True(t, p.Channels["mychannel"].Peers[other.Peer.Name]["endorsingPeer"])
			peer := p.Peers[other.Peer.Name]
			require.Equal(t, "grpcs://"+other.Peer.Address(), peer.URL)
			require.Equal(t, other.Peer.Name, peer.GRPCOptions["hostnameOverride"])
			ca, err := os.ReadFile(n.PeerCA(other))
			require.NoError(t, err)
			require.Equal(t, string(ca), peer.TLSCACerts.PEM)
			_, err = tls.LoadX509KeyPair(peer.TLSCACerts.Client.CertFile, peer.TLSCACerts.Client.KeyFile)
			require.NoError(t, err)
		}
	}
}

// TestWallet: every identity is there with its own key, for signing and for connections.
func TestWallet(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true})
	for _, i := range n.Identities() {
		for _, label := range []string{i.Name(), i.Name() + "-tls"} {
			file := filepath.Join(n.Wallet(), label+".id")
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var entry struct {
				Credentials struct{ Certificate, PrivateKey string }
				MSPID, Type string
			}
			require.NoError(t, json.Unmarshal(raw, &entry))
			require.Equal(t, []string{i.Org.MSPID, "X.509"}, []string{entry.MSPID, entry.Type})
			pair, err := tls.X509KeyPair([]byte(entry.Credentials.Certificate), []byte(entry.Credentials.PrivateKey))
			require.NoError(t, err)
			require.Contains(t, pair.Leaf.Subject.CommonName, i.User+"@"+i.Org.Domain)
		}
	}
}

// TestMoved: a directory that was moved names its new place.
func TestMoved(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true})
	place := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.Rename(n.Dir, place))
	moved := open(t, localnet.Options{Dir: place})
	for _, file := range []string{moved.ProfileFile(moved.Orgs[0]), moved.EnvFile(moved.Admin(moved.Orgs[0]))} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), place)
		require.NotContains(t, string(text), n.Dir)
	}
}

// TestOpenAgain: a directory that holds a network is that network, whatever the options say; one whose making was cut short is made anew.
func TestOpenAgain(t *testing.T) {
	dir := t.TempDir()
	first := open(t, localnet.Options{Dir: dir, FreePorts: true})
	again := open(t, localnet.Options{Dir: dir, Channel: "other", Consensus: "solo"})
	require.Equal(t, first.Plan, again.Plan)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "network.json"), []byte("{"), 0o600))
	_, err := localnet.Open(t.Context(), localnet.Options{Dir: dir})
	require.ErrorContains(t, err, "does not hold a network")
	require.ErrorContains(t, err, "remove the directory to start anew")

	require.NoError(t, os.Remove(filepath.Join(dir, "network.json"))) // it is written last
	anew := open(t, localnet.Options{Dir: dir, FreePorts: true, Channel: "other"})
	require.Equal(t, "other", anew.Channel)
}

// TestLife starts a network from a shell that has become somebody, which must not change what the nodes are; makes its channel; stops it; and
// goes on where it stopped.
func TestLife(t *testing.T) {
	dir := t.TempDir()
	for _, v := range open(t, localnet.Options{Dir: t.TempDir(), FreePorts: true}).Env(localnet.Identity{Org: localnet.Org{MSPID: "NoSuchMSP"}, User: "nobody"}) {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	t.Setenv("CORE_PEER_ID", "renamed") // anything else is passed on
	for range 2 {
		n := open(t, localnet.Options{Dir: dir, FreePorts: true})
		require.NoError(t, n.Start(t.Context()))
		require.NoError(t, n.CreateChannel(t.Context()))
		require.FileExists(t, n.ChannelBlock())
		out, err := n.Peer(t.Context(), n.User(n.Orgs[0]), "channel", "getinfo", "-c", "mychannel")
		require.NoError(t, err)
		require.Contains(t, out.Stdout, `"height":1`)
		_, err = n.Peer(t.Context(), n.User(n.Orgs[0]), "channel", "getinfo", "-c", "nochannel")
		require.ErrorContains(t, err, "peer channel getinfo -c nochannel: exit status 1")
		require.NoError(t, n.Stop())
		require.NoError(t, n.Stop(), "again")
		log, err := os.ReadFile(n.LogFile(n.Orgs[0].Peer))
		require.NoError(t, err)
		require.Contains(t, string(log), "ID=[renamed]")
		_, err = net.Dial("tcp", n.Orderer.Address())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
}

// TestPlain: without TLS the nodes find each other too, and the orderer itself among the channel's consenters; the channel can be changed.
func TestPlain(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true, NoTLS: true})
	require.NoError(t, n.Start(t.Context()))
	defer func() { require.NoError(t, n.Stop()) }()
	require.NoError(t, n.CreateChannel(t.Context()))
	require.NoError(t, n.SetMaxMessageCount(t.Context(), 1))
	require.Eventually(t, func() bool {
		out, err := n.Peer(t.Context(), n.User(n.Orgs[1]), "channel", "getinfo", "-c", "mychannel")
		return err == nil && strings.Contains(out.Stdout, `"height":2`)
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, []string{"-o", n.Orderer.Address()}, n.OrdererFlags())
	require.Equal(t, []string{"--peerAddresses", n.Orgs[0].Peer.Address()}, n.PeerFlags(n.Orgs[0]))
	profile, err := os.ReadFile(n.ProfileFile(n.Orgs[0]))
	require.NoError(t, err)
	require.Contains(t, string(profile), `"grpc://`)
	require.NotContains(t, string(profile), "tlsCACerts")
}

// TestNodeThatEnds: the error names the node and quotes its log.
func TestNodeThatEnds(t *testing.T) {
	n := open(t, localnet.Options{FreePorts: true})
	taken, err := net.Listen("tcp", n.Orgs[0].Peer.ChaincodeAddress())
	require.NoError(t, err)
	defer taken.Close()
	err = n.Start(t.Context())
	require.ErrorContains(t, err, "peer0.org1.example.com ended before it listened (exit status 1)")
	require.ErrorContains(t, err, "peer.chaincodeListenAddress")

	n = open(t, localnet.Options{FreePorts: true})
	require.NoError(t, n.StartNode(t.Context(), n.Orderer))
	defer func() { require.NoError(t, n.Stop()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n.KillNode(n.Orderer)
	require.ErrorContains(t, n.Wait(ctx), "orderer.example.com ended by itself (signal: killed)")
}

// TestDebugNeedsDelve and a network whose peers start the chaincode.
func TestDebugNeedsDelve(t *testing.T) {
	dev := open(t, localnet.Options{FreePorts: true, DevMode: true})
	_, err := localnet.Open(t.Context(), localnet.Options{Dir: dev.Dir, Debug: "asset"})
	require.EqualError(t, err, "in a network in development mode you start the chaincode by hand: start it in the debugger")

	path := t.TempDir()
	t.Setenv("PATH", path)
	n := open(t, localnet.Options{FreePorts: true})
	_, err = localnet.Open(t.Context(), localnet.Options{Dir: n.Dir, Debug: "asset"})
	require.EqualError(t, err, "debugging chaincode asset needs Delve, but there is no dlv on the PATH; install it with: go install github.com/go-delve/delve/cmd/dlv@latest")
	require.Empty(t, n.DebugAddress(n.Orgs[0].Peer))

	require.NoError(t, os.WriteFile(filepath.Join(path, "dlv"), []byte("#!/bin/sh\n"), 0o755))
	n = open(t, localnet.Options{Dir: n.Dir, Debug: "asset"})
	require.NotEmpty(t, n.DebugAddress(n.Orgs[0].Peer))
	require.NotEqual(t, n.DebugAddress(n.Orgs[0].Peer), n.DebugAddress(n.Orgs[1].Peer))
}
