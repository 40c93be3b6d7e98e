//go:build reference

package differential

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

var (
	peerBinary    = flag.String("peer", "", "the executable of a real 1.4.12 peer")
	ordererBinary = flag.String("orderer", "", "the executable of a real 1.4.12 orderer")
	peerConfig    = flag.String("peerconfig", "", "a folder with its core.yaml and orderer.yaml")
	stateDump     = flag.String("statedump", "", "a program that prints a stopped peer's state: its arguments are the folder of the peer and a channel")
	workDir       = flag.String("dir", "", "where the real peer works; a folder that ends with the test if not given")
	firstSeed     = flag.Uint64("seed", 0, "the first seed")
	seeds         = flag.Int("seeds", 4, "how many chains")
	chainTxs      = flag.Int("txs", 2000, "transactions per chain")
	keep          = flag.Bool("keep", false, "write what the real peer made of the chains to testdata")
)

// served is a chain that a Deliver server hands out.
type served struct{ blocks [][]byte }

func (s *served) Height() uint64                    { return uint64(len(s.blocks)) }
func (s *served) RawBlock(n uint64) ([]byte, error) { return s.blocks[n], nil }
func (s *served) Sequence() uint64                  { return 0 }
func (s *served) Errored() <-chan struct{}          { return nil }
func (s *served) Authorize(string, *tx.Envelope) error {
	return nil
}
func (s *served) Wait(ctx context.Context, n uint64) error {
	if n < s.Height() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// deliverer is an ordering service that serves made chains.
type deliverer struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	deliver *deliver.Server
	mu      sync.Mutex
	chains  map[string]*served
}

func (o *deliverer) Deliver(s ordererpb.AtomicBroadcast_DeliverServer) error {
	return o.deliver.Orderer(s)
}

func (o *deliverer) add(t testing.TB, c *Chain) {
	s := &served{}
	for _, b := range c.Blocks {
		raw, err := proto.Marshal(b)
		require.NoError(t, err)
		s.blocks = append(s.blocks, raw)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.chains[c.ID] = s
}

func startOrderer(t testing.TB) *deliverer {
	o := &deliverer{chains: map[string]*served{}}
	o.deliver = &deliver.Server{Now: time.Now, Log: slog.New(slog.DiscardHandler), Channel: func(id string) (deliver.Channel, bool) {
		o.mu.Lock()
		defer o.mu.Unlock()
		c, ok := o.chains[id]
		return c, ok
	}}
	l, err := net.Listen("tcp", OrdererAddress)
	require.NoError(t, err)
	server := comm.NewServer(comm.ServerOptions{Log: slog.New(slog.DiscardHandler)})
	ordererpb.RegisterAtomicBroadcastServer(server, o)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return o
}

// startPeer runs the real peer as Org1's until the test ends. The returned function stops it.
func startPeer(t testing.TB, dir string) (log string, stop func()) {
	log = filepath.Join(dir, "peer.log")
	out, err := os.Create(log)
	require.NoError(t, err)
	cmd := exec.Command(*peerBinary, "node", "start")
	cmd.Stdout, cmd.Stderr = out, out
	msp := vectors.Path("fabric-1.4", "crypto", "peerOrganizations", "org1.example.com", "peers", "peer0.org1.example.com", "msp")
	const listen = "127.0.0.1:25001"
	cmd.Env = append(os.Environ(), "FABRIC_CFG_PATH="+*peerConfig, "CORE_PEER_ID=reference", "CORE_PEER_LISTENADDRESS="+listen, "CORE_PEER_ADDRESS="+listen,
		"CORE_PEER_CHAINCODELISTENADDRESS=127.0.0.1:25002", "CORE_PEER_CHAINCODEADDRESS=127.0.0.1:25002", "CORE_PEER_LOCALMSPID="+org1,
		"CORE_PEER_MSPCONFIGPATH="+msp, "CORE_PEER_FILESYSTEMPATH="+filepath.Join(dir, "data"), "CORE_PEER_TLS_ENABLED=false",
		"CORE_PEER_GOSSIP_BOOTSTRAP="+listen, "CORE_PEER_GOSSIP_USELEADERELECTION=false", "CORE_PEER_GOSSIP_ORGLEADER=true",
		"CORE_PEER_GOSSIP_PVTDATA_PULLRETRYTHRESHOLD=0s", "CORE_PEER_GOSSIP_PVTDATA_RECONCILIATIONENABLED=false",
		"CORE_OPERATIONS_LISTENADDRESS=127.0.0.1:25003", "CORE_VM_ENDPOINT=unix:///nonexistent.sock", "FABRIC_LOGGING_SPEC=warning:kvledger=info")
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // it tells where it is, should that be of interest
		_ = cmd.Wait()
		_ = out.Close()
	})
	t.Cleanup(stop)
	return log, stop
}

