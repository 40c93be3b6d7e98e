package blocksync_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/blocksync"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chainOf is a chain of n blocks whose data begins with salt, each of about size bytes.
func chainOf(n int, salt string, size int) []*commonpb.Block {
	var previous []byte
	blocks := make([]*commonpb.Block, n)
	for i := range blocks {
		blocks[i] = block.New(uint64(i), previous, [][]byte{append([]byte(salt), make([]byte, size)...)})
		previous = block.HeaderHash(blocks[i].Header)
	}
	return blocks
}

// orderer is a Deliver server whose answers a test decides.
type orderer struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	address string
	calls   atomic.Int64
	answer  func(from uint64, s ordererpb.AtomicBroadcast_DeliverServer) error
	server  *grpc.Server
	done    chan error
}

func (o *orderer) Deliver(s ordererpb.AtomicBroadcast_DeliverServer) error {
	o.calls.Add(1)
	env, err := s.Recv()
	if err != nil {
		return err
	}
	e, err := tx.FromEnvelope(env)
	if err != nil {
		return err
	}
	seek := &ordererpb.SeekInfo{}
	if err := proto.Unmarshal(e.Data, seek); err != nil {
		return err
	}
	if e.ChannelID() != "mychannel" || string(e.Signature) != "signature" || string(e.Creator()) != "creator" || seek.Behavior != ordererpb.SeekInfo_BLOCK_UNTIL_READY {
		return errors.New("not the request that was expected")
	}
	return o.answer(seek.Start.GetSpecified().GetNumber(), s)
}

func send(s ordererpb.AtomicBroadcast_DeliverServer, blocks ...*commonpb.Block) error {
	for _, b := range blocks {
		if err := s.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Block{Block: b}}); err != nil {
			return err
		}
	}
	return nil
}

// serving answers with the blocks from the one asked for, and then waits as an orderer does.
func serving(blocks []*commonpb.Block) func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error {
	return func(from uint64, s ordererpb.AtomicBroadcast_DeliverServer) error {
		if err := send(s, blocks[min(from, uint64(len(blocks))):]...); err != nil {
			return err
		}
		<-s.Context().Done()
		return nil
	}
}

// listen starts an orderer; address may be "" for any port.
func listen(t *testing.T, address string, answer func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error) *orderer {
	if address == "" {
		address = "127.0.0.1:0"
	}
	o := &orderer{answer: answer, done: make(chan error, 1)}
	o.server = comm.NewServer(comm.ServerOptions{Log: slog.New(slog.DiscardHandler)})
	ordererpb.RegisterAtomicBroadcastServer(o.server, o)
	var l net.Listener
	require.Eventually(t, func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", address)
		return err == nil
	}, 5*time.Second, 10*time.Millisecond)
	o.address = l.Addr().String()
	go func() { o.done <- o.server.Serve(l) }()
	t.Cleanup(o.stop)
	return o
}

func (o *orderer) stop() {
	o.server.Stop()
	if err, ok := <-o.done; ok && err == nil {
		close(o.done)
	}
}

type signer struct{}

func (signer) Sign([]byte) ([]byte, error) { return []byte("signature"), nil }
func (signer) Creator() []byte             { return []byte("creator") }

// puller is a running Run and what it handed on.
type puller struct {
	t      *testing.T
	mu     sync.Mutex
	got    []*commonpb.Block
	cancel context.CancelFunc
	result chan error
}

