package runtime

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

const (
	maxLine   = 4096 // bytes; longer lines are passed on in pieces
	keptLines = 10   // of stderr, for error reports, if a tail does not say
)

// Output passes on what is written to it line by line and keeps its last lines. It is written to by one goroutine.
type Output struct {
	lines lines
	tail  tail
}

// NewOutput makes an Output that gives every line to emit and keeps the last keep of them.
func NewOutput(keep int, emit func(line string)) *Output {
	o := &Output{tail: tail{keep: keep}}
	o.lines.emit = func(line string) { emit(line); o.tail.add(line) }
	return o
}

func (o *Output) Write(b []byte) (int, error) { return o.lines.Write(b) }

// Flush passes on a last line that has no end.
func (o *Output) Flush() { o.lines.flush() }

// Last returns the last lines, and before them the one that says why a program died.
func (o *Output) Last() []string { return o.tail.last() }

// lines is a Writer that passes on what is written to it line by line.
type lines struct {
	emit    func(line string)
	pending []byte
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		l.add(b[:i])
		l.flush()
		b = b[i+1:]
	}
	l.add(b)
	return n, nil
}

func (l *lines) add(b []byte) {
	for len(l.pending)+len(b) > maxLine {
		free := maxLine - len(l.pending)
		l.pending = append(l.pending, b[:free]...)
		b = b[free:]
		l.flush()
	}
	l.pending = append(l.pending, b...)
}

// flush passes on what is pending. Empty lines are not worth a line in the peer's log.
func (l *lines) flush() {
	if line := string(bytes.TrimRight(l.pending, "\r")); line != "" {
		l.emit(line)
	}
	l.pending = l.pending[:0]
}

// tail keeps the last lines added to it, and the last one that says why a program died however much follows it.
type tail struct {
	keep   int // 0: keptLines
	mu     sync.Mutex
	lines  []tailLine
	reason tailLine // dropped from lines; empty if there is none
}

type tailLine struct {
	text string
	at   time.Time
}

func (t *tail) add(text string) {
	line := tailLine{text, time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	keep := t.keep
	if keep == 0 {
		keep = keptLines
	}
	if len(t.lines) == keep {
		if first := t.lines[0]; strings.HasPrefix(first.text, "panic: ") || strings.HasPrefix(first.text, "fatal error: ") {
			t.reason = first
		}
		copy(t.lines, t.lines[1:])
		t.lines = t.lines[:keep-1]
	}
	t.lines = append(t.lines, line)
}

// last returns what is kept of all lines.
func (t *tail) last() []string { return t.since(time.Time{}) }

// since returns what is kept of the lines that were added after begin.
func (t *tail) since(begin time.Time) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var last []string
	if t.reason.text != "" && t.reason.at.After(begin) {
		last = append(last, t.reason.text, "…")
	}
	for _, l := range t.lines {
		if l.at.After(begin) {
			last = append(last, l.text)
		}
	}
	return last
}