// TestBroadcastAgainstReference compares what Heddle's orderer and a real one answer to generated envelopes.
func TestBroadcastAgainstReference(t *testing.T) {
	if *ordererBinary == "" || *peerConfig == "" {
		t.Fatal("give -orderer and -peerconfig: see the package doc")
	}
	const address = "127.0.0.1:25010"
	dir := t.TempDir()
	logFile, err := os.Create(filepath.Join(dir, "orderer.log"))
	require.NoError(t, err)
	defer logFile.Close()
	cmd := exec.Command(*ordererBinary, "start")
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.Env = append(os.Environ(), "FABRIC_CFG_PATH="+*peerConfig, "ORDERER_GENERAL_LISTENADDRESS=127.0.0.1", "ORDERER_GENERAL_LISTENPORT=25010",
		"ORDERER_GENERAL_LOCALMSPID="+ordererOrg, "ORDERER_GENERAL_LOCALMSPDIR="+vectors.Path("fabric-1.4", "crypto", "ordererOrganizations", "example.com", "orderers", "orderer.example.com", "msp"),
		"ORDERER_GENERAL_GENESISMETHOD=file", "ORDERER_GENERAL_GENESISFILE="+vectors.Path("fabric-1.4", "config", "genesis.block"),
		"ORDERER_FILELEDGER_LOCATION="+filepath.Join(dir, "data"), "ORDERER_OPERATIONS_LISTENADDRESS=127.0.0.1:25011", "FABRIC_LOGGING_SPEC=error")
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	real, ours := createSampleChannel(t, address), startHeddle(t)
	var kept []Answer
	counts := map[string]int{}
	for n := range *seeds {
		all := envelopes(t, *firstSeed+uint64(n), *chainTxs)
		theirs := ask(t, real, all)
		for i, our := range ask(t, ours, all) {
			if our.outline() != theirs[i].outline() {
				t.Errorf("%s:\n\tours %s %s\n\treal %s %s", our.Kind, our.Status, our.Info, theirs[i].Status, theirs[i].Info)
			}
			counts[theirs[i].outline()]++
		}
		kept = append(kept, theirs...)
	}
	for answer, n := range counts {
		t.Logf("%6d %s", n, answer)
	}
	if *keep && !t.Failed() {
		require.NoError(t, save(filepath.Join("testdata", "broadcast.zst"), kept))
	}
}

// TestAgainstReference compares what Heddle's peer and a real one make of generated chains.
func TestAgainstReference(t *testing.T) {
	if *peerBinary == "" || *peerConfig == "" {
		t.Fatal("give -peer and -peerconfig: see the package doc")
	}
	orderer := startOrderer(t)
	dir := *workDir
	if dir == "" {
		dir = t.TempDir()
	}
	log, stop := startPeer(t, dir)
	who := newPeople(t)
	admin := client.New(who.admin1)
	var peer *client.Peer
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		p, err := client.ConnectPeer(ctx, "127.0.0.1:25001", comm.ClientOptions{})
		if err != nil {
			return false
		}
		if _, err := admin.Channels(ctx, p); err != nil {
			_ = p.Close()
			return false
		}
		peer = p
		return true
	}, time.Minute, 200*time.Millisecond)
	defer peer.Close()

	var chains []*Chain
	var ours, theirs []*Outcome
	for n := range *seeds {
		c := Generate(t, *firstSeed+uint64(n), *chainTxs)
		orderer.add(t, c)
		chains, ours, theirs = append(chains, c), append(ours, c.Commit(t)), append(theirs, &Outcome{})
		require.NoError(t, admin.Join(t.Context(), peer, c.Blocks[0]))
		if err := theirs[n].pull(t.Context(), admin, peer, c); err != nil {
			stop()
			reached := len(theirs[n].Codes)
			t.Errorf("%s: the real peer stopped before block %d of %d: %v\n%s", c.ID, reached, len(c.Blocks), err, lastWords(log))
			describe(t, c, ours[n], reached)
			compare(t, c, ours[n], theirs[n])
			return
		}
	}
	stop()
	for i, c := range chains {
		if *stateDump != "" {
			out, err := exec.Command(*stateDump, filepath.Join(dir, "data"), c.ID).Output()
			require.NoError(t, err)
			theirs[i].State = strings.Split(strings.TrimRight(string(out), "\n"), "\n")
			slices.Sort(theirs[i].State)
		}
		compare(t, c, ours[i], theirs[i])
	}
	tabulate(t, chains, theirs)
	if *keep && !t.Failed() {
		for i, c := range chains {
			kept := &Captured{Seed: c.Seed, ID: c.ID, Blocks: theirs[i].Blocks, Kinds: c.Kinds}
			if theirs[i].State != nil {
				kept.StateHash = theirs[i].StateHash()
			}
			require.NoError(t, save(filepath.Join("testdata", c.ID+".zst"), kept))
		}
	}
}

