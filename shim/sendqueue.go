package shim

import (
	"io"
	"sync"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

const (
	// sendQueueLimit is how many bytes may wait to be sent before Send waits too. One message may go beyond it.
	sendQueueLimit = 1 << 20
	// maxKeptBuffer is how large a buffer may have grown and still be used again.
	maxKeptBuffer = 1 << 20
)

// sendQueue is the body of the request: messages are encoded into it and the HTTP client reads what has gathered, so that messages sent at the same
// time leave in one write.
type sendQueue struct {
	mu      sync.Mutex
	changed sync.Cond // broadcast when any field below has changed
	buf     []byte
	read    int           // bytes of buf already read
	ended   error         // why nothing more can be sent
	drained chan struct{} // closed when the reader has met the end, or is gone
	once    sync.Once
}

func newSendQueue() *sendQueue {
	q := &sendQueue{drained: make(chan struct{})}
	q.changed.L = &q.mu
	return q
}

// send appends m. It waits while too much is unsent.
func (q *sendQueue) send(m *pb.ChaincodeMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.ended == nil && len(q.buf)-q.read > sendQueueLimit {
		q.changed.Wait()
	}
	if q.ended != nil {
		return q.ended
	}
	b, err := appendFrame(q.buf, m)
	if err != nil {
		return err
	}
	q.buf = b
	q.changed.Broadcast()
	return nil
}

// end makes every further send fail with err. What is queued is still read.
func (q *sendQueue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil {
		q.ended = err
		q.changed.Broadcast()
	}
}

// Read gives the HTTP client what is queued; io.EOF once the queue has ended and is empty.
func (q *sendQueue) Read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.ended == nil && q.read == len(q.buf) {
		q.changed.Wait()
	}
	if q.read == len(q.buf) {
		q.once.Do(func() { close(q.drained) })
		return 0, io.EOF
	}
	n := copy(p, q.buf[q.read:])
	q.read += n
	if q.read == len(q.buf) {
		q.read, q.buf = 0, q.buf[:0]
		if cap(q.buf) > maxKeptBuffer {
			q.buf = nil
		}
	}
	q.changed.Broadcast()
	return n, nil
}

// Close is called by the HTTP client when it will read no more.
func (q *sendQueue) Close() error {
	q.end(errStreamEnded)
	q.once.Do(func() { close(q.drained) })
	return nil
}
