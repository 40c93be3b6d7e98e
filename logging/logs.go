// Package logging is how every part of Heddle writes its log: log/slog loggers named by module, whose levels follow one
// specification in the grammar of FABRIC_LOGGING_SPEC and can be changed while the process runs.
//
// A Logs is made once, at the edge of the process, and hands out loggers:
//
//	logs, err := logging.New(os.Stderr, os.Getenv("FABRIC_LOGGING_FORMAT"), os.Getenv("FABRIC_LOGGING_SPEC"))
//	log := logs.Named("peer.chaincode")
//
// Invariants: there is no package state; a line is one Write; asking whether a level is on takes no lock, so a disabled Debug call
// costs a pointer comparison; SetSpec reaches loggers already handed out.
package logging

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// Logs owns the output, the format and the levels of a process's log.
type Logs struct {
	out    *output
	layout *layout // nil when lines are JSON or logfmt
	json   bool
	levels atomic.Pointer[levels]
	counts counts
}

// output is where finished lines go, one at a time.
type output struct {
	mu       sync.Mutex
	w        io.Writer
	line     []byte
	sequence uint64 // lines written so far
}

// Write collects what an encoder prints into the line being built; the lock is held.
func (o *output) Write(p []byte) (int, error) {
	o.line = append(o.line, p...)
	return len(p), nil
}

// New writes to w. format is "json", "logfmt", or a console format made of Fabric's verbs (%{color}, %{id}, %{level}, %{message},
// %{module}, %{shortfunc}, %{time}); empty means DefaultFormat. spec is as for SetSpec; empty means info. Colour is written only
// when w is a terminal.
func New(w io.Writer, format, spec string) (*Logs, error) {
	l := &Logs{out: &output{w: w}}
	switch format {
	case "json":
		l.json = true
	case "logfmt":
	default:
		if format == "" {
			format = DefaultFormat
		}
		layout, err := parseLayout(format, isTerminal(w))
		if err != nil {
			return nil, err
		}
		l.layout = layout
	}
	if err := l.SetSpec(spec); err != nil {
		return nil, err
	}
	return l, nil
}

// Named is the logger of a module. Its level is the one the specification gives to the longest prefix of the dotted name.
func (l *Logs) Named(module string) *slog.Logger {
	return slog.New(&handler{logs: l, module: module, encoder: l.encoder(module), level: &atomic.Pointer[moduleLevel]{}})
}

// SetSpec changes the levels of all loggers at once. The form is
//
//	[<logger>[,<logger>...]=]<level>[:[<logger>[,<logger>...]=]<level>...]
//
// as in "info:gossip=debug:a,b=warning". A logger name that ends in a period means that logger alone, not those below it. When spec
// is refused, with Fabric's words, the levels stay as they were.
func (l *Logs) SetSpec(spec string) error {
	s, err := parseSpec(spec)
	if err != nil {
		return err
	}
	l.levels.Store(s)
	return nil
}

// Spec is the specification in force, in normal form: loggers sorted by name, then the default level.
func (l *Logs) Spec() string { return l.levels.Load().String() }

// Level is the level of the logger of that name, in lower case.
func (l *Logs) Level(logger string) string { return levelName(l.levels.Load().of(logger)) }

// handler is the slog.Handler of one module.
type handler struct {
	logs    *Logs
	module  string
	encoder slog.Handler // prints attributes (console), or the whole line
	level   *atomic.Pointer[moduleLevel]
}

// moduleLevel remembers what a module's level is under a given specification.
type moduleLevel struct {
	under *levels
	level slog.Level
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	now := h.logs.levels.Load()
	if level < now.lowest {
		return false
	}
	h.logs.counts.checked.of(level).Add(1)
	m := h.level.Load()
	if m == nil || m.under != now {
		m = &moduleLevel{under: now, level: now.of(h.module)}
		h.level.Store(m)
	}
	return level >= m.level
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.logs.counts.written.of(r.Level).Add(1)
	out := h.logs.out
	out.mu.Lock()
	defer out.mu.Unlock()
	out.line = out.line[:0]
	out.sequence++
	if h.logs.layout != nil {
		if err := h.console(ctx, r); err != nil {
			return err
		}
	} else if err := h.encoder.Handle(ctx, r); err != nil {
		return err
	}
	_, err := out.w.Write(out.line)
	return err
}

// console prints the laid-out prefix and message, then the attributes as key=value.
func (h *handler) console(ctx context.Context, r slog.Record) error {
	out := h.logs.out
	out.line = h.logs.layout.append(out.line, h.module, out.sequence, r)
	prefix := len(out.line)
	r.Time, r.Message, r.PC = noTime, noMessage, 0
	out.line = append(out.line, ' ')
	if err := h.encoder.Handle(ctx, r); err != nil {
		return err
	}
	if len(out.line) == prefix+2 { // the space and the newline alone
		out.line = append(out.line[:prefix], '\n')
	}
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.encoder = h.encoder.WithAttrs(attrs)
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	c.encoder = h.encoder.WithGroup(name)
	return &c
}

// isTerminal tells whether w is a character device.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
