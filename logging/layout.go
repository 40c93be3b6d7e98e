package logging

import (
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
)

// DefaultFormat is the console format Fabric 1.4 uses.
const DefaultFormat = "%{color}%{time:2006-01-02 15:04:05.000 MST} [%{module}] %{shortfunc} -> %{level:.4s} %{id:03x}%{color:reset} %{message}"

var verb = regexp.MustCompile(`%{(color|id|level|message|module|shortfunc|time)(?::(.*?))?}`)

// layout is a parsed console format: what to print before the attributes. It is for one goroutine at a time.
type layout struct{ parts []part }

// part appends one verb's text, or literal text.
type part func(line []byte, l *record) []byte

// record is what verbs print.
type record struct {
	slog.Record
	module   string
	sequence uint64
}

func (l *layout) append(line []byte, module string, sequence uint64, r slog.Record) []byte {
	rec := &record{Record: r, module: module, sequence: sequence}
	for _, p := range l.parts {
		line = p(line, rec)
	}
	return line
}

// parseLayout reads a format. Text that is not a known verb stands for itself. Without colour, colour verbs print nothing.
func parseLayout(format string, colour bool) (*layout, error) {
	l := &layout{}
	literal := func(text string) {
		if text != "" {
			l.parts = append(l.parts, func(line []byte, _ *record) []byte { return append(line, text...) })
		}
	}
	at := 0
	for _, m := range verb.FindAllStringSubmatchIndex(format, -1) {
		literal(format[at:m[0]])
		at = m[1]
		option := ""
		if m[4] >= 0 {
			option = format[m[4]:m[5]]
		}
		p, err := newPart(format[m[2]:m[3]], option, colour)
		if err != nil {
			return nil, err
		}
		l.parts = append(l.parts, p)
	}
	literal(format[at:])
	return l, nil
}

func newPart(verb, option string, colour bool) (part, error) {
	format := "%" + option
	if option == "" {
		format = "%s"
	}
	switch verb {
	case "color":
		return colourPart(option, colour)
	case "id":
		if option == "" {
			format = "%d"
		}
		return func(line []byte, r *record) []byte { return fmt.Appendf(line, format, r.sequence) }, nil
	case "level":
		var texts [len(names)]string
		for i, name := range names {
			texts[i] = fmt.Sprintf(format, strings.ToUpper(name))
		}
		return func(line []byte, r *record) []byte { return append(line, texts[rank(r.Level)]...) }, nil
	case "message":
		return func(line []byte, r *record) []byte {
			return fmt.Appendf(line, format, strings.TrimRight(r.Message, "\n"))
		}, nil
	case "module":
		return func(line []byte, r *record) []byte { return fmt.Appendf(line, format, r.module) }, nil
	case "shortfunc":
		known := map[uintptr]string{} // as many as there are places in the program that log
		return func(line []byte, r *record) []byte {
			text, ok := known[r.PC]
			if !ok {
				text = fmt.Sprintf(format, shortFunc(r.PC))
				known[r.PC] = text
			}
			return append(line, text...)
		}, nil
	case "time":
		if option == "" {
			option = "2006-01-02T15:04:05.999Z07:00"
		}
		return func(line []byte, r *record) []byte { return r.Time.AppendFormat(line, option) }, nil
	}
	return nil, fmt.Errorf("unknown verb: %s", verb)
}

func colourPart(option string, on bool) (part, error) {
	var escape func(level slog.Level) string
	switch option {
	case "":
		escape = func(level slog.Level) string { return fmt.Sprintf("\x1b[%dm", colourOf(level)) }
	case "bold":
		escape = func(level slog.Level) string { return fmt.Sprintf("\x1b[%d;1m", colourOf(level)) }
	case "reset":
		escape = func(slog.Level) string { return "\x1b[0m" }
	default:
		return nil, fmt.Errorf("invalid color option: %s", option)
	}
	if !on {
		return func(line []byte, _ *record) []byte { return line }, nil
	}
	return func(line []byte, r *record) []byte { return append(line, escape(r.Level)...) }, nil
}

// colourOf is the ANSI colour of a level: cyan, blue, yellow, red, magenta from debug upward.
func colourOf(level slog.Level) int {
	switch {
	case level >= DPanicLevel:
		return 35
	case level >= slog.LevelError:
		return 31
	case level >= slog.LevelWarn:
		return 33
	case level >= slog.LevelInfo:
		return 34
	case level >= slog.LevelDebug:
		return 36
	}
	return 0
}

// shortFunc is the name of the function at pc, without its package and receiver; for a function literal, that of the function it is in.
func shortFunc(pc uintptr) string {
	if pc == 0 {
		return "(unknown)"
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	parts := strings.Split(frame.Function[strings.LastIndexByte(frame.Function, '/')+1:], ".")
	last := len(parts) - 1
	for last > 1 && isLiteral(parts[last]) {
		last--
	}
	return parts[last]
}

// isLiteral tells whether the compiler gave the name to a function literal: func1, gowrap1, range1, or a bare number inside another literal.
func isLiteral(name string) bool {
	number := name
	for _, prefix := range []string{"func", "gowrap", "range"} {
		number = strings.TrimPrefix(number, prefix)
	}
	return number != "" && strings.Trim(number, "0123456789") == ""
}
