package client

import (
	"context"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Broadcast hands one envelope to the orderer and returns when it answered SUCCESS. The error is a *BroadcastError.
func (o *Orderer) Broadcast(ctx context.Context, e *commonpb.Envelope) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	failed := func(err error) error {
		return &BroadcastError{TxID: txID(e), Address: o.Address, Err: err}
	}
	stream, err := o.broadcast.Broadcast(ctx)
	if err != nil {
		return failed(err)
	}
	// A failed Send says only io.EOF; the reason comes with Recv.
	_ = stream.Send(e)
	r, err := stream.Recv()
	if err != nil {
		return failed(err)
	}
	if r.Status != commonpb.Status_SUCCESS {
		return &BroadcastError{TxID: txID(e), Address: o.Address, Status: r.Status, Info: r.Info}
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
