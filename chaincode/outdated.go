package chaincode

import (
	"fmt"
	"time"
)

// idlePoll is how often an outdated chaincode is looked at for transactions that it still works on.
const idlePoll = 50 * time.Millisecond

// Outdated ends the instances of a chaincode that this support launched in versions of which defined tells that no channel has them any more. It
// returns at once; what an instance works on may first come to its end, within the execute timeout.
func (s *Support) Outdated(name string, defined func(version string) bool) {
	for _, h := range s.launched(name) {
		if defined(h.id.version) || !s.enter() {
			continue
		}
		go func() {
			defer s.work.Done()
			h.retire()
		}()
	}
}

// launched are the streams of a chaincode, in whatever version, that this support launched and that are ready.
func (s *Support) launched(name string) []*handler {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*handler
	for id, h := range s.handlers {
		if id.name != name || h.launch == nil || h.over() {
			continue
		}
		select {
		case <-h.ready:
			found = append(found, h)
		default: // whoever launches it means to use it
		}
	}
	return found
}

// retire ends the stream once no transaction is on it. Ending it ends the instance.
func (h *handler) retire() {
	poll := time.NewTicker(idlePoll)
	defer poll.Stop()
	deadline := time.NewTimer(h.s.ExecuteTimeout)
	defer deadline.Stop()
	for {
		if h.idle() {
			h.s.Log.Info("Stopping a chaincode of a version that no channel defines any more", "chaincode", h.id.String())
			h.end(nil)
			return
		}
		select {
		case <-h.done:
			return
		case <-deadline.C:
			h.end(fmt.Errorf("chaincode %s was upgraded, and a transaction on the old version does not end", h.id))
			return
		case <-poll.C:
		}
	}
}

func (h *handler) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.transactions) == 0
}
