package orderer_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// The environment of a child process: the folder prepared by the parent, and the step at whose n-th passing the child kills itself ("step:n").
const (
	childVar = "HEDDLE_TEST_ORDERER_DIR"
	failVar  = "HEDDLE_TEST_ORDERER_FAIL"
)

func childDir() (string, bool) { return os.LookupEnv(childVar) }

// runChild is an ordering node in a process of its own. It prints its address, and serves until it is killed.
func runChild(dir string) {
	if err := serveChild(dir); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

func serveChild(dir string) error {
	s := &setup{kind: "", dir: dir, mode: orderer.Eager, now: time.Now, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var err error
	if s.cert, err = tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")); err != nil {
		return err
	}
	if s.certPEM, err = os.ReadFile(filepath.Join(dir, "cert.pem")); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "genesis.block"))
	if err != nil {
		return err
	}
	s.genesis = &commonpb.Block{}
	if err := proto.Unmarshal(raw, s.genesis); err != nil {
		return err
	}
	s.fail = dieAt(os.Getenv(failVar))
	id, err := msp.LoadSigner(vectors.Path("fabric-1.4", "crypto", "ordererOrganizations", "example.com", "orderers", "orderer.example.com", "msp"), "OrdererMSP")
	if err != nil {
		return err
	}
	registry, _, err := s.open(context.Background(), id)
	if err != nil {
		return err
	}
	server := comm.NewServer(comm.ServerOptions{TLS: &comm.ServerTLS{Certificate: comm.NewCertificate(s.cert)}, Log: s.log})
	ordererpb.RegisterAtomicBroadcastServer(server, orderer.NewServer(registry, &deliver.Server{Now: s.now, Log: s.log}, s.log))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return server.Serve(l)
}

// dieAt kills the process at the n-th passing of a step.
func dieAt(at string) func(string) {
	if at == "" {
		return nil
	}
	var step string
	var n, passed int64
	if _, err := fmt.Sscanf(strings.ReplaceAll(at, ":", " "), "%s %d", &step, &n); err != nil {
		panic(err)
	}
	return func(name string) {
		if name == step && atomic.AddInt64(&passed, 1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

// child is a running child process, seen from the parent.
type child struct {
	*node
	cmd *exec.Cmd
}

// prepare writes what a child needs into the setup's folder.
func (s *setup) prepare(t testing.TB) {
	key, err := x509.MarshalPKCS8PrivateKey(s.cert.PrivateKey)
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"cert.pem": s.certPEM, "genesis.block": wire.MustMarshal(s.genesis),
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), content, 0o600))
	}
}

func (s *setup) spawn(t testing.TB, failAt string) *child {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"="+s.dir, failVar+"="+failAt)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{cmd: cmd, node: &node{t: t, s: s}}
	t.Cleanup(c.kill)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return c // it died before it could serve
	}
	c.address = strings.TrimSpace(address)
	roots, err := comm.NewRoots(s.ca.pem)
	require.NoError(t, err)
	c.conn, err = comm.Dial(t.Context(), c.address, comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	if err != nil {
		c.conn = nil
	}
	return c
}

func (c *child) kill() {
	if c.stopped {
		return
	}
	c.stopped = true
	if c.conn != nil {
		require.NoError(c.t, c.conn.Close())
	}
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	_ = c.cmd.Wait()
}

// send broadcasts on one stream until n messages are accepted or the child is gone, and returns how many were.
func (c *child) send(envs []*commonpb.Envelope) (accepted int) {
	if c.conn == nil {
		return 0
	}
	stream, err := ordererpb.NewAtomicBroadcastClient(c.conn).Broadcast(c.t.Context())
	if err != nil {
		return 0
	}
	for _, env := range envs {
		if stream.Send(env) != nil {
			return accepted
		}
		if r, err := stream.Recv(); err != nil || r.Status != commonpb.Status_SUCCESS {
			return accepted
		}
		accepted++
	}
	return accepted
}

