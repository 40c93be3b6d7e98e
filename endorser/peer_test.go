package endorser_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	network      = "fabric-1.4"
	channelID    = "mychannel"
	otherChannel = "otherchannel"
)

// peer is the Org1 peer of the sample network, with the whole sample chain and what it had installed.
type peer struct {
	*endorser.Server
	bundle   *channelconfig.Bundle
	ledger   *ledger.Ledger
	packages *pack.Store
	joined   []*commonpb.Block // by cscc; nothing else comes of it
}

// Bundle, Ledger, IDs and Join are what the system chaincodes need. The second channel is the first under another name.
func (p *peer) Bundle(id string) (*channelconfig.Bundle, bool) {
	return p.bundle, id == channelID || id == otherChannel
}

func (p *peer) Ledger(id string) (*ledger.Ledger, bool) {
	return p.ledger, id == channelID || id == otherChannel
}

func (p *peer) IDs() []string { return []string{channelID, otherChannel} }

func (p *peer) Join(_ context.Context, genesis *commonpb.Block) error {
	if slices.ContainsFunc(p.joined, func(b *commonpb.Block) bool { return b.Header.Number == genesis.Header.Number }) {
		return errors.New("cannot create ledger from genesis block: LedgerID already exists")
	}
	p.joined = append(p.joined, genesis)
	return nil
}

func newPeer(t testing.TB, change ...func(*endorser.Options)) *peer {
	t.Helper()
	p := newEmptyPeer(t, change...)
	for _, facts := range vectors.Facts(t, network) {
		p.commit(t, facts)
	}
	require.NoError(t, p.ledger.Sync())
	return p
}

// newEmptyPeer has the packages and the channel's last configuration, but no blocks.
func newEmptyPeer(t testing.TB, change ...func(*endorser.Options)) *peer {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	p := &peer{}
	var err error
	p.packages, err = pack.OpenStore(filepath.Join(dir, "chaincodes"))
	require.NoError(t, err)
	kv := vectors.Read(t, network, "packages", "installed", "kv.1.0")
	p.install(t, kv, vectors.Read(t, network, "packages", "installed", "kv.2.0"),
		renamed(t, kv, "both", "1.0"), renamed(t, kv, "both", "2.0"), renamed(t, kv, "race", "1.0"))
	p.ledger, err = ledger.Open(filepath.Join(dir, "ledger"), channelID, ledger.Options{Log: log})
	require.NoError(t, err)
	p.bundle, err = channelconfig.FromBlock(vectors.Block(t, network, 76))
	require.NoError(t, err)

	own := signer(t, "peerOrganizations/org1.example.com/peers/peer0.org1.example.com", "Org1MSP")
	local := msp.NewManager(own.MSP())
	access := acl.New(local, p.Bundle)
	inProcess := &runtime.InProcess{Chaincodes: map[string]func(string, runtime.ClientStream) error{}}
	for _, name := range []string{"kv", "both", "race", "fresh", "signedcc"} {
		inProcess.Chaincodes[name] = func(id string, s runtime.ClientStream) error { return shim.StartInProc(id, s, sample{}) }
	}
	support := chaincode.New(chaincode.Options{
		Packages: p.packages, Runtime: inProcess, PeerAddress: "127.0.0.1:0",
		ExecuteTimeout: time.Second, StartupTimeout: 10 * time.Second,
		System: []chaincode.System{
			&system.LSCC{ACL: access, Channels: p, Packages: p.packages, Log: log},
			&system.CSCC{ACL: access, Channels: p},
			&system.QSCC{ACL: access, Channels: p},
		},
		Ledger:              p.Ledger,
		KeyLevelEndorsement: func(id string) (bool, bool) { return true, true },
		AuthorizeCall: func(id string, c *tx.Proposal) error {
			return access.Check(acl.PeerChaincodeToChaincode, id, acl.Signed(c))
		},
		Log: log,
	})
	inProcess.Serve = support.Serve
	o := endorser.Options{
		Log: log, Now: time.Now, Signer: func() tx.Signer { return own }, Local: local, ACL: access, Packages: p.packages, Chaincode: support,
		Channel: func(id string) (*channelconfig.Bundle, *ledger.Ledger, bool) {
			b, ok := p.Bundle(id)
			return b, p.ledger, ok
		},
	}
	o.Filters = []plugin.AuthFilter{endorser.ExpirationCheck{Now: func() time.Time { return o.Now() }}}
	for _, c := range change {
		c(&o)
	}
	p.Server = endorser.New(o)
	t.Cleanup(func() {
		require.NoError(t, support.Close())
		require.NoError(t, p.ledger.Close())
	})
	return p
}

func (p *peer) install(t testing.TB, packages ...[]byte) {
	t.Helper()
	for _, raw := range packages {
		_, err := p.packages.Install(raw)
		require.NoError(t, err)
	}
}

func renamed(t testing.TB, raw []byte, name, version string) []byte {
	t.Helper()
	pkg, err := pack.Parse(raw)
	require.NoError(t, err)
	pkg.Spec.ChaincodeSpec.ChaincodeId.Name, pkg.Spec.ChaincodeSpec.ChaincodeId.Version = name, version
	raw, err = pack.Create(pkg.Spec)
	require.NoError(t, err)
	return raw
}

// commit commits a block of the sample chain, with the codes that the real peer gave.
func (p *peer) commit(t testing.TB, facts vectors.BlockFacts) {
	t.Helper()
	b := &ledger.Block{Block: vectors.Block(t, network, facts.Block)}
	for i, raw := range b.Data.Data {
		c := ledger.Tx{Code: peerpb.TxValidationCode(facts.Txs[i].Number)}
		if e, err := tx.ParseEnvelope(raw); err == nil {
			c.ID, c.Type = e.TxID(), e.Type()
			if c.Code == peerpb.TxValidationCode_VALID {
				c.RWSet = writes(t, e)
			}
		}
		b.Txs = append(b.Txs, c)
	}
	block.SetCodes(b.Block, nil)
	block.SetCommitHash(b.Block, nil)
	require.NoError(t, p.ledger.CommitNoSync(t.Context(), b))
}

func writes(t testing.TB, e *tx.Envelope) *rwset.Set {
	t.Helper()
	if e.Type() == commonpb.HeaderType_CONFIG {
		set, err := ledger.ConfigRWSet(e)
		require.NoError(t, err)
		return set
	}
	transaction, err := tx.ParseTransaction(e)
	require.NoError(t, err)
	require.NoError(t, transaction.Open())
	set, err := rwset.Parse(transaction.Action.Results)
	require.NoError(t, err)
	return set
}

func signer(t testing.TB, dir, mspID string) *msp.Signer {
	t.Helper()
	s, err := msp.LoadSigner(vectors.Path(network, "crypto", dir, "msp"), mspID)
	require.NoError(t, err)
	return s
}

func orgUser(t testing.TB, name string) *msp.Signer {
	return signer(t, "peerOrganizations/org1.example.com/users/"+name+"@org1.example.com", "Org1MSP")
}

// serve listens with the peer's services and returns the address.
func serve(t testing.TB, p *peer) string {
	t.Helper()
	s := comm.NewServer(comm.ServerOptions{Log: slog.New(slog.DiscardHandler)})
	peerpb.RegisterEndorserServer(s, p.Server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}
