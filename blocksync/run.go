package blocksync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Run pulls blocks until ctx ends (it then returns ctx's error) or Handle fails (it then returns that error).
func Run(ctx context.Context, c Config) error {
	c = c.orDefaults()
	at, err := c.chain()
	if err != nil {
		return err
	}
	wait, dry := c.MinBackoff, drought{}
	for turn := 0; ; turn++ {
		endpoints := c.Endpoints()
		progress := false
		if len(endpoints) == 0 {
			c.Log.Error("no orderer endpoint is known for the channel; waiting for one", "channel", c.ChannelID)
		} else {
			address := endpoints[turn%len(endpoints)]
			began := c.Now()
			n, err := c.pull(ctx, address, at)
			var stop *handleError
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.As(err, &stop):
				return stop.err
			}
			progress = n > 0
			c.Log.Warn("the stream of blocks ended", "channel", c.ChannelID, "orderer", address, "blocks", n, "err", err)
			worked := progress || c.Now().Sub(began) > c.MaxBackoff // a stream that lives without blocks is one that waits for them
			if dry.tooLong(worked, c.Now(), c.Patience) {
				c.Log.Warn("no orderer has served the channel for longer than the threshold; trying goes on, since no other peer fetches blocks for this one",
					"channel", c.ChannelID, "threshold", c.Patience)
			}
		}
		if progress {
			wait = c.MinBackoff
		}
		// Another orderer is tried at once; only a whole round of failures waits.
		if !progress && len(endpoints) > 0 && (turn+1)%len(endpoints) != 0 {
			continue
		}
		if err := sleep(ctx, jitter(wait)); err != nil {
			return err
		}
		if !progress {
			wait = min(2*wait, c.MaxBackoff)
		}
	}
}

// drought is a time in which no orderer serves the channel.
type drought struct {
	since time.Time // zero: there is none
	told  bool
}

// tooLong takes the end of a stream, which worked or not, and tells, once in a drought, that it has lasted for longer than patience.
func (d *drought) tooLong(worked bool, now time.Time, patience time.Duration) bool {
	switch {
	case worked:
		*d = drought{}
	case d.since.IsZero():
		d.since = now
	case patience > 0 && !d.told && now.Sub(d.since) >= patience:
		d.told = true
		return true
	}
	return false
}

// handleError marks an error of Config.Handle, which is ours and not the orderer's.
type handleError struct{ err error }

func (e *handleError) Error() string { return e.err.Error() }
func (e *handleError) Unwrap() error { return e.err }

// pull streams blocks from one orderer until something fails, and tells how many were handed on.
func (c *Config) pull(ctx context.Context, address string, at *chain) (blocks int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options, err := c.Dial(address)
	if err != nil {
		return 0, fmt.Errorf("connection settings for orderer %s: %w", address, err)
	}
	conn, err := comm.Dial(ctx, address, options)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	stream, err := c.open(ctx, conn, options.TLS, at.next)
	if err != nil {
		return 0, err
	}
	for {
		var raw comm.Raw
		if err := stream.RecvMsg(&raw); err != nil {
			return blocks, err
		}
		response := &ordererpb.DeliverResponse{}
		if err := wire.UnmarshalInPlace(raw, response); err != nil {
			return blocks, fmt.Errorf("orderer %s sent what is no answer: %w", address, err)
		}
		block, ok := response.Type.(*ordererpb.DeliverResponse_Block)
		if !ok {
			return blocks, fmt.Errorf("orderer answered with status %s", response.GetStatus())
		}
		if err := at.check(block.Block); err != nil {
			return blocks, fmt.Errorf("orderer %s sent a block that cannot be trusted: %w", address, err)
		}
		if err := c.Verify(block.Block); err != nil {
			return blocks, fmt.Errorf("orderer %s sent block [%d] whose signature is not accepted: %w", address, at.next, err)
		}
		if err := c.Handle(ctx, block.Block); err != nil {
			return blocks, &handleError{err}
		}
		at.advance(block.Block)
		blocks++
	}
}

// open asks for every block from number on.
func (c *Config) open(ctx context.Context, conn *grpc.ClientConn, tls *comm.ClientTLS, number uint64) (ordererpb.AtomicBroadcast_DeliverClient, error) {
	env, err := tx.NewEnvelope(c.Signer(), &commonpb.ChannelHeader{
		Type:        int32(commonpb.HeaderType_DELIVER_SEEK_INFO),
		ChannelId:   c.ChannelID,
		Timestamp:   timestamppb.New(c.Now()),
		TlsCertHash: tls.CertHash(),
	}, &ordererpb.SeekInfo{
		Start:    specified(number),
		Stop:     specified(math.MaxUint64),
		Behavior: ordererpb.SeekInfo_BLOCK_UNTIL_READY,
	})
	if err != nil {
		return nil, err
	}
	stream, err := ordererpb.NewAtomicBroadcastClient(conn).Deliver(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(env); err != nil {
		return nil, fmt.Errorf("sending the deliver request: %w", err)
	}
	return stream, nil
}

func specified(number uint64) *ordererpb.SeekPosition {
	return &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: number}}}
}

// jitter spreads the reconnections of many peers: between half of d and d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
