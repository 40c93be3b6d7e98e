//go:build e2e

// Package e2e runs real networks: processes started from bin/heddle, chaincode built and run by the peers, clients over TLS.
// `make e2e` builds the binary first.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const both = "AND('Org1MSP.peer','Org2MSP.peer')"

// network is a running local network with one channel, and connections of Org1's administrator and user to all of it.
type network struct {
	*localnet.Network
	t           *testing.T
	gopath      string
	admin, user *client.Client
	peers       []*client.Peer
	orderer     *client.Orderer
}

// start runs a network that ends with the test, and connects to it.
func start(t *testing.T, o localnet.Options) *network {
	t.Helper()
	n := startBare(t, o)
	n.connect()
	return n
}

// startBare is start without connections, for networks that this package's own clients cannot enter. The given functions may change the
// network's files before it starts.
func startBare(t *testing.T, o localnet.Options, change ...func(*localnet.Network)) *network {
	t.Helper()
	made := kit.Run(t, o, change...)
	n := &network{Network: made, t: t, gopath: filepath.Join(made.Dir, "gopath")}
	samples, err := heddle.Samples()
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(n.gopath, samples))
	return n
}

func (n *network) signer(i localnet.Identity) *msp.Signer {
	n.t.Helper()
	return kit.Signer(n.t, n.Network, i.UserDir(), i.Org.MSPID)
}

// connect connects anew to every node. The connections end with the test.
func (n *network) connect() {
	n.t.Helper()
	n.admin, n.user = client.New(n.signer(n.Admin(n.Orgs[0]))), client.New(n.signer(n.User(n.Orgs[0])))
	n.peers = nil
	for _, org := range n.Orgs {
		p, err := client.ConnectPeer(n.t.Context(), org.Peer.Address(), n.tls(n.PeerCA(org)))
		require.NoError(n.t, err)
		n.t.Cleanup(func() { _ = p.Close() })
		n.peers = append(n.peers, p)
	}
	o, err := client.ConnectOrderer(n.t.Context(), n.Orderer.Address(), n.tls(n.OrdererCA()))
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = o.Close() })
	n.orderer = o
}

func (n *network) tls(ca string) comm.ClientOptions {
	n.t.Helper()
	return kit.TLS(n.t, ca)
}

// peer runs a peer command, which must succeed.
func (n *network) peer(i localnet.Identity, args ...string) localnet.Output {
	n.t.Helper()
	out, err := n.PeerWith(n.t.Context(), i, []string{"GOPATH=" + n.gopath, "GO111MODULE=off"}, args...)
	require.NoError(n.t, err)
	return out
}

// peerFails runs a peer command, which must fail, and returns what it wrote to standard error.
func (n *network) peerFails(i localnet.Identity, args ...string) string {
	n.t.Helper()
	out, err := n.PeerWith(n.t.Context(), i, []string{"GOPATH=" + n.gopath, "GO111MODULE=off"}, args...)
	require.Error(n.t, err)
	return out.Stderr
}

// install installs a sample chaincode on both peers.
func (n *network) install(name, version, sample string) {
	n.t.Helper()
	for _, org := range n.Orgs {
		n.peer(n.Admin(org), "chaincode", "install", "-n", name, "-v", version, "-p", "example.com/"+sample)
	}
}

// route sends transactions to the given endorsers and waits for both peers' commits.
func (n *network) route(endorsers ...*client.Peer) client.Route {
	return client.Route{Endorsers: endorsers, Orderer: n.orderer, Wait: n.peers}
}

// instantiate puts a chaincode on the channel.
func (n *network) instantiate(name, version, rule string, init ...string) {
	n.t.Helper()
	p, err := policy.Parse(rule)
	require.NoError(n.t, err)
	_, err = n.admin.Instantiate(n.t.Context(), n.route(n.peers[0]), client.Deployment{
		ChannelID: n.Channel, Name: name, Version: version, Type: peerpb.ChaincodeSpec_GOLANG,
		Init: client.Args(init...), Policy: wire.MustMarshal(p),
	})
	require.NoError(n.t, err)
}

func (n *network) request(name string, args ...string) client.Request {
	return client.Request{ChannelID: n.Channel, Chaincode: name, Args: client.Args(args...)}
}

// invoke runs a transaction that both peers endorse and that must be valid; it returns the response's payload.
func (n *network) invoke(name string, args ...string) string {
	n.t.Helper()
	r, err := n.user.Invoke(n.t.Context(), n.route(n.peers...), n.request(name, args...))
	require.NoError(n.t, err)
	return string(r.Response.Payload)
}

// query asks one peer.
func (n *network) query(peer int, name string, args ...string) string {
	n.t.Helper()
	r, err := n.user.Query(n.t.Context(), n.peers[peer], n.request(name, args...))
	require.NoError(n.t, err)
	return string(r.Payload)
}

// same asks both peers, which must agree.
func (n *network) same(name string, args ...string) string {
	n.t.Helper()
	first := n.query(0, name, args...)
	require.Equal(n.t, first, n.query(1, name, args...))
	return first
}

func numbered(prefix string, i int) string { return fmt.Sprintf("%s%04d", prefix, i) }

// waitForLog waits until text is in the node's log.
func (n *network) waitForLog(node localnet.Node, text string) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		log, err := os.ReadFile(n.LogFile(node))
		return err == nil && strings.Contains(string(log), text)
	}, 10*time.Second, 20*time.Millisecond, "%s in the log of %s", text, node.Name)
}
