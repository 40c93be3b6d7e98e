package chaincode

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var (
	errOutdated = errors.New("no channel of this peer defines this version any more")
	errStuck    = errors.New("a transaction timed out in it")
	errRetired  = errors.New("the stream has ended in order")
)

// Upgraded takes note of definitions that a block has instantiated or upgraded. What the peer launched of these chaincodes under versions
// that no channel defines any more is stopped as soon as its transactions have ended. Upgraded does not wait for that.
func (s *Support) Upgraded(definitions []*peerpb.ChaincodeData) {
	for _, d := range definitions {
		for _, h := range s.otherVersions(id{d.Name, d.Version}) {
			if s.Defined != nil && s.Defined(h.id.name, h.id.version) {
				continue
			}
			s.mu.Lock()
			s.outdated[h.id] = true
			s.mu.Unlock()
			h.retire(errOutdated)
		}
	}
}

// otherVersions returns the streams of launched chaincode of that name at other versions. What failed to start is forgiven.
func (s *Support) otherVersions(current id) []*handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.outdated, current)
	for failed := range s.failures {
		if failed.name == current.name {
			delete(s.failures, failed)
		}
	}
	var others []*handler
	for id, h := range s.handlers {
		if id.name == current.name && id != current && h.launch != nil {
			others = append(others, h)
		}
	}
	return others
}

// retire ends a stream as soon as no transaction is under way on it. Until then it takes new ones: there is no other stream to send them to.
func (h *handler) retire(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retiring == nil {
		h.retiring = why
	}
	h.leaveIfIdle()
}

// leaveIfIdle ends a retiring stream without transactions. The caller holds h.mu, so that none can begin.
func (h *handler) leaveIfIdle() {
	if h.retiring != nil && len(h.transactions) == 0 {
		h.end(h.retiring)
	}
}

// withOutput adds to an error about a launched chaincode what that wrote last, but not before a time, as far as its runtime can tell before the
// end. What an old transaction had to say does not explain a new one's failure.
func (s *Support) withOutput(err error, l *launch, after time.Time) error {
	if l == nil {
		return err
	}
	s.mu.RLock()
	i := l.instance
	s.mu.RUnlock()
	if i, ok := i.(runtime.Talkative); ok {
		if last := i.LastLines(after); len(last) > 0 {
			return fmt.Errorf("%w; its last lines: %s", err, strings.Join(last, " | "))
		}
	}
	return err
}

// misbehaviour is why the peer itself ended a stream.
type misbehaviour struct {
	how string // in the past tense
	error
}

func (m *misbehaviour) Unwrap() error { return m.error }

// ending names the end of a launched chaincode that was ready, after why its stream ended and how it did.
func ending(cause error, e runtime.Exit) string {
	var own *misbehaviour
	switch {
	case errors.As(cause, &own):
		return own.how
	case errors.Is(cause, errStuck):
		return "stuck"
	case errors.Is(cause, errOutdated) || errors.Is(cause, errClosed):
		return "stopped"
	case e.Code != 0 || e.Err != nil:
		return "crashed"
	}
	return "exited"
}

// orderly tells whether a stream was ended for a reason that is no fault of its chaincode's.
func orderly(cause error) bool {
	return cause == nil || errors.Is(cause, errOutdated) || errors.Is(cause, errClosed)
}
