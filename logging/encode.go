package logging

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"
)

// The console prints time, level and message itself: it hands the attribute encoder records without a time and with this message,
// which dropBuiltin takes out again.
const noMessage = "\x00"

var noTime time.Time

// encoder makes what prints a module's records: whole lines for json and logfmt, the attributes alone for the console.
func (l *Logs) encoder(module string) slog.Handler {
	opts := &slog.HandlerOptions{Level: PayloadLevel}
	if l.layout != nil {
		opts.ReplaceAttr = shortened(dropBuiltin)
		return slog.NewTextHandler(l.out, opts)
	}
	opts.AddSource = true
	opts.ReplaceAttr = shortened(renameBuiltin)
	name := []slog.Attr{slog.String("name", module)}
	if l.json {
		return slog.NewJSONHandler(l.out, opts).WithAttrs(name)
	}
	return slog.NewTextHandler(l.out, opts).WithAttrs(name)
}

// longestValue is how many bytes of a value are printed. Values quote what strangers sent.
const longestValue = 16 << 10

// shortened cuts long texts and errors, and leaves the rest to next. Messages are the program's own, and stay whole.
func shortened(next func([]string, slog.Attr) slog.Attr) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		text := ""
		if len(groups) == 0 && a.Key == slog.MessageKey {
			return next(groups, a)
		}
		if a.Value.Kind() == slog.KindString {
			text = a.Value.String()
		} else if err, ok := a.Value.Any().(error); ok && err != nil {
			text = fmt.Sprint(err)
		}
		if len(text) > longestValue {
			a.Value = slog.StringValue(fmt.Sprintf("%s… (%d bytes)", text[:longestValue], len(text)))
		}
		return next(groups, a)
	}
}

// dropBuiltin leaves out the level and the message, which the console has printed.
func dropBuiltin(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	if _, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	if a.Key == slog.MessageKey && a.Value.Kind() == slog.KindString && a.Value.String() == noMessage {
		return slog.Attr{}
	}
	return a
}

// renameBuiltin gives time, level and place the names and forms that Fabric's JSON log has: ts in seconds, level in lower case,
// caller as folder/file:line.
func renameBuiltin(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch v := a.Value.Any().(type) {
	case time.Time:
		if a.Key == slog.TimeKey {
			return slog.Float64("ts", float64(v.UnixNano())/1e9)
		}
	case slog.Level:
		if a.Key == slog.LevelKey {
			return slog.String("level", levelName(v))
		}
	case *slog.Source:
		if a.Key == slog.SourceKey && v != nil {
			return slog.String("caller", shortPath(v.File)+":"+strconv.Itoa(v.Line))
		}
	}
	return a
}

// shortPath keeps the last folder of a file's path.
func shortPath(file string) string {
	return filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
}
