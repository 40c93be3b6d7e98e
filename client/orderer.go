package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Broadcast hands one envelope to the orderer and returns when it answered SUCCESS. The error is a *BroadcastError.
func (o *Orderer) Broadcast(ctx context.Context, e *commonpb.Envelope) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	b, err := o.OpenBroadcast(ctx)
	if err != nil {
		return &BroadcastError{TxID: txID(e), Address: o.Address, Err: err}
	}
	defer b.stream.CloseSend() // the orderer learns that nothing went wrong
	return b.Send(e)
}

// Broadcaster is a stream of envelopes to an orderer, for one goroutine.
type Broadcaster struct {
	address string
	stream  grpc.BidiStreamingClient[commonpb.Envelope, ordererpb.BroadcastResponse]
}

// OpenBroadcast opens a stream that lives until ctx ends.
func (o *Orderer) OpenBroadcast(ctx context.Context) (*Broadcaster, error) {
	stream, err := o.broadcast.Broadcast(ctx)
	if err != nil {
		return nil, err
	}
	return &Broadcaster{address: o.Address, stream: stream}, nil
}

// Send hands one envelope to the orderer and returns when it answered SUCCESS. The error is a *BroadcastError; one without a status ends
// the stream.
func (b *Broadcaster) Send(e *commonpb.Envelope) error {
	_ = b.stream.Send(e) // a failure says only io.EOF; the reason comes with Recv
	r, err := b.stream.Recv()
	if err != nil {
		return &BroadcastError{TxID: txID(e), Address: b.address, Err: err}
	}
	if r.Status != commonpb.Status_SUCCESS {
		return &BroadcastError{TxID: txID(e), Address: b.address, Status: r.Status, Info: r.Info}
	}
	return nil
}

func txID(e *commonpb.Envelope) string {
	p, err := tx.FromEnvelope(e)
	if err != nil {
		return ""
	}
	return p.TxID()
}
