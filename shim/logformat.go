package shim

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// defaultFormat is 1.2's, without its colours.
var defaultFormat = []formatPart{
	{verb: "time", layout: "2006-01-02 15:04:05.000 MST"}, {text: " ["}, {verb: "module"}, {text: "] "}, {verb: "shortfunc"},
	{text: " -> "}, {verb: "level", layout: ".4s"}, {text: " "}, {verb: "id", layout: "03x"}, {text: " "}, {verb: "message"},
}

// formatPart is plain text, or a verb with its layout: a time layout for time, a fmt verb for the others.
type formatPart struct{ text, verb, layout string }

var formatVerb = regexp.MustCompile(`%\{([a-z]+)(?::(.*?[^\\]))?\}`)

// parseFormat reads the format language of chaincode.logging.format: text and %{verb} or %{verb:layout}.
func parseFormat(s string) ([]formatPart, error) {
	var parts []formatPart
	end := 0
	for _, m := range formatVerb.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > end {
			parts = append(parts, formatPart{text: s[end:m[0]]})
		}
		end = m[1]
		p := formatPart{verb: s[m[2]:m[3]]}
		if m[4] >= 0 {
			p.layout = s[m[4]:m[5]]
		}
		switch p.verb {
		case "time", "module", "shortfunc", "longfunc", "level", "id", "message", "color", "pid", "program", "shortfile", "longfile", "shortpkg", "longpkg", "callpath":
			parts = append(parts, p)
		default:
			return nil, fmt.Errorf("logger: unknown verb %q in logging format", p.verb)
		}
	}
	if end < len(s) {
		parts = append(parts, formatPart{text: s[end:]})
	}
	return parts, nil
}

// logRecord is one line to write.
type logRecord struct {
	time     time.Time
	module   string
	level    LoggingLevel
	id       int
	message  string
	function func() string
}

func (r *logRecord) line(format []formatPart) string {
	var b strings.Builder
	for _, p := range format {
		layout := "%" + p.layout
		if p.layout == "" {
			layout = "%v"
		}
		switch p.verb {
		case "":
			b.WriteString(p.text)
		case "time":
			if p.layout == "" {
				p.layout = "2006-01-02T15:04:05.999Z-07:00"
			}
			b.WriteString(r.time.Format(p.layout))
		case "module":
			fmt.Fprintf(&b, layout, r.module)
		case "level":
			fmt.Fprintf(&b, layout, r.level.String())
		case "id":
			fmt.Fprintf(&b, layout, r.id)
		case "message":
			fmt.Fprintf(&b, layout, r.message)
		case "shortfunc", "longfunc":
			fmt.Fprintf(&b, layout, r.function())
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// callingFunction is the name of the innermost function outside this package's logging.
func callingFunction() string {
	pc := make([]uintptr, 16)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for {
		f, more := frames.Next()
		name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		if !strings.HasPrefix(name, "shim.(*ChaincodeLogger).") && !strings.HasPrefix(name, "shim.(*logBook).") && !strings.HasPrefix(name, "shim.(*logRecord).") {
			return name[strings.LastIndexByte(name, '.')+1:]
		}
		if !more {
			return "n/a"
		}
	}
}
