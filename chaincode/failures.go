package chaincode

import (
	"fmt"
	"time"

	"github.com/heddleledger/heddle/chaincode/pack"
)

// failures is what is remembered of a chaincode whose launches failed in a row.
type failures struct {
	pkg   *pack.Package // that was launched; another one, installed since, gets a new chance
	count int
	last  error
	next  time.Time // of the next attempt, at the earliest
}

// longestBackoff bounds the time between two attempts to launch a chaincode.
const longestBackoff = time.Minute

// infancy is how long an instance must live once it is ready, or until it says the first word about a transaction, for its launch to count
// as a success.
const infancy = time.Second

// failedLately returns the last failure of a chaincode that is not to be launched again yet. The caller holds s.mu.
func (s *Support) failedLately(id id, p *pack.Package) error {
	f := s.failures[id]
	if f == nil {
		return nil
	}
	if f.pkg != p {
		delete(s.failures, id)
		return nil
	}
	wait := time.Until(f.next)
	if wait <= 0 {
		return nil
	}
	return fmt.Errorf("%w; failed %d times in a row: the next attempt is made in %s, or as soon as it is installed anew, instantiated or upgraded",
		f.last, f.count, max(wait.Round(100*time.Millisecond), 100*time.Millisecond))
}

// failedAgain remembers a failed launch. An instance that became ready has its first failure free: most often it was the fault of the one
// transaction. The caller holds s.mu.
func (s *Support) failedAgain(l *launch, err error) {
	f := s.failures[l.id]
	if f == nil || f.pkg != l.pkg {
		f = &failures{pkg: l.pkg}
		s.failures[l.id] = f
	}
	var wait time.Duration
	switch {
	case l.handler == nil:
		wait = s.Backoff << min(f.count, 16)
	case f.count > 0:
		wait = s.Backoff << min(f.count-1, 16)
	}
	f.count, f.last, f.next = f.count+1, err, time.Now().Add(min(wait, longestBackoff))
}

// lived judges a launch by the life of its instance.
func (s *Support) lived(l *launch, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := l.handler; h.heard.Load() == 0 && age < infancy && !orderly(h.endCause) {
		s.failedAgain(l, fmt.Errorf("it ended as soon as it was ready: %s", l.exit))
		return
	}
	delete(s.failures, l.id)
}

// forgive lets a chaincode be launched at once, however often it failed.
func (s *Support) forgive(id id) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failures, id)
	delete(s.outdated, id)
}
