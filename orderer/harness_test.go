package orderer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/orderer/raft"
	"github.com/heddleledger/heddle/orderer/solo"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) {
	if dir, ok := childDir(); ok {
		runChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// kinds are the two kinds of consensus every test of the service runs under.
var kinds = []string{"solo", "etcdraft"}

// signer loads a signing identity of the vectors' crypto tree.
func signer(t testing.TB, mspID string, parts ...string) *msp.Signer {
	t.Helper()
	s, err := msp.LoadSigner(vectors.Path(append(append([]string{"fabric-1.4"}, parts...), "msp")...), mspID)
	require.NoError(t, err)
	return s
}

func ordererSigner(t testing.TB) *msp.Signer {
	return signer(t, "OrdererMSP", "crypto", "ordererOrganizations", "example.com", "orderers", "orderer.example.com")
}

func ordererAdmin(t testing.TB) *msp.Signer {
	return signer(t, "OrdererMSP", "crypto", "ordererOrganizations", "example.com", "users", "Admin@example.com")
}

func user(t testing.TB, org, name string) *msp.Signer {
	domain := map[string]string{"Org1MSP": "org1.example.com", "Org2MSP": "org2.example.com"}[org]
	return signer(t, org, "crypto", "peerOrganizations", domain, "users", name+"@"+domain)
}

// authority issues TLS certificates for 127.0.0.1.
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
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue returns a certificate and its PEM form.
func (a *authority) issue(t testing.TB) (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// genesis is the vectors' genesis block; for etcdraft, with a consenter that has the certificate.
func genesis(t testing.TB, kind string, cert []byte, change ...func(*commonpb.ConfigGroup)) *commonpb.Block {
	b := vectors.Message(t, &commonpb.Block{}, "fabric-1.4", "config", "genesis.block")
	env, payload, config := &commonpb.Envelope{}, &commonpb.Payload{}, &commonpb.ConfigEnvelope{}
	require.NoError(t, proto.Unmarshal(b.Data.Data[0], env))
	require.NoError(t, proto.Unmarshal(env.Payload, payload))
	require.NoError(t, proto.Unmarshal(payload.Data, config))
	if kind == "etcdraft" {
		change = append([]func(*commonpb.ConfigGroup){func(root *commonpb.ConfigGroup) {
			root.Groups["Orderer"].Values["ConsensusType"].Value = wire.MustMarshal(&ordererpb.ConsensusType{
				Type:     "etcdraft",
				Metadata: wire.MustMarshal(raftMetadata(cert)),
			})
		}}, change...)
	}
	for _, c := range change {
		c(config.Config.ChannelGroup)
	}
	payload.Data = wire.MustMarshal(config)
	env.Payload = wire.MustMarshal(payload)
	made := block.New(0, nil, [][]byte{wire.MustMarshal(env)})
	made.Metadata = b.Metadata
	return made
}

func raftMetadata(certs ...[]byte) *etcdraftpb.ConfigMetadata {
	m := &etcdraftpb.ConfigMetadata{Options: &etcdraftpb.Options{
		TickInterval: "100ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 16 << 20,
	}}
	for i, cert := range certs {
		m.Consenters = append(m.Consenters, &etcdraftpb.Consenter{Host: "127.0.0.1", Port: uint32(7050 + i), ClientTlsCert: cert, ServerTlsCert: cert})
	}
	return m
}

// setup is how to run a node.
type setup struct {
	kind     string
	dir      string
	mode     orderer.BatchCutting
	ca       *authority
	cert     tls.Certificate
	certPEM  []byte
	genesis  *commonpb.Block
	now      func() time.Time
	fail     func(string)
	mutual   bool
	log      *slog.Logger
	noExpiry bool
}

func newSetup(t testing.TB, kind string, change ...func(*commonpb.ConfigGroup)) *setup {
	s := &setup{kind: kind, dir: t.TempDir(), mode: orderer.Eager, ca: newAuthority(t), now: time.Now, log: slog.New(slog.DiscardHandler)}
	s.cert, s.certPEM = s.ca.issue(t)
	s.genesis = genesis(t, kind, s.certPEM, change...)
	return s
}

// node is a running ordering node.
type node struct {
	t        testing.TB
	s        *setup
	registry *orderer.Registry
	store    *raft.Store
	server   *grpc.Server
	served   chan error
	conn     *grpc.ClientConn
	address  string
	stopped  bool
}

func (s *setup) open(ctx context.Context, id tx.Signer) (*orderer.Registry, *raft.Store, error) {
	store, err := raft.OpenStore(filepath.Join(s.dir, "raft"))
	if err != nil {
		return nil, nil, err
	}
	r, err := orderer.Open(ctx, orderer.Options{
		Dir:     s.dir,
		Genesis: s.genesis,
		Signer:  func() tx.Signer { return id },
		Consenters: map[string]orderer.NewConsenter{
			"solo":     solo.New(s.mode),
			"etcdraft": raft.New(raft.Options{Store: store, ServerCert: func() []byte { return s.certPEM }, Mode: s.mode, FailPoint: s.fail}),
		},
		NoExpirationChecks: s.noExpiry,
		FailPoint:          s.fail,
		Now:                s.now,
		Log:                s.log,
	})
	return r, store, err
}

// start runs the node and connects to it.
func (s *setup) start(t testing.TB) *node {
	n := &node{t: t, s: s, served: make(chan error, 1)}
	var err error
	n.registry, n.store, err = s.open(context.WithoutCancel(t.Context()), ordererSigner(t))
	require.NoError(t, err)
	roots, err := comm.NewRoots(s.ca.pem)
	require.NoError(t, err)
	n.server = comm.NewServer(comm.ServerOptions{
		TLS: &comm.ServerTLS{Certificate: comm.NewCertificate(s.cert), RequireClientCert: s.mutual, ClientRoots: roots},
		Log: s.log,
	})
	ordererpb.RegisterAtomicBroadcastServer(n.server, orderer.NewServer(n.registry, &deliver.Server{MutualTLS: s.mutual, Now: s.now, Log: s.log}, s.log))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.address = l.Addr().String()
	go func() { n.served <- n.server.Serve(l) }()
	n.conn, err = comm.Dial(t.Context(), n.address, comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots, Certificate: &s.cert}})
	require.NoError(t, err)
	t.Cleanup(n.stop)
	return n
}

// stop ends the node in order; what it answered with SUCCESS is written.
func (n *node) stop() {
	if n.stopped {
		return
	}
	n.stopped = true
	require.NoError(n.t, n.conn.Close())
	n.server.Stop()
	require.NoError(n.t, <-n.served)
	require.NoError(n.t, n.registry.Close())
	require.NoError(n.t, n.store.Close())
}

// in is the same node for another test.
func (n *node) in(t testing.TB) *node {
	other := *n
	other.t = t
	return &other
}

// broadcast sends one envelope on a stream of its own.
func (n *node) broadcast(env *commonpb.Envelope) *ordererpb.BroadcastResponse {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	defer cancel()
	s, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(ctx)
	require.NoError(n.t, err)
	require.NoError(n.t, s.Send(env))
	r, err := s.Recv()
	require.NoError(n.t, err)
	return r
}

func (n *node) accepted(env *commonpb.Envelope) {
	n.t.Helper()
	r := n.broadcast(env)
	require.Equal(n.t, commonpb.Status_SUCCESS, r.Status, r.Info)
}

// waitHeight waits until the channel has at least height blocks, and returns it.
func (n *node) waitHeight(channel string, height uint64) *orderer.Channel {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	defer cancel()
	var c *orderer.Channel
	require.Eventually(n.t, func() (ok bool) { c, ok = n.registry.Channel(channel); return ok }, 20*time.Second, time.Millisecond, "channel %s", channel)
	require.NoError(n.t, c.Wait(ctx, height-1), "channel %s has %d blocks", channel, c.Height())
	return c
}

// message is a signed envelope of any type and data; change may spoil its header.
func message(t testing.TB, s tx.Signer, kind commonpb.HeaderType, channel string, data []byte, change ...func(*commonpb.ChannelHeader)) *commonpb.Envelope {
	t.Helper()
	h := &commonpb.ChannelHeader{Type: int32(kind), ChannelId: channel, Timestamp: timestamppb.Now(), TxId: "a transaction"}
	for _, c := range change {
		c(h)
	}
	header, err := tx.NewHeader(s, nil, h)
	require.NoError(t, err)
	return seal(t, s, &commonpb.Payload{Header: header, Data: data})
}

func seal(t testing.TB, s tx.Signer, p *commonpb.Payload) *commonpb.Envelope {
	t.Helper()
	payload := wire.MustMarshal(p)
	signature, err := s.Sign(payload)
	require.NoError(t, err)
	return &commonpb.Envelope{Payload: payload, Signature: signature}
}

// transaction is an ordinary message.
func transaction(t testing.TB, s tx.Signer, channel string, data string) *commonpb.Envelope {
	return message(t, s, commonpb.HeaderType_ENDORSER_TRANSACTION, channel, []byte(data))
}

// signedUpdate is a CONFIG_UPDATE envelope sent by the first signer and signed by all.
func signedUpdate(t testing.TB, channel string, update []byte, signers ...tx.Signer) *commonpb.Envelope {
	t.Helper()
	e := &commonpb.ConfigUpdateEnvelope{ConfigUpdate: update}
	for _, s := range signers {
		header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: s.Creator(), Nonce: []byte("nonce")})
		signature, err := s.Sign(append(append([]byte{}, header...), update...))
		require.NoError(t, err)
		e.Signatures = append(e.Signatures, &commonpb.ConfigSignature{SignatureHeader: header, Signature: signature})
	}
	return message(t, signers[0], commonpb.HeaderType_CONFIG_UPDATE, channel, wire.MustMarshal(e))
}

