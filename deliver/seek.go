package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// answer serves one request: it sends the blocks and returns the status that follows them, or an error if the stream is broken.
func (c *session) answer(ctx context.Context, env *commonpb.Envelope) (status commonpb.Status, err error) {
	request, err := tx.FromEnvelope(env)
	if err != nil {
		c.log.Warn("refusing a deliver request that does not parse", "err", err)
		return commonpb.Status_BAD_REQUEST, nil
	}
	if err := c.checkHeader(ctx, request.Channel); err != nil {
		c.log.Warn("refusing a deliver request", "channel", brief(request.ChannelID()), "err", err)
		return commonpb.Status_BAD_REQUEST, nil
	}
	channel, ok := c.Channel(request.ChannelID())
	if !ok {
		c.log.Debug("refusing a deliver request for an unknown channel", "channel", brief(request.ChannelID()))
		return commonpb.Status_NOT_FOUND, nil
	}
	c.Metrics.received(request.ChannelID(), c.filtered)
	defer func() { c.Metrics.completed(request.ChannelID(), c.filtered, status == commonpb.Status_SUCCESS) }()

	seek := &ordererpb.SeekInfo{}
	if err := proto.Unmarshal(request.Data, seek); err != nil {
		c.log.Warn("refusing a deliver request with a malformed SeekInfo", "channel", request.ChannelID(), "err", err)
		return commonpb.Status_BAD_REQUEST, nil
	}
	s := &search{session: c, channel: channel, request: request, seek: seek, log: c.log.With("channel", request.ChannelID())}
	return s.run(ctx)
}

// checkHeader holds the header against the clock and against the TLS connection.
func (c *session) checkHeader(ctx context.Context, h *commonpb.ChannelHeader) error {
	if h.Timestamp == nil {
		return errors.New("channel header in envelope must contain timestamp")
	}
	window := c.TimeWindow
	if window == 0 {
		window = defaultTimeWindow
	}
	sent, now := h.Timestamp.AsTime(), c.Now()
	if apart := now.Sub(sent).Abs(); apart > window {
		return fmt.Errorf("envelope timestamp %s is more than %s apart from current server time %s", sent, window, now)
	}
	if c.MutualTLS {
		return comm.CheckBinding(ctx, h.TlsCertHash)
	}
	return nil
}

// brief keeps a client from filling the log.
func brief(s string) string { return s[:min(len(s), 80)] }

// search is one request on one channel.
type search struct {
	*session
	channel Channel
	request *tx.Envelope
	seek    *ordererpb.SeekInfo
	log     *slog.Logger

	expires    time.Time
	authorized bool
	sequence   uint64 // of the configuration under which the policy was last found satisfied
}

func (s *search) run(ctx context.Context) (commonpb.Status, error) {
	errored := s.channel.Errored()
	if s.seek.ErrorResponse == ordererpb.SeekInfo_BEST_EFFORT {
		errored = nil // blocks that exist are of use even while nothing can be ordered
	}
	select {
	case <-errored:
		s.log.Warn("refusing a deliver request because the consenter cannot order")
		return commonpb.Status_SERVICE_UNAVAILABLE, nil
	default:
	}
	if !s.NoExpirationChecks {
		s.expires = msp.ExpiresAt(s.request.Creator())
	}
	if err := s.authorize(); err != nil {
		s.log.Warn("refusing a deliver request", policy.Attrs(err)...)
		return commonpb.Status_FORBIDDEN, nil
	}
	number, stop, status := s.bounds()
	if status != commonpb.Status_SUCCESS {
		return status, nil
	}
	if errored == nil {
		return s.deliver(ctx, number, stop)
	}
	watched, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-errored:
			cancel(errConsenter)
		case <-watched.Done():
		}
	}()
	defer func() { cancel(nil); <-done }()
	return s.deliver(watched, number, stop)
}

// errConsenter ends a wait because no block will come.
var errConsenter = errors.New("the consenter reports an error")

// authorize checks that the session has not outlived the client's certificate and, at first and after each change of the channel's
// configuration, that its policy lets the client read.
func (s *search) authorize() error {
	if now := s.Now(); !s.expires.IsZero() && now.After(s.expires) {
		return fmt.Errorf("client identity expired %v before", now.Sub(s.expires))
	}
	sequence := s.channel.Sequence()
	if s.authorized && sequence <= s.sequence {
		return nil
	}
	if err := s.channel.Authorize(s.resource, s.request); err != nil {
		return err
	}
	s.authorized, s.sequence = true, sequence
	return nil
}

