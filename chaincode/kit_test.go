package chaincode_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) {
	if os.Getenv(modeVariable) != "" {
		os.Exit(playChaincode())
	}
	goleak.VerifyTestMain(m)
}

const channel, otherChannel = "mychannel", "otherchannel"

// peer is a peer with two channels and a chaincode support, without anything around them.
type peer struct {
	*chaincode.Support
	t       testing.TB
	dir     string
	store   *pack.Store
	ledgers map[string]*ledger.Ledger
}

// newPeer opens a peer in development mode, as far as change does not say otherwise.
func newPeer(t testing.TB, change ...func(*chaincode.Options)) *peer {
	t.Helper()
	p := &peer{t: t, dir: t.TempDir(), ledgers: map[string]*ledger.Ledger{}}
	var err error
	p.store, err = pack.OpenStore(filepath.Join(p.dir, "chaincodes"))
	require.NoError(t, err)
	for _, id := range []string{channel, otherChannel} {
		l, err := ledger.Open(filepath.Join(p.dir, id), id, ledger.Options{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		require.NoError(t, l.Commit(context.Background(), &ledger.Block{Block: block.New(0, nil, nil)}))
		p.ledgers[id] = l
	}
	o := chaincode.Options{
		Packages: p.store, PeerAddress: "127.0.0.1:7052",
		ExecuteTimeout: 10 * time.Second, StartupTimeout: 20 * time.Second, Backoff: time.Nanosecond, // none to speak of
		Ledger:              func(id string) (*ledger.Ledger, bool) { l, ok := p.ledgers[id]; return l, ok },
		KeyLevelEndorsement: func(id string) (bool, bool) { return id == channel, p.ledgers[id] != nil },
		AuthorizeCall: func(id string, _ *tx.Proposal) error {
			if id == "forbidden" {
				return errors.New("not for you")
			}
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&o)
	}
	p.Support = chaincode.New(o)
	t.Cleanup(func() {
		require.NoError(t, p.Support.Close())
		for _, l := range p.ledgers {
			require.NoError(t, l.Close())
		}
	})
	return p
}

// define installs a package with that code and defines it in the channel.
func (p *peer) define(channelID, name, version, code string) *pack.Package {
	p.t.Helper()
	raw, err := pack.Create(&peerpb.ChaincodeDeploymentSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type:        peerpb.ChaincodeSpec_GOLANG,
			ChaincodeId: &peerpb.ChaincodeID{Name: name, Version: version, Path: "example.com/" + name},
		},
		CodePackage: []byte(code),
	})
	require.NoError(p.t, err)
	pkg, err := p.store.Get(name, version)
	if err != nil {
		pkg, err = p.store.Install(raw)
		require.NoError(p.t, err)
	}
	p.put(channelID, "lscc", name, wire.MustMarshal(pkg.Data()))
	return pkg
}

// put commits one write.
func (p *peer) put(channelID, ns, key string, value []byte) {
	p.t.Helper()
	c := p.call(ns)
	p.begin(c, channelID)
	require.NoError(p.t, c.Simulator.Put(ns, key, value))
	p.commit(c)
}

// someone signs for clients. Nothing here looks at signatures.
type someone struct{}

func (someone) Sign([]byte) ([]byte, error) { return []byte("signature"), nil }
func (someone) Creator() []byte             { return []byte("someone") }

// call is a call of a chaincode by a new transaction; begin opens its simulator.
func (p *peer) call(name string, args ...string) *chaincode.Call {
	p.t.Helper()
	input := &peerpb.ChaincodeInput{}
	for _, a := range args {
		input.Args = append(input.Args, []byte(a))
	}
	proposal, err := tx.NewProposal(someone{}, tx.ProposalRequest{
		ChannelID: channel, Time: time.Unix(1700000000, 0),
		Spec: &peerpb.ChaincodeSpec{ChaincodeId: &peerpb.ChaincodeID{Name: name}, Input: input},
	})
	require.NoError(p.t, err)
	return &chaincode.Call{TxID: proposal.TxID(), Name: name, Version: "1.0", Input: input, Proposal: proposal}
}

func (p *peer) begin(c *chaincode.Call, channelID string) {
	p.t.Helper()
	var err error
	c.ChannelID = channelID
	c.Simulator, err = p.ledgers[channelID].NewSimulator(c.TxID)
	require.NoError(p.t, err)
	p.t.Cleanup(c.Simulator.Close) // when the test fails; its ledger waits for it
}

