package endorser

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/heddleledger/heddle/policy"
)

// refusal says which counter counts a refused proposal.
type refusal int

const (
	refusedInvalid refusal = iota
	refusedDuplicate
	refusedAccess
)

type refusalError struct {
	refusal
	error
}

func (e *refusalError) Unwrap() error { return e.error }

func reason(err error) refusal {
	var e *refusalError
	if errors.As(err, &e) {
		return e.refusal
	}
	return refusedInvalid
}

// strangerError is what a creator who is not accepted gets to know; why is for the log alone.
type strangerError struct {
	error
	why error
}

// logRefusal says in the log, in one line, which proposal was refused and why. The log is the only place where a creator who is not accepted can be
// read about.
func (s *Server) logRefusal(ctx context.Context, r *request, err error) {
	log := s.o.Log.With("channel", r.channelID(), "txid", short(r.txID()))
	var stranger *strangerError
	if !errors.As(err, &stranger) {
		log.WarnContext(ctx, "Proposal refused", policy.Attrs(err)...)
		return
	}
	if !log.Enabled(ctx, slog.LevelWarn) {
		return
	}
	attrs := []any{"err", err, "reason", stranger.why}
	if s.described.take(s.o.Now()) {
		d := s.msps(r).Describe(r.Creator())
		attrs = append(attrs, "creator", d.String(), "problem", d.Problem)
	}
	log.WarnContext(ctx, "Creator of a proposal is not accepted", attrs...)
}

// maxDescribed is how many creators who are not accepted are described in a second. What is wrong with a certificate costs up to a check of a
// signature per CA, and anybody can send proposals; the others are logged with the reason alone.
const maxDescribed = 5

// perSecond lets maxDescribed through in each second of the clock.
type perSecond struct {
	mu     sync.Mutex
	second int64
	taken  int
}

func (p *perSecond) take(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Unix() != p.second {
		p.second, p.taken = now.Unix(), 0
	}
	p.taken++
	return p.taken <= maxDescribed
}
