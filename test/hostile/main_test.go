//go:build e2e

// Package hostile attacks real networks from outside: requests that are odd, broken, huge, slow or many, and disks that lie. Where real
// Fabric's answer is known (testdata), ours must be the same; everything else must be refused clearly or cut off, without a panic, in
// bounded memory, and with the network still at work.
package hostile

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// network is a running network whose channel has the chaincode kv, with a connection to each node.
type network struct {
	*localnet.Network
	t     *testing.T
	who   kit.Who
	admin *client.Client
	user  *client.Client

	orderer *grpc.ClientConn
	peers   []*grpc.ClientConn
}

// start runs a network that ends with the test.
func start(t *testing.T) *network {
	t.Helper()
	made := kit.Run(t, localnet.Options{})
	org1, org2 := made.Orgs[0], made.Orgs[1]
	signer := func(dir, mspID string) *client.Client { return client.New(kit.Signer(t, made, dir, mspID)) }
	n := &network{
		Network: made, t: t,
		admin: signer(made.Admin(org1).UserDir(), org1.MSPID), user: signer(made.User(org1).UserDir(), org1.MSPID),
	}
	n.who = kit.Who{
		Channel: n.Channel, User: n.user.Signer,
		Org2:         kit.Signer(t, made, made.User(org2).UserDir(), org2.MSPID),
		OrdererAdmin: kit.Signer(t, made, "crypto/ordererOrganizations/example.com/users/Admin@example.com", "OrdererMSP"),
		Peer:         kit.Signer(t, made, org1.PeerDir(), org1.MSPID),
	}
	n.connect()
	source, err := os.ReadFile("testdata/kv/main.go")
	require.NoError(t, err)
	dir := filepath.Join(n.gopath(), "src", "example.com", "kv")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), source, 0o644))
	n.deploy(t, "kv", "OR('Org1MSP.member','Org2MSP.member')", org1)
	return n
}

func (n *network) gopath() string { return filepath.Join(n.Dir, "gopath") }

// dial opens a connection of its own to an address of the network, that ends with the test.
func (n *network) dial(address, ca string) *grpc.ClientConn {
	n.t.Helper()
	conn, err := comm.Dial(n.t.Context(), address, kit.TLS(n.t, ca))
	require.NoError(n.t, err)
	n.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (n *network) dialPeer(org localnet.Org) *grpc.ClientConn {
	return n.dial(org.Peer.Address(), n.PeerCA(org))
}
func (n *network) dialOrderer() *grpc.ClientConn {
	return n.dial(n.Orderer.Address(), n.OrdererCA())
}

// connect connects anew to every node.
func (n *network) connect() {
	n.t.Helper()
	n.orderer, n.peers = n.dialOrderer(), nil
	for _, org := range n.Orgs {
		n.peers = append(n.peers, n.dialPeer(org))
	}
}

// deploy installs the chaincode kv under a name at some organisations' peers, and instantiates it through the first.
func (n *network) deploy(t *testing.T, name, rule string, orgs ...localnet.Org) {
	t.Helper()
	for _, org := range orgs {
		_, err := n.PeerWith(t.Context(), n.Admin(org), []string{"GOPATH=" + n.gopath(), "GO111MODULE=off"},
			"chaincode", "install", "-n", name, "-v", "1.0", "-p", "example.com/kv")
		require.NoError(t, err)
	}
	p, err := policy.Parse(rule)
	require.NoError(t, err)
	n.route(t, func(r client.Route) {
		_, err := n.admin.Instantiate(t.Context(), r, client.Deployment{
			ChannelID: n.Channel, Name: name, Version: "1.0", Type: peerpb.ChaincodeSpec_GOLANG, Policy: wire.MustMarshal(p),
		})
		require.NoError(t, err)
	})
}

// commits has an ordinary client's transaction committed on both peers, on connections of its own. It must not take long.
func (n *network) commits(t *testing.T) {
	t.Helper()
	begin := time.Now()
	n.invoke(t, "put", "still", "here")
	took := time.Since(begin)
	require.Less(t, took, 20*time.Second, "an ordinary transaction took too long")
	t.Logf("an ordinary transaction took %s", took.Round(time.Millisecond))
}

// invoke has a transaction committed on both peers.
func (n *network) invoke(t *testing.T, args ...string) {
	t.Helper()
	n.route(t, func(r client.Route) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := n.user.Invoke(ctx, r, client.Request{ChannelID: n.Channel, Chaincode: "kv", Args: client.Args(args...)})
		require.NoError(t, err)
	})
}

// route connects as an ordinary client does: endorsed by Org1's peer, waiting for both.
func (n *network) route(t *testing.T, use func(client.Route)) {
	t.Helper()
	var peers []*client.Peer
	for _, org := range n.Orgs {
		p, err := client.ConnectPeer(t.Context(), org.Peer.Address(), kit.TLS(t, n.PeerCA(org)))
		require.NoError(t, err)
		defer p.Close()
		peers = append(peers, p)
	}
	o, err := client.ConnectOrderer(t.Context(), n.Orderer.Address(), kit.TLS(t, n.OrdererCA()))
	require.NoError(t, err)
	defer o.Close()
	use(client.Route{Endorsers: peers[:1], Orderer: o, Wait: peers})
}