// invoke runs one call on the channel from beginning to end, and commits nothing.
func (p *peer) invoke(ctx context.Context, name string, args ...string) (*peerpb.Response, error) {
	p.t.Helper()
	c := p.call(name, args...)
	p.begin(c, channel)
	defer c.Simulator.Close()
	r, _, err := p.Invoke(ctx, c)
	return r, err
}

// commit puts what a call did into the next block, and closes its simulator.
func (p *peer) commit(c *chaincode.Call) {
	p.t.Helper()
	results, err := c.Simulator.Results()
	require.NoError(p.t, err)
	c.Simulator.Close()
	set, err := rwset.Parse(results)
	require.NoError(p.t, err)
	action := wire.MustMarshal(&peerpb.ChaincodeAction{Results: results, ChaincodeId: &peerpb.ChaincodeID{Name: c.Name, Version: c.Version}})
	payload := wire.MustMarshal(&peerpb.ProposalResponsePayload{ProposalHash: c.Proposal.Hash(), Extension: action})
	signer := creatorOf(c.Proposal)
	envelope, err := tx.Assemble(signer, c.Proposal, []*peerpb.ProposalResponse{{
		Response: &peerpb.Response{Status: 200}, Payload: payload, Endorsement: &peerpb.Endorsement{Endorser: signer.Creator()},
	}})
	require.NoError(p.t, err)
	l := p.ledgers[c.ChannelID]
	b := &ledger.Block{
		Block: block.New(l.Height(), l.Info().CurrentBlockHash, [][]byte{wire.MustMarshal(envelope)}),
		Txs:   []ledger.Tx{{ID: c.TxID, Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: set}},
	}
	require.NoError(p.t, l.Commit(context.Background(), b))
	require.Equal(p.t, peerpb.TxValidationCode_VALID, b.Txs[0].Code)
}

// creatorOf signs as the creator of a proposal.
func creatorOf(p *tx.Proposal) tx.Signer { return creator(p.Creator()) }

type creator []byte

func (c creator) Sign([]byte) ([]byte, error) { return []byte("signature"), nil }
func (c creator) Creator() []byte             { return c }

// line is a stream in memory, both ends of it.
type line struct {
	ctx      context.Context
	hangUp   context.CancelFunc
	up, down chan *peerpb.ChaincodeMessage
	served   chan error // what Serve returned
}

// connect opens a stream to the peer and returns the chaincode's end. It hangs up when the test ends.
func (p *peer) connect() *line {
	ctx, cancel := context.WithCancel(context.Background())
	l := &line{
		ctx: ctx, hangUp: cancel, served: make(chan error, 1),
		up: make(chan *peerpb.ChaincodeMessage), down: make(chan *peerpb.ChaincodeMessage),
	}
	go func() {
		defer cancel()
		l.served <- p.Serve(peerEnd{l})
	}()
	p.t.Cleanup(cancel)
	return l
}

type peerEnd struct{ *line }

func (e peerEnd) Context() context.Context { return e.ctx }

func (e peerEnd) Send(m *peerpb.ChaincodeMessage) error {
	select {
	case e.down <- m:
		return nil
	case <-e.ctx.Done():
		return io.EOF
	}
}

func (e peerEnd) Recv() (*peerpb.ChaincodeMessage, error) {
	select {
	case m := <-e.up:
		return m, nil
	case <-e.ctx.Done():
		return nil, io.EOF
	}
}

// Send and Recv are the chaincode's.
func (l *line) Send(m *peerpb.ChaincodeMessage) error {
	select {
	case l.up <- m:
		return nil
	case <-l.ctx.Done():
		return io.EOF
	}
}

func (l *line) Recv() (*peerpb.ChaincodeMessage, error) {
	select {
	case m := <-l.down:
		return m, nil
	case <-l.ctx.Done():
		return nil, io.EOF
	}
}

// register registers on the stream and waits until it is ready.
func (l *line) register(t testing.TB, id string) *line {
	t.Helper()
	require.NoError(t, l.Send(registration(id)))
	for _, want := range []peerpb.ChaincodeMessage_Type{peerpb.ChaincodeMessage_REGISTERED, peerpb.ChaincodeMessage_READY} {
		m, err := l.Recv()
		require.NoError(t, err)
		require.Equal(t, want, m.Type)
	}
	return l
}

func registration(id string) *peerpb.ChaincodeMessage {
	return &peerpb.ChaincodeMessage{
		Type: peerpb.ChaincodeMessage_REGISTER, Payload: wire.MustMarshal(&peerpb.ChaincodeID{Name: id}),
	}
}

// run connects a chaincode that does what its arguments say; see toy.
func (p *peer) run(id string) *line {
	p.t.Helper()
	l := p.connect().register(p.t, id)
	go func() { _ = serveToy(l) }()
	return l
}
