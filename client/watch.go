package client

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Commit is where and how one peer committed a transaction.
type Commit struct {
	Address string
	Block   uint64
	Code    peerpb.TxValidationCode
	Event   *peerpb.ChaincodeEvent // nil when the chaincode set none
}

// Watch waits for one transaction on several peers. Open it before the transaction is broadcast.
type Watch struct {
	txID    string
	streams []*filtered
	cancel  context.CancelFunc
}

// filtered is the stream of one peer's filtered blocks, opened and past the first answer.
type filtered struct {
	address string
	stream  grpc.BidiStreamingClient[commonpb.Envelope, peerpb.DeliverResponse]
	first   *peerpb.FilteredBlock
	// whole fetches the block at a position, for a block that the peer cannot filter.
	whole func(Position) (*commonpb.Block, error)
	next  Position // of the block that comes next
}

// Watch opens an event stream to each peer and returns when all have started: every block that a peer commits from now on is seen. The
// streams live until Close, or until ctx ends. The error is a *CommitError that is NotSent.
func (c *Client) Watch(ctx context.Context, channelID, txID string, peers ...*Peer) (*Watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &Watch{txID: txID, streams: make([]*filtered, len(peers)), cancel: cancel}
	var g errgroup.Group
	for i, p := range peers {
		g.Go(func() error {
			f, err := c.openFiltered(ctx, p, channelID)
			if err != nil {
				return &CommitError{TxID: txID, Address: p.Address, NotSent: true, Err: err}
			}
			w.streams[i] = f
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		cancel()
		return nil, err
	}
	return w, nil
}

// Close ends the streams.
func (w *Watch) Close() { w.cancel() }

// Wait returns, in the order of the peers, where each committed the transaction, once all have, VALID or not: the caller judges the
// codes (Invalid helps). The error is a *CommitError for the first peer whose stream failed, or whose ctx ended.
func (w *Watch) Wait(ctx context.Context) ([]Commit, error) {
	defer w.cancel()
	defer context.AfterFunc(ctx, w.cancel)()
	commits := make([]Commit, len(w.streams))
	var g errgroup.Group
	for i, f := range w.streams {
		g.Go(func() error {
			var err error
			if commits[i], err = f.wait(w.txID); err != nil {
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				w.cancel()
				return &CommitError{TxID: w.txID, Address: f.address, Err: err}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return commits, nil
}

// Invalid is a *CommitError for the first commit that is not VALID, else nil.
func Invalid(txID string, commits []Commit) error {
	for _, c := range commits {
		if c.Code != peerpb.TxValidationCode_VALID {
			return &CommitError{TxID: txID, Address: c.Address, Block: c.Block, Code: c.Code}
		}
	}
	return nil
}

func (c *Client) openFiltered(ctx context.Context, p *Peer, channelID string) (*filtered, error) {
	seek, err := c.seek(p.Conn, channelID, Newest(), Forever())
	if err != nil {
		return nil, err
	}
	stream, err := p.deliver.DeliverFiltered(ctx)
	if err != nil {
		return nil, err
	}
	_ = stream.Send(seek) // a failure shows in Recv, with its reason
	f := &filtered{
		address: p.Address, stream: stream, next: Newest(),
		whole: func(at Position) (*commonpb.Block, error) { return c.Block(ctx, p, channelID, at) },
	}
	f.first, err = f.recv()
	return f, err
}

func (f *filtered) wait(txID string) (Commit, error) {
	b := f.first
	for {
		for _, t := range b.FilteredTransactions {
			if t.GetTxid() == txID {
				return Commit{Address: f.address, Block: b.Number, Code: t.TxValidationCode, Event: event(t)}, nil
			}
		}
		var err error
		if b, err = f.recv(); err != nil {
			return Commit{}, err
		}
	}
}

func (f *filtered) recv() (*peerpb.FilteredBlock, error) {
	m, err := f.stream.Recv()
	if err != nil {
		return nil, err
	}
	var b *peerpb.FilteredBlock
	switch t := m.Type.(type) {
	case *peerpb.DeliverResponse_FilteredBlock:
		if b = t.FilteredBlock; b == nil {
			return nil, errors.New("the peer sent an empty filtered block")
		}
	case *peerpb.DeliverResponse_Status:
		if b, err = f.unfiltered(t.Status); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("received unexpected response type (%T)", m.Type)
	}
	f.next = Number(b.Number + 1)
	return b, nil
}

// unfiltered is the block in whose place the peer sent a status. Peers do so for a block that holds somebody's garbage, which must not keep
// others from learning of their transactions. Chaincode events are left out. When the status meant what it says, it is the error.
func (f *filtered) unfiltered(status commonpb.Status) (*peerpb.FilteredBlock, error) {
	refused := fmt.Errorf("deliver completed with status (%s) before txid received", status)
	if status != commonpb.Status_BAD_REQUEST {
		return nil, refused
	}
	whole, err := f.whole(f.next)
	if err != nil {
		return nil, refused
	}
	filtered := &peerpb.FilteredBlock{Number: whole.GetHeader().GetNumber()}
	codes := block.Codes(whole)
	for i, raw := range whole.GetData().GetData() {
		if e, err := tx.ParseEnvelope(raw); err == nil && i < len(codes) {
			filtered.FilteredTransactions = append(filtered.FilteredTransactions, &peerpb.FilteredTransaction{
				Txid: e.TxID(), Type: e.Type(), TxValidationCode: codes[i],
			})
		}
	}
	return filtered, nil
}

func event(t *peerpb.FilteredTransaction) *peerpb.ChaincodeEvent {
	for _, a := range t.GetTransactionActions().GetChaincodeActions() {
		if e := a.GetChaincodeEvent(); e.GetEventName() != "" {
			return e
		}
	}
	return nil
}