// pull reads the blocks of a chain as a peer committed them.
func (o *Outcome) pull(ctx context.Context, as *client.Client, peer *client.Peer, c *Chain) error {
	const stalled = 30 * time.Second
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stalled, func() { cancel(errors.New("no block came for half a minute")) })
	defer timer.Stop()
	err := as.Blocks(ctx, peer, c.ID, client.Oldest(), client.Number(uint64(len(c.Blocks)-1)), func(b *commonpb.Block) error {
		timer.Reset(stalled)
		raw, err := proto.Marshal(b)
		if err != nil {
			return err
		}
		return o.add(raw)
	})
	return errors.Join(err, context.Cause(ctx))
}

// describe logs a block's transactions and what some peer made of them.
func describe(t *testing.T, c *Chain, o *Outcome, n int) {
	for j, k := range c.Kinds[n] {
		t.Logf("block %d, transaction %2d %-70s %s", n, j, k, o.Codes[n][j])
	}
}

// compare looks at the blocks that the real peer committed.
func compare(t *testing.T, c *Chain, ours, theirs *Outcome) {
	for n := range theirs.Codes {
		for j, k := range c.Kinds[n] {
			if n > 0 && ours.Codes[n][j] != theirs.Codes[n][j] {
				t.Errorf("%s, block %d, transaction %d: %s: ours %s, real %s", c.ID, n, j, k, ours.Codes[n][j], theirs.Codes[n][j])
			}
		}
	}
	for n := range theirs.Codes {
		if !bytes.Equal(ours.CommitHashes[n], theirs.CommitHashes[n]) {
			t.Errorf("%s, block %d: other commit hash; what the real peer made of it:", c.ID, n)
			describe(t, c, theirs, n)
			break
		}
	}
	if theirs.State == nil {
		return
	}
	for _, row := range theirs.State {
		if _, found := slices.BinarySearch(ours.State, row); !found {
			t.Errorf("%s: only the real peer's state has %s", c.ID, row)
		}
	}
	for _, row := range ours.State {
		if _, found := slices.BinarySearch(theirs.State, row); !found {
			t.Errorf("%s: only our state has %s", c.ID, row)
		}
	}
}

// tabulate counts what the real peer made of each kind.
func tabulate(t *testing.T, chains []*Chain, outcomes []*Outcome) {
	counts := map[string]map[string]int{}
	for i, c := range chains {
		for n := range c.Blocks {
			for j, k := range c.Kinds[n] {
				if n == 0 {
					continue
				}
				if counts[k] == nil {
					counts[k] = map[string]int{}
				}
				counts[k][outcomes[i].Codes[n][j].String()]++
			}
		}
	}
	names := make([]string, 0, len(counts))
	for k := range counts {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		t.Logf("%-80s %v", k, counts[k])
	}
}

// lastWords is where the real peer's log ends, or why it panicked.
func lastWords(log string) string {
	raw, _ := os.ReadFile(log)
	if at := bytes.Index(raw, []byte("panic: ")); at >= 0 {
		return string(raw[at:min(len(raw), at+3000)])
	}
	return string(raw[max(0, len(raw)-3000):])
}