// follow reads a channel's blocks until the stream ends or enough says so. While the channel does not exist it asks again.
func (c *child) follow(channel string, enough func([]*commonpb.Block) bool) (blocks []*commonpb.Block) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	env := message(c.t, ordererAdmin(c.t), commonpb.HeaderType_DELIVER_SEEK_INFO, channel, wire.MustMarshal(&ordererpb.SeekInfo{
		Start: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Oldest{Oldest: &ordererpb.SeekOldest{}}},
		Stop:  &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: math.MaxUint64}}},
	}))
	for c.conn != nil {
		stream, err := ordererpb.NewAtomicBroadcastClient(c.conn).Deliver(ctx)
		if err != nil || stream.Send(env) != nil {
			return blocks
		}
		for {
			r, err := stream.Recv()
			if err != nil {
				return blocks
			}
			if r.GetBlock() == nil {
				break // not there yet
			}
			blocks = append(blocks, r.GetBlock())
			if enough(blocks) {
				return blocks
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return blocks
}

// TestKill kills a node at each durable step, and at none, and looks at what the next process makes of it: whatever was delivered is still
// there, the chain is whole, no message is in it twice, and the node orders.
func TestKill(t *testing.T) {
	steps := map[string][]string{
		"solo":     {"append:1", "append:9", "sync:1", "sync:2", "sync:3", "create:1"},
		"etcdraft": {"log:1", "log:2", "log:3", "log:6", "append:1", "append:9", "commit:1", "commit:4", "create:1", "snapshot-sync:1", "snapshot:1", "snapshot:2"},
	}
	for kind, at := range steps {
		for _, step := range at {
			t.Run(kind+" "+step, func(t *testing.T) {
				t.Parallel()
				s := newSetup(t, kind, setBatch(3, 1<<20, "1s"), smallSnapshots)
				s.prepare(t)
				killAndCheck(t, s, step)
			})
		}
	}
}

func smallSnapshots(root *commonpb.ConfigGroup) {
	v := root.Groups["Orderer"].Values["ConsensusType"]
	kind := &ordererpb.ConsensusType{}
	if err := proto.Unmarshal(v.Value, kind); err != nil || kind.Type != "etcdraft" {
		return
	}
	m := raftMetadata()
	if err := proto.Unmarshal(kind.Metadata, m); err != nil {
		panic(err)
	}
	m.Options.SnapshotIntervalSize = 20_000
	kind.Metadata = wire.MustMarshal(m)
	v.Value = wire.MustMarshal(kind)
}

func killAndCheck(t *testing.T, s *setup, step string) {
	create := creation(t, "mychannel", user(t, "Org1MSP", "Admin"), user(t, "Org2MSP", "Admin"))
	client := user(t, "Org1MSP", "User1")
	envs := make([]*commonpb.Envelope, 40)
	for i := range envs {
		envs[i] = transaction(t, client, "mychannel", fmt.Sprintf("message %d %s", i, strings.Repeat("x", 1000)))
	}

	first := s.spawn(t, step)
	delivered := make(chan []*commonpb.Block, 1)
	accepted := 0
	if first.send([]*commonpb.Envelope{create}) == 1 {
		go func() { delivered <- first.follow("mychannel", func([]*commonpb.Block) bool { return false }) }()
		for range 400 { // the channel comes into being after the answer
			if n := first.send(envs[accepted:]); n > 0 {
				accepted += n
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	} else {
		delivered <- nil
	}
	waited := make(chan error, 1)
	go func() { waited <- first.cmd.Wait() }()
	select {
	case <-waited:
	case <-time.After(15 * time.Second):
		t.Fatalf("the node did not get to step %s", step)
	}
	before := <-delivered
	t.Logf("killed at %s: %d messages accepted, %d blocks delivered", step, accepted, len(before))

	second := s.spawn(t, "")
	defer second.kill()
	require.NotNil(t, second.conn, "the node does not start after a kill at %s", step)
	if len(before) == 0 {
		second.send([]*commonpb.Envelope{create}) // refused if the channel was created after all
	}
	last := transaction(t, client, "mychannel", "the last message")
	for second.send([]*commonpb.Envelope{last}) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	raw := string(wire.MustMarshal(last))
	after := second.follow("mychannel", func(b []*commonpb.Block) bool {
		d := b[len(b)-1].Data.Data
		return string(d[len(d)-1]) == raw
	})
	require.GreaterOrEqual(t, len(after), len(before)+1)
	var previous []byte
	seen := map[string]bool{}
	for i, b := range after {
		require.NoError(t, block.Check(b))
		require.Equal(t, string(previous), string(b.Header.PreviousHash), "block %d", i)
		previous = block.HeaderHash(b.Header)
		if i < len(before) {
			require.Equal(t, block.HeaderHash(before[i].Header), previous, "block %d was delivered, and is another one now", i)
		}
		for _, d := range b.Data.Data {
			require.False(t, seen[string(d)], "a message is in the chain twice")
			seen[string(d)] = true
		}
	}
}

func certHash(c tls.Certificate) []byte {
	sum := sha256.Sum256(c.Certificate[0])
	return sum[:]
}

func seekAll() []byte {
	return wire.MustMarshal(&ordererpb.SeekInfo{
		Start: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Oldest{Oldest: &ordererpb.SeekOldest{}}},
		Stop:  &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Newest{Newest: &ordererpb.SeekNewest{}}},
	})
}