func pull(t *testing.T, have []*commonpb.Block, change func(*blocksync.Config), orderers ...*orderer) *puller {
	p := &puller{t: t, result: make(chan error, 1)}
	conf := blocksync.Config{
		ChannelID: "mychannel",
		Endpoints: func() (all []string) {
			for _, o := range orderers {
				all = append(all, o.address)
			}
			return all
		},
		Dial:     func(string) (comm.ClientOptions, error) { return comm.ClientOptions{}, nil },
		Height:   func() uint64 { return uint64(len(have)) },
		LastHash: func() ([]byte, error) { return block.HeaderHash(have[len(have)-1].Header), nil },
		Verify:   func(*commonpb.Block) error { return nil },
		Handle: func(_ context.Context, b *commonpb.Block) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.got = append(p.got, b)
			return nil
		},
		Signer:     func() tx.Signer { return signer{} },
		Now:        time.Now,
		Log:        slog.New(slog.DiscardHandler),
		MinBackoff: time.Millisecond,
		MaxBackoff: 50 * time.Millisecond,
	}
	if change != nil {
		change(&conf)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	go func() { p.result <- blocksync.Run(ctx, conf) }()
	t.Cleanup(func() {
		cancel()
		<-p.result
	})
	return p
}

// wait waits for the blocks and nothing else.
func (p *puller) wait(want []*commonpb.Block) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.got) >= len(want)
	}, 10*time.Second, time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(p.t, p.got, len(want))
	for i := range want {
		require.True(p.t, proto.Equal(want[i], p.got[i]), "block %d", i)
	}
}

func TestCatchUp(t *testing.T) {
	chain := chainOf(20, "a", 10)
	pull(t, nil, nil, listen(t, "", serving(chain))).wait(chain)
	pull(t, chain[:15], nil, listen(t, "", serving(chain))).wait(chain[15:])
}

// TestOrdererRestarts: the stream ends again and again, also while nothing listens.
func TestOrdererRestarts(t *testing.T) {
	chain := chainOf(9, "a", 10)
	o := listen(t, "", serving(chain[:3]))
	p := pull(t, nil, nil, o)
	p.wait(chain[:3])
	o.stop()
	time.Sleep(20 * time.Millisecond)
	o = listen(t, o.address, serving(chain[:6]))
	p.wait(chain[:6])
	o.stop()
	listen(t, o.address, serving(chain))
	p.wait(chain)
}

// TestUntrusted: whatever is wrong with what one orderer sends, none of it is handed on, and the other orderer's blocks are.
func TestUntrusted(t *testing.T) {
	chain, foreign := chainOf(6, "a", 10), chainOf(6, "b", 10)
	tampered := proto.CloneOf(chain[2])
	tampered.Data.Data[0][0] ^= 1
	status := func(s commonpb.Status) func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error {
		return func(_ uint64, stream ordererpb.AtomicBroadcast_DeliverServer) error {
			return stream.Send(&ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Status{Status: s}})
		}
	}
	fixed := func(blocks ...*commonpb.Block) func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error {
		return func(_ uint64, s ordererpb.AtomicBroadcast_DeliverServer) error {
			if err := send(s, blocks...); err != nil {
				return err
			}
			<-s.Context().Done()
			return nil
		}
	}
	for name, bad := range map[string]func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error{
		"another chain":     fixed(foreign[2]),
		"tampered data":     fixed(tampered),
		"a block too early": fixed(chain[1]),
		"a gap":             fixed(chain[3]),
		"no header":         fixed(&commonpb.Block{}),
		"nil block":         fixed(nil),
		"forbidden":         status(commonpb.Status_FORBIDDEN),
		"not found":         status(commonpb.Status_NOT_FOUND),
		"success":           status(commonpb.Status_SUCCESS),
		"an empty response": func(_ uint64, s ordererpb.AtomicBroadcast_DeliverServer) error {
			return s.Send(&ordererpb.DeliverResponse{})
		},
		"an error": func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error { return errors.New("no") },
	} {
		t.Run(name, func(t *testing.T) {
			pull(t, chain[:2], nil, listen(t, "", bad), listen(t, "", serving(chain))).wait(chain[2:])
		})
	}
}

func TestSignatureIsVerified(t *testing.T) {
	chain := chainOf(6, "a", 10)
	forged, honest := listen(t, "", serving(chain)), listen(t, "", serving(chain))
	var verified atomic.Int64
	p := pull(t, nil, func(c *blocksync.Config) {
		c.Verify = func(b *commonpb.Block) error {
			if verified.Add(1) == 3 { // the third block of the first orderer
				return errors.New("signature set did not satisfy policy")
			}
			return nil
		}
	}, forged, honest)
	p.wait(chain)
	require.Positive(t, honest.calls.Load())
	require.Equal(t, int64(len(chain)+1), verified.Load(), "every block is verified once, and the refused one again")
}

