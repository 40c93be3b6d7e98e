package shim

import (
	"errors"
	"io"
	"sync"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// Pipe returns the two ends of a stream in memory: one for StartInProc, one for the peer. Messages are handed over, not copied: whoever has sent
// one must not touch it again. Once either end has closed, Recv on the other returns what was sent before and then io.EOF.
func Pipe() (chaincode, peer ClientStream) {
	a, b := newPipeHalf(), newPipeHalf()
	return &pipeEnd{in: a, out: b}, &pipeEnd{in: b, out: a}
}

// pipeDepth is how many messages may be on their way in one direction before Send waits.
const pipeDepth = 64

// pipeHalf carries messages in one direction.
type pipeHalf struct {
	messages chan *pb.ChaincodeMessage
	done     chan struct{} // closed with the pipe
	once     sync.Once
}

func newPipeHalf() *pipeHalf {
	return &pipeHalf{messages: make(chan *pb.ChaincodeMessage, pipeDepth), done: make(chan struct{})}
}

type pipeEnd struct{ in, out *pipeHalf }

func (p *pipeEnd) Send(m *pb.ChaincodeMessage) error {
	select {
	case <-p.out.done:
		return errPipeClosed
	default:
	}
	select {
	case p.out.messages <- m:
		return nil
	case <-p.out.done:
		return errPipeClosed
	}
}

func (p *pipeEnd) Recv() (*pb.ChaincodeMessage, error) {
	select {
	case m := <-p.in.messages:
		return m, nil
	case <-p.in.done:
	}
	select {
	case m := <-p.in.messages:
		return m, nil
	default:
		return nil, io.EOF
	}
}

// CloseSend closes both directions, as a peer ends the stream of a chaincode that has closed its side.
func (p *pipeEnd) CloseSend() error {
	p.out.once.Do(func() { close(p.out.done) })
	p.in.once.Do(func() { close(p.in.done) })
	return nil
}

var errPipeClosed = errors.New("the stream between peer and chaincode is closed")
