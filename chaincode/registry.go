package chaincode

import (
	"fmt"

	"github.com/heddleledger/heddle/comm"
)

// enter counts a new stream in, unless the support is closed.
func (s *Support) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// authenticate holds, over TLS, the certificate of a stream against the one issued to the chaincode it wants to be.
func (s *Support) authenticate(h *handler, id id) error {
	if s.Authority == nil {
		return nil
	}
	return s.Authority.Check(comm.PeerCertificate(h.stream.Context()), id.String())
}

// admit reserves the chaincode id for a stream: one the peer is launching, or in development mode any, that has no stream yet.
func (s *Support) admit(h *handler, id id) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.launches[id]
	switch {
	case s.closed:
		return errClosed
	case s.handlers[id] != nil && !s.handlers[id].over():
		return fmt.Errorf("duplicate chaincodeID: %s", id)
	case l == nil && s.Runtime != nil:
		for _, l := range s.launches { // one of which it may have come from
			l.impostor = id
		}
		return fmt.Errorf("peer will not accept external chaincode connection %s (except in dev mode)", id)
	}
	h.id, h.launch = id, l
	if s.outdated[id] {
		h.retiring = errOutdated // after the transactions that it is launched for
	}
	s.handlers[id] = h
	return nil
}

// publish lets transactions use a stream on which READY is queued, and ends the launch that led to it.
func (s *Support) publish(h *handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(h.ready)
	if l := h.launch; l != nil && s.launches[h.id] == l {
		delete(s.launches, h.id)
		l.handler = h
		close(l.decided)
	}
}

// remove forgets a stream that is over and returns whose it was.
func (s *Support) remove(h *handler) id {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handlers[h.id] == h {
		delete(s.handlers, h.id)
	}
	return h.id
}
