package client

import (
	"context"
	"fmt"
	"math"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Position is a place in a channel's chain.
type Position struct {
	seek       *ordererpb.SeekPosition
	bestEffort bool
	ifThere    bool
}

// Oldest is the first block of the chain.
func Oldest() Position {
	return Position{seek: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Oldest{Oldest: &ordererpb.SeekOldest{}}}}
}

// Newest is the last block of the chain when the server reads the request.
func Newest() Position {
	return Position{seek: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Newest{Newest: &ordererpb.SeekNewest{}}}}
}

// Number is the block n.
func Number(n uint64) Position {
	return Position{seek: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: n}}}}
}

// Forever is the end of a stream that does not end.
func Forever() Position { return Number(math.MaxUint64) }

// BestEffort is p asked of a server that may be unable to order at the moment: it shall serve the blocks it has nevertheless.
func (p Position) BestEffort() Position {
	p.bestEffort = true
	return p
}

// IfThere is p asked of a server that shall not wait for blocks that do not exist yet: it ends with the status NOT_FOUND instead.
func (p Position) IfThere() Position {
	p.ifThere = true
	return p
}

// Deliverer serves blocks: a *Peer or an *Orderer.
type Deliverer interface {
	deliverBlocks(ctx context.Context, seek *commonpb.Envelope) (func() (blockOrStatus, error), error)
	conn() *Conn
}

// blockOrStatus is one message of a deliver stream, of a peer or of an orderer.
type blockOrStatus interface {
	GetBlock() *commonpb.Block
	GetStatus() commonpb.Status
}

// Blocks calls each for every block from start to stop, waiting for those that do not exist yet, and returns nil after the last one.
// An error of each ends the stream and is returned as it is; any other error is a *DeliverError.
func (c *Client) Blocks(ctx context.Context, from Deliverer, channelID string, start, stop Position, each func(*commonpb.Block) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := func(err error) error {
		return &DeliverError{Address: from.conn().Address, ChannelID: channelID, Err: err}
	}
	seek, err := c.seek(from.conn(), channelID, start, stop)
	if err != nil {
		return failed(err)
	}
	recv, err := from.deliverBlocks(ctx, seek)
	if err != nil {
		return failed(err)
	}
	for {
		m, err := recv()
		if err != nil {
			return failed(err)
		}
		if b := m.GetBlock(); b != nil {
			if err := each(b); err != nil {
				return err
			}
			continue
		}
		if s := m.GetStatus(); s != commonpb.Status_SUCCESS {
			return &DeliverError{Address: from.conn().Address, ChannelID: channelID, Status: s}
		}
		return nil
	}
}

// Block fetches the one block at p.
func (c *Client) Block(ctx context.Context, from Deliverer, channelID string, p Position) (*commonpb.Block, error) {
	var block *commonpb.Block
	err := c.Blocks(ctx, from, channelID, p, p, func(b *commonpb.Block) error {
		block = b
		return nil
	})
	if err == nil && block == nil {
		err = &DeliverError{Address: from.conn().Address, ChannelID: channelID, Err: fmt.Errorf("the server sent no block")}
	}
	return block, err
}

func (c *Client) seek(conn *Conn, channelID string, start, stop Position) (*commonpb.Envelope, error) {
	info := &ordererpb.SeekInfo{Start: start.seek, Stop: stop.seek, Behavior: ordererpb.SeekInfo_BLOCK_UNTIL_READY}
	if start.ifThere {
		info.Behavior = ordererpb.SeekInfo_FAIL_IF_NOT_READY
	}
	if start.bestEffort {
		info.ErrorResponse = ordererpb.SeekInfo_BEST_EFFORT
	}
	return c.envelope(&commonpb.ChannelHeader{
		Type:        int32(commonpb.HeaderType_DELIVER_SEEK_INFO),
		Timestamp:   timestamppb.New(c.Now()),
		ChannelId:   channelID,
		TlsCertHash: conn.TLSCertHash,
	}, info)
}

func (c *Conn) conn() *Conn { return c }

func (p *Peer) deliverBlocks(ctx context.Context, seek *commonpb.Envelope) (func() (blockOrStatus, error), error) {
	stream, err := p.deliver.Deliver(ctx)
	if err != nil {
		return nil, err
	}
	_ = stream.Send(seek) // a failure shows in Recv, with its reason
	return func() (blockOrStatus, error) { return received[*peerpb.DeliverResponse](stream.Recv()) }, nil
}

func (o *Orderer) deliverBlocks(ctx context.Context, seek *commonpb.Envelope) (func() (blockOrStatus, error), error) {
	stream, err := o.broadcast.Deliver(ctx)
	if err != nil {
		return nil, err
	}
	_ = stream.Send(seek)
	return func() (blockOrStatus, error) { return received[*ordererpb.DeliverResponse](stream.Recv()) }, nil
}

func received[M blockOrStatus](m M, err error) (blockOrStatus, error) { return m, err }
