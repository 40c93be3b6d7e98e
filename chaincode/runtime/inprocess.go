package runtime

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// Stream is the peer's end of a chaincode stream. Each direction is used by one goroutine at a time.
type Stream interface {
	Send(*peerpb.ChaincodeMessage) error
	Recv() (*peerpb.ChaincodeMessage, error)
	Context() context.Context
}

// ClientStream is the chaincode's end of it.
type ClientStream interface {
	Send(*peerpb.ChaincodeMessage) error
	Recv() (*peerpb.ChaincodeMessage, error)
	CloseSend() error
}

// InProcess runs chaincode that is compiled into the peer, each over a stream in memory. It is trusted: a panic in it is the peer's.
type InProcess struct {
	// Chaincodes speak to the peer as the chaincode id ("name:version") until the stream ends, by chaincode name.
	Chaincodes map[string]func(id string, s ClientStream) error
	// Serve is the peer's end: the chaincode support.
	Serve func(s Stream) error
}

// Start runs the chaincode in a goroutine of its own.
func (p *InProcess) Start(ctx context.Context, l Launch) (Instance, error) {
	run, ok := p.Chaincodes[l.Name]
	if !ok {
		return nil, fmt.Errorf("this peer has no chaincode %s compiled in", l.Name)
	}
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	i := &inProcess{end: end, ended: make(chan struct{}), exits: make(chan Exit, 1)}
	up, down := make(chan *peerpb.ChaincodeMessage), make(chan *peerpb.ChaincodeMessage)
	var both sync.WaitGroup
	both.Go(func() {
		defer end(io.EOF)
		_ = p.Serve(&pipe{ctx: life, in: up, out: down, end: end}) // the support tells its callers why it ended
	})
	var err error
	both.Go(func() {
		defer end(io.EOF)
		err = run(l.ID(), &pipe{ctx: life, in: down, out: up, end: end})
	})
	go func() {
		both.Wait()
		e := Exit{Err: err}
		if err != nil {
			e.Code = 1
		}
		i.exits <- e
		close(i.exits)
		close(i.ended)
	}()
	return i, nil
}

type inProcess struct {
	end   context.CancelCauseFunc
	ended chan struct{}
	exits chan Exit
}

func (i *inProcess) Wait() <-chan Exit { return i.exits }

func (i *inProcess) Stop(ctx context.Context) error {
	i.end(io.EOF)
	select {
	case <-i.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("an in-process chaincode is still busy: %w", context.Cause(ctx))
	}
}

// pipe is one end of a stream in memory. Messages are handed over, not copied.
type pipe struct {
	ctx context.Context
	in  <-chan *peerpb.ChaincodeMessage
	out chan<- *peerpb.ChaincodeMessage
	end context.CancelCauseFunc
}

func (p *pipe) Context() context.Context { return p.ctx }

// CloseSend ends the stream: chaincode that sends no more has nothing to receive either.
func (p *pipe) CloseSend() error {
	p.end(io.EOF)
	return nil
}

func (p *pipe) Send(m *peerpb.ChaincodeMessage) error {
	select {
	case p.out <- m:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

func (p *pipe) Recv() (*peerpb.ChaincodeMessage, error) {
	select {
	case m := <-p.in:
		return m, nil
	case <-p.ctx.Done():
		return nil, context.Cause(p.ctx)
	}
}