// creation is the vectors' mychannel.tx, for a channel of the given name, signed by the signers.
func creation(t testing.TB, channel string, signers ...tx.Signer) *commonpb.Envelope {
	t.Helper()
	env := vectors.Message(t, &commonpb.Envelope{}, "fabric-1.4", "config", "mychannel.tx")
	payload, e, update := &commonpb.Payload{}, &commonpb.ConfigUpdateEnvelope{}, &commonpb.ConfigUpdate{}
	require.NoError(t, proto.Unmarshal(env.Payload, payload))
	require.NoError(t, proto.Unmarshal(payload.Data, e))
	require.NoError(t, proto.Unmarshal(e.ConfigUpdate, update))
	update.ChannelId = channel
	return signedUpdate(t, channel, wire.MustMarshal(update), signers...)
}

// createChannel makes a channel and waits for it.
func (n *node) createChannel(channel string) *orderer.Channel {
	n.t.Helper()
	n.accepted(creation(n.t, channel, user(n.t, "Org1MSP", "Admin"), user(n.t, "Org2MSP", "Admin")))
	return n.waitHeight(channel, 1)
}

// reconfigure changes a channel's configuration.
func (n *node) reconfigure(channel string, change func(*commonpb.ConfigGroup), signers ...tx.Signer) *commonpb.Envelope {
	n.t.Helper()
	c, ok := n.registry.Channel(channel)
	require.True(n.t, ok)
	next := proto.CloneOf(c.Bundle().Config())
	change(next.ChannelGroup)
	update, err := channelconfig.ComputeUpdate(channel, c.Bundle().Config(), next)
	require.NoError(n.t, err)
	return signedUpdate(n.t, channel, wire.MustMarshal(update), signers...)
}

// setBatch writes the batch size and timeout into a configuration.
func setBatch(count, preferred uint32, timeout string) func(*commonpb.ConfigGroup) {
	return func(root *commonpb.ConfigGroup) {
		values := root.Groups["Orderer"].Values
		values["BatchSize"].Value = wire.MustMarshal(&ordererpb.BatchSize{MaxMessageCount: count, AbsoluteMaxBytes: 10 << 20, PreferredMaxBytes: preferred})
		values["BatchTimeout"].Value = wire.MustMarshal(&ordererpb.BatchTimeout{Timeout: timeout})
	}
}