func TestHandleFails(t *testing.T) {
	chain := chainOf(6, "a", 10)
	boom := errors.New("the disk is full")
	p := pull(t, nil, func(c *blocksync.Config) {
		c.Handle = func(_ context.Context, b *commonpb.Block) error {
			if b.Header.Number == 2 {
				return boom
			}
			return nil
		}
	}, listen(t, "", serving(chain)))
	err := <-p.result
	require.ErrorIs(t, err, boom)
	p.result <- err
}

// TestCancel ends Run while it waits: for a block, for an address, for the next attempt.
func TestCancel(t *testing.T) {
	o := listen(t, "", serving(chainOf(1, "a", 10)))
	for name, orderers := range map[string][]*orderer{"a block": {o}, "an address": nil, "an attempt": {{address: "127.0.0.1:1"}}} {
		t.Run(name, func(t *testing.T) {
			p := pull(t, nil, func(c *blocksync.Config) { c.MinBackoff, c.MaxBackoff = time.Hour, time.Hour }, orderers...)
			time.Sleep(30 * time.Millisecond)
			p.cancel()
			select {
			case err := <-p.result:
				require.ErrorIs(t, err, context.Canceled)
				p.result <- err
			case <-time.After(5 * time.Second):
				t.Fatal("Run does not end")
			}
		})
	}
}

// TestBackoff: one dead address is not hammered.
func TestBackoff(t *testing.T) {
	o := listen(t, "", func(uint64, ordererpb.AtomicBroadcast_DeliverServer) error { return errors.New("no") })
	begin := time.Now()
	pull(t, nil, func(c *blocksync.Config) { c.MinBackoff, c.MaxBackoff = 20*time.Millisecond, time.Second }, o)
	require.Eventually(t, func() bool { return o.calls.Load() >= 5 }, 20*time.Second, time.Millisecond)
	require.Greater(t, time.Since(begin), 150*time.Millisecond) // at least half of 20, 40, 80 and 160 ms lie between five calls
}

// TestBackpressure: while Handle is busy the orderer is not read from, so that it cannot fill our memory.
func TestBackpressure(t *testing.T) {
	chain := chainOf(60, "a", 1<<20)
	var sent atomic.Int64
	o := listen(t, "", func(_ uint64, s ordererpb.AtomicBroadcast_DeliverServer) error {
		for _, b := range chain {
			if err := send(s, b); err != nil {
				return err
			}
			sent.Add(1)
		}
		<-s.Context().Done()
		return nil
	})
	release := make(chan struct{})
	var handled atomic.Int64
	p := pull(t, nil, func(c *blocksync.Config) {
		c.Handle = func(ctx context.Context, b *commonpb.Block) error {
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
			handled.Add(1)
			return nil
		}
	}, o)
	time.Sleep(300 * time.Millisecond)
	require.Less(t, sent.Load(), int64(25), "blocks of 1 MB sent while none was taken")
	close(release)
	require.Eventually(t, func() bool { return handled.Load() == int64(len(chain)) }, 20*time.Second, time.Millisecond)
	p.cancel()
}

func TestSettingsAreAskedForEachConnection(t *testing.T) {
	chain := chainOf(4, "a", 10)
	o := listen(t, "", serving(chain))
	var asked atomic.Int64
	p := pull(t, nil, func(c *blocksync.Config) {
		c.Dial = func(address string) (comm.ClientOptions, error) {
			if address != o.address {
				return comm.ClientOptions{}, fmt.Errorf("unexpected address %s", address)
			}
			if asked.Add(1) < 3 {
				return comm.ClientOptions{}, errors.New("no roots yet")
			}
			return comm.ClientOptions{}, nil
		}
	}, o)
	p.wait(chain)
	require.Equal(t, int64(3), asked.Load())
}
