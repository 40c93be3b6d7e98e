package deliver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Channel is what a stream reads from: a channel of an orderer or of a peer.
type Channel interface {
	// Height is the number of blocks; at least 1.
	Height() uint64
	// RawBlock is the encoded common.Block, as stored. The caller must not change it.
	RawBlock(number uint64) ([]byte, error)
	// Wait returns nil once Height() > number, or an error when ctx ends or the channel closes.
	Wait(ctx context.Context, number uint64) error
	// Sequence counts the channel's configurations; a change makes a stream ask Authorize again.
	Sequence() uint64
	// Authorize tells whether the creator of the request, whose signature it verifies, may read. Peers are given the resource of the
	// service called (acl.EventBlock, acl.EventFilteredBlock); an orderer is given "".
	Authorize(resource string, request *tx.Envelope) error
	// Errored is closed while the channel cannot order; nil for a peer.
	Errored() <-chan struct{}
}

// Server serves the three Deliver calls. All fields but Metrics must be set.
type Server struct {
	Channel    func(id string) (Channel, bool)
	TimeWindow time.Duration // how far a request's timestamp may be from now, either way; 0 means 15 min
	MutualTLS  bool          // requests must name the TLS certificate of their connection
	// NoExpirationChecks lets streams of expired identities go on (General.Authentication.NoExpirationChecks).
	NoExpirationChecks bool
	Now                func() time.Time
	Metrics            *Metrics
	Log                *slog.Logger

	filteredBlocks filteredBlocks
}

// defaultTimeWindow is peer.authentication.timewindow and General.Authentication.TimeWindow when not set.
const defaultTimeWindow = 15 * time.Minute

// Orderer serves AtomicBroadcast/Deliver.
func (s *Server) Orderer(stream ordererpb.AtomicBroadcast_DeliverServer) error {
	return s.serve(&session{Server: s, stream: stream, recv: stream.Recv, encode: ordererAnswers})
}

// Peer is the protos.Deliver service: Deliver and DeliverFiltered.
type Peer struct {
	peerpb.UnimplementedDeliverServer
	*Server
}

// Deliver streams whole blocks.
func (p Peer) Deliver(stream peerpb.Deliver_DeliverServer) error {
	return p.serve(&session{Server: p.Server, stream: stream, recv: stream.Recv, resource: acl.EventBlock, encode: peerAnswers})
}

// DeliverFiltered streams, per transaction, its id, type, validation code and chaincode event without payload.
func (p Peer) DeliverFiltered(stream peerpb.Deliver_DeliverFilteredServer) error {
	return p.serve(&session{Server: p.Server, stream: stream, recv: stream.Recv, resource: acl.EventFilteredBlock, filtered: true, encode: peerAnswers})
}

// session is one stream of one client.
type session struct {
	*Server
	stream   grpc.ServerStream
	recv     func() (*commonpb.Envelope, error)
	resource string
	filtered bool
	encode   answers
	log      *slog.Logger
}

func (s *Server) serve(c *session) error {
	ctx := c.stream.Context()
	c.log = s.Log.With("client", comm.RemoteAddress(ctx))
	s.Metrics.opened()
	defer s.Metrics.closed()
	for {
		env, err := c.recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		status, err := c.answer(ctx, env)
		if err != nil {
			return err
		}
		if err := c.send(c.encode.status(status)); err != nil || status != commonpb.Status_SUCCESS {
			return err
		}
	}
}
