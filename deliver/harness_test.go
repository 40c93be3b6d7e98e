package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain is a channel in memory.
type chain struct {
	mu        sync.Mutex
	blocks    [][]byte
	changed   chan struct{}
	sequence  uint64
	errored   chan struct{}
	resources []string
	allow     func(*tx.Envelope) error
}

func newChain(blocks ...[]byte) *chain {
	return &chain{blocks: blocks, changed: make(chan struct{}), errored: make(chan struct{}), allow: func(*tx.Envelope) error { return nil }}
}

// fabricChain is the first n blocks of the vectors' chain.
func fabricChain(t testing.TB, n int) *chain {
	c := newChain()
	for i := range n {
		c.blocks = append(c.blocks, vectors.Read(t, "fabric-1.4", "chain", fmt.Sprintf("%d.block", i)))
	}
	return c
}

func (c *chain) append(raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks = append(c.blocks, raw)
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *chain) reconfigure(allow func(*tx.Envelope) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	c.allow = allow
}

func (c *chain) Height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.blocks))
}

func (c *chain) RawBlock(n uint64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n >= uint64(len(c.blocks)) {
		return nil, errors.New("no such block")
	}
	if c.blocks[n] == nil {
		return nil, errors.New("the disk is broken")
	}
	return c.blocks[n], nil
}

func (c *chain) Wait(ctx context.Context, n uint64) error {
	for {
		c.mu.Lock()
		height, changed := len(c.blocks), c.changed
		c.mu.Unlock()
		if uint64(height) > n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *chain) Sequence() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sequence
}

func (c *chain) Authorize(resource string, e *tx.Envelope) error {
	c.mu.Lock()
	c.resources = append(c.resources, resource)
	allow := c.allow
	c.mu.Unlock()
	return allow(e)
}

func (c *chain) Errored() <-chan struct{} { return c.errored }

// services are the three ways to ask for blocks.
var services = []string{"orderer", "peer.full", "peer.filtered"}

type network struct {
	t      testing.TB
	server *deliver.Server
	conn   *grpc.ClientConn
}

type ordererService struct {
	ordererpb.UnimplementedAtomicBroadcastServer
	*deliver.Server
}

func (o ordererService) Deliver(s ordererpb.AtomicBroadcast_DeliverServer) error {
	return o.Server.Orderer(s)
}

// serve runs a server for the channel "mychannel".
func serve(t testing.TB, c *chain, adjust ...func(*deliver.Server)) *network {
	s := &deliver.Server{
		Channel: func(id string) (deliver.Channel, bool) { return c, id == "mychannel" },
		Now:     time.Now,
		Log:     slog.New(slog.DiscardHandler),
	}
	for _, a := range adjust {
		a(s)
	}
	g := comm.NewServer(comm.ServerOptions{Log: s.Log})
	ordererpb.RegisterAtomicBroadcastServer(g, ordererService{Server: s})
	peerpb.RegisterDeliverServer(g, deliver.Peer{Server: s})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	conn, err := comm.Dial(t.Context(), l.Addr().String(), comm.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		g.Stop()
		require.NoError(t, <-served)
	})
	return &network{t: t, server: s, conn: conn}
}

// stream is one open call of any of the services; its answers are told as probe.md tells them.
type stream struct {
	grpc.ClientStream
	t      testing.TB
	cancel context.CancelFunc
}

func (n *network) open(service string) stream {
	method := map[string]string{
		"orderer":       ordererpb.AtomicBroadcast_Deliver_FullMethodName,
		"peer.full":     peerpb.Deliver_Deliver_FullMethodName,
		"peer.filtered": peerpb.Deliver_DeliverFiltered_FullMethodName,
	}[service]
	ctx, cancel := context.WithCancel(n.t.Context())
	n.t.Cleanup(cancel)
	s, err := n.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	require.NoError(n.t, err)
	return stream{s, n.t, cancel}
}

// next is the next answer: a block, a status, or the end of the stream. Both services number their fields alike.
func (s stream) next() string {
	m := &peerpb.DeliverResponse{}
	if err := s.RecvMsg(m); errors.Is(err, io.EOF) {
		return "EOF"
	} else if err != nil {
		return err.Error()
	}
	switch r := m.Type.(type) {
	case *peerpb.DeliverResponse_Block:
		return fmt.Sprintf("block%d", r.Block.GetHeader().GetNumber())
	case *peerpb.DeliverResponse_FilteredBlock:
		return fmt.Sprintf("block%d", r.FilteredBlock.Number)
	case *peerpb.DeliverResponse_Status:
		return r.Status.String()
	}
	return "nothing"
}

func (s stream) rest() string {
	var all []string
	for {
		a := s.next()
		if all = append(all, a); a == "EOF" || strings.HasPrefix(a, "rpc") {
			return strings.Join(all, ", ")
		}
	}
}

// ask sends one request, closes our side and tells all that comes.
func (n *network) ask(service string, env *commonpb.Envelope) string {
	s := n.open(service)
	require.NoError(n.t, s.SendMsg(env))
	require.NoError(n.t, s.CloseSend())
	return s.rest()
}

func at(n uint64) *ordererpb.SeekPosition {
	return &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: n}}}
}

var (
	oldest = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Oldest{Oldest: &ordererpb.SeekOldest{}}}
	newest = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Newest{Newest: &ordererpb.SeekNewest{}}}
	next   = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_NextCommit{NextCommit: &ordererpb.SeekNextCommit{}}}
)

const (
	wait = ordererpb.SeekInfo_BLOCK_UNTIL_READY
	fail = ordererpb.SeekInfo_FAIL_IF_NOT_READY
)

func seek(start, stop *ordererpb.SeekPosition, behavior ordererpb.SeekInfo_SeekBehavior) *ordererpb.SeekInfo {
	return &ordererpb.SeekInfo{Start: start, Stop: stop, Behavior: behavior}
}

// request is an envelope for info; change may spoil its header.
func request(info *ordererpb.SeekInfo, change ...func(*commonpb.ChannelHeader)) *commonpb.Envelope {
	h := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_DELIVER_SEEK_INFO), ChannelId: "mychannel", Timestamp: timestamppb.Now()}
	for _, c := range change {
		c(h)
	}
	return &commonpb.Envelope{
		Payload: wire.MustMarshal(&commonpb.Payload{
			Header: &commonpb.Header{
				ChannelHeader:   wire.MustMarshal(h),
				SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: []byte("creator"), Nonce: []byte("nonce")}),
			},
			Data: wire.MustMarshal(info),
		}),
		Signature: []byte("signature"),
	}
}
