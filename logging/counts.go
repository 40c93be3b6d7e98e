package logging

import (
	"log/slog"
	"sync/atomic"
)

// names are the levels' names, as levelName gives them, in the order of rank.
var names = [...]string{"payload", "debug", "info", "warn", "error", "dpanic", "panic", "fatal"}

// Counts tells, by level, how many lines were held against the levels of their loggers, and how many of them were written. What is below the level
// of every logger is not counted.
func (l *Logs) Counts() (checked, written map[string]uint64) {
	return l.counts.checked.byName(), l.counts.written.byName()
}

type counts struct{ checked, written perLevel }

type perLevel [len(names)]atomic.Uint64

func (p *perLevel) of(level slog.Level) *atomic.Uint64 { return &p[rank(level)] }

func (p *perLevel) byName() map[string]uint64 {
	m := map[string]uint64{}
	for i, name := range names {
		m[name] = p[i].Load()
	}
	return m
}
