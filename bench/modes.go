package bench

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// OK is the outcome of an operation that ends without a validation code.
const OK = "OK"

// Network is what a load is put on.
type Network struct {
	Client  *client.Client
	Peers   []*client.Peer // they endorse; the first one's commits are waited for
	Orderer *client.Orderer
}

// Endorse asks all peers of the network to endorse, and orders nothing.
func (n *Network) Endorse(ctx context.Context, w *Workload, load Load) (*Result, error) {
	sources := sourcesOf(w, load.Workers)
	return load.Run(ctx, func(ctx context.Context, worker, i int) (string, error) {
		proposal, err := n.Client.NewProposal(sources[worker].next(i))
		if err != nil {
			return "", err
		}
		_, err = n.Client.Endorse(ctx, proposal, n.Peers...)
		return OK, err
	})
}

func sourcesOf(w *Workload, workers int) []*requests {
	sources := make([]*requests, workers)
	for i := range sources {
		sources[i] = w.requests(i)
	}
	return sources
}

// Submit takes transactions all the way: endorsed by all peers, ordered, and committed by the first peer. Until the load ends it follows that
// peer's events, and sends on a stream per worker.
func (n *Network) Submit(ctx context.Context, w *Workload, load Load) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	var following errgroup.Group
	defer func() {
		cancel()
		_ = following.Wait() // why the stream has ended is in commits
	}()
	follower, err := n.Client.Follow(ctx, n.Peers[0], w.ChannelID)
	if err != nil {
		return nil, err
	}
	commits := &commits{waiting: map[string]chan peerpb.TxValidationCode{}, ended: make(chan struct{})}
	following.Go(func() error { return commits.follow(follower) })
	send, err := n.broadcasters(ctx, load.Workers)
	if err != nil {
		return nil, err
	}
	sources := sourcesOf(w, load.Workers)
	return load.Run(ctx, func(ctx context.Context, worker, i int) (string, error) {
		proposal, err := n.Client.NewProposal(sources[worker].next(i))
		if err != nil {
			return "", err
		}
		responses, err := n.Client.Endorse(ctx, proposal, n.Peers...)
		if err != nil {
			return "", err
		}
		envelope, err := tx.Assemble(n.Client.Signer, proposal, responses)
		if err != nil {
			return "", err
		}
		committed := commits.expect(proposal.TxID())
		defer commits.forget(proposal.TxID())
		if err := send[worker].Send(envelope); err != nil {
			return "", err
		}
		select {
		case code := <-committed:
			return code.String(), nil
		case <-commits.ended:
			return "", commits.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
}

// Order sends transactions to the orderer and waits for its answer, not for a block. They are endorsed by nobody: orderers do not look,
// and peers will find them invalid.
func (n *Network) Order(ctx context.Context, w *Workload, load Load) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx) // of the streams
	defer cancel()
	send, err := n.broadcasters(ctx, load.Workers)
	if err != nil {
		return nil, err
	}
	return load.Run(ctx, func(_ context.Context, worker, i int) (string, error) {
		header := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_MESSAGE), ChannelId: w.ChannelID}
		envelope, err := tx.NewEnvelope(n.Client.Signer, header, &peerpb.ChaincodeInput{Args: [][]byte{make([]byte, w.ValueSize)}})
		if err != nil {
			return "", err
		}
		return OK, send[worker].Send(envelope)
	})
}

func (n *Network) broadcasters(ctx context.Context, workers int) ([]*client.Broadcaster, error) {
	all := make([]*client.Broadcaster, workers)
	for i := range all {
		var err error
		if all[i], err = n.Orderer.OpenBroadcast(ctx); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// commits waits for many transactions on one stream of a peer's events.
type commits struct {
	mu      sync.Mutex
	waiting map[string]chan peerpb.TxValidationCode

	ended chan struct{} // closed when the stream has ended
	err   error         // why, once ended is closed
}

// follow tells what the stream brings, until it ends; it never ends without an error.
func (c *commits) follow(f *client.Follower) error {
	defer close(c.ended)
	for {
		var b *peerpb.FilteredBlock
		if b, c.err = f.Next(); c.err != nil {
			return c.err
		}
		c.tell(b)
	}
}

func (c *commits) expect(txID string) <-chan peerpb.TxValidationCode {
	committed := make(chan peerpb.TxValidationCode, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[txID] = committed
	return committed
}

func (c *commits) forget(txID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, txID)
}

func (c *commits) tell(b *peerpb.FilteredBlock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range b.GetFilteredTransactions() {
		if committed, ok := c.waiting[t.GetTxid()]; ok {
			committed <- t.GetTxValidationCode()
			delete(c.waiting, t.GetTxid())
		}
	}
}