// bounds gives the numbers of the first and last block asked for, or the status that refuses the request. Two of 1.4.12's ways are kept
// on purpose: a start beyond the height is NOT_FOUND at once, whatever the behavior asked for; and a stop that lies before the start is
// refused only if it is given as a number.
func (s *search) bounds() (start, stop uint64, status commonpb.Status) {
	if s.seek.Start == nil || s.seek.Stop == nil {
		s.log.Warn("refusing a deliver request without start or stop")
		return 0, 0, commonpb.Status_BAD_REQUEST
	}
	height := s.channel.Height()
	found := true
	switch p := s.seek.Start.Type.(type) {
	case *ordererpb.SeekPosition_Oldest:
	case *ordererpb.SeekPosition_Newest:
		start = height - 1
	case *ordererpb.SeekPosition_Specified:
		if start = p.Specified.GetNumber(); start > height {
			start, found = 0, false
		}
	default:
		found = false
	}
	switch p := s.seek.Stop.Type.(type) {
	case *ordererpb.SeekPosition_Oldest:
		stop = start
	case *ordererpb.SeekPosition_Newest:
		if stop = height - 1; proto.Equal(s.seek.Start, s.seek.Stop) {
			stop = start
		}
	case *ordererpb.SeekPosition_Specified:
		if stop = p.Specified.GetNumber(); stop < start {
			s.log.Warn("refusing a deliver request: start number greater than stop number", "start", start, "stop", stop)
			return 0, 0, commonpb.Status_BAD_REQUEST
		}
	}
	if !found {
		return 0, 0, commonpb.Status_NOT_FOUND
	}
	return start, stop, commonpb.Status_SUCCESS
}

// deliver sends block after block up to stop.
func (s *search) deliver(ctx context.Context, number, stop uint64) (commonpb.Status, error) {
	for ; ; number++ {
		if s.channel.Height() <= number {
			if s.seek.Behavior == ordererpb.SeekInfo_FAIL_IF_NOT_READY {
				return commonpb.Status_NOT_FOUND, nil
			}
			if err := s.channel.Wait(ctx, number); err != nil {
				return s.unavailable(ctx, number, err)
			}
		}
		m, err := s.message(number)
		if err != nil {
			s.log.Error("reading a block to deliver", "number", number, "err", err)
			return commonpb.Status_SERVICE_UNAVAILABLE, nil
		}
		if err := s.authorize(); err != nil {
			s.log.Warn("ending a deliver request", "err", err)
			return commonpb.Status_FORBIDDEN, nil
		}
		if err := s.send(m); err != nil {
			return commonpb.Status_INTERNAL_SERVER_ERROR, err
		}
		s.Metrics.sent(s.request.ChannelID(), s.filtered)
		if number == stop {
			return commonpb.Status_SUCCESS, nil
		}
	}
}

// unavailable ends a request whose next block cannot be waited for: with an error if the client is gone, with a status otherwise.
func (s *search) unavailable(ctx context.Context, number uint64, err error) (commonpb.Status, error) {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errConsenter) {
		return commonpb.Status_INTERNAL_SERVER_ERROR, fmt.Errorf("context finished before block retrieved: %w", cause)
	}
	s.log.Warn("ending a deliver request", "waiting_for", number, "err", err)
	return commonpb.Status_SERVICE_UNAVAILABLE, nil
}

// message is the answer that carries a block.
func (s *search) message(number uint64) (comm.Encoded, error) {
	if !s.filtered {
		raw, err := s.channel.RawBlock(number)
		if err != nil {
			return nil, err
		}
		return s.encode.block(raw), nil
	}
	return s.filteredBlocks.get(blockID{s.request.ChannelID(), number}, func() (proto.Message, error) {
		raw, err := s.channel.RawBlock(number)
		if err != nil {
			return nil, err
		}
		return s.filter(number, raw), nil
	})
}

// filter makes the answer that carries a filtered block. If there can be none, Fabric's clients get a status in its place and the stream
// goes on.
func (s *search) filter(number uint64, raw []byte) proto.Message {
	f, err := filter(raw)
	if err != nil {
		s.log.Warn("a block cannot be filtered", "number", number, "err", err)
		return s.encode.status(commonpb.Status_BAD_REQUEST)
	}
	return &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_FilteredBlock{FilteredBlock: f}}
}
