package logging

import (
	"fmt"
	"log/slog"
	"regexp"
	"sort"
	"strings"
)

// Levels beyond slog's own, ordered as in Fabric.
const (
	PayloadLevel = slog.LevelDebug - 4 // whole messages
	DPanicLevel  = slog.LevelError + 2
	PanicLevel   = slog.LevelError + 4
	FatalLevel   = slog.LevelError + 8
)

// levels is a parsed specification.
type levels struct {
	byLogger map[string]slog.Level // keys as written: a trailing period means that logger alone
	fallback slog.Level
	lowest   slog.Level // that any logger has
}

var loggerName = regexp.MustCompile(`^[[:alnum:]_#:-]+(\.[[:alnum:]_#:-]+)*$`)

// parseSpec reads the grammar that SetSpec describes; its errors are Fabric's.
func parseSpec(spec string) (*levels, error) {
	s := &levels{byLogger: map[string]slog.Level{}, fallback: slog.LevelInfo}
	for _, segment := range strings.Split(spec, ":") {
		names, value, assigned := strings.Cut(segment, "=")
		if !assigned {
			names, value = "", segment
		}
		if assigned && names == "" && !strings.Contains(value, "=") {
			return nil, fmt.Errorf("invalid logging specification '%s': no logger specified in segment '%s'", spec, segment)
		}
		level, ok := parseLevel(value)
		if segment == "" {
			level, ok = slog.LevelInfo, true
		}
		if !ok {
			return nil, fmt.Errorf("invalid logging specification '%s': bad segment '%s'", spec, segment)
		}
		if !assigned {
			s.fallback = level
			continue
		}
		for _, name := range strings.Split(names, ",") {
			if !loggerName.MatchString(strings.TrimSuffix(name, ".")) {
				return nil, fmt.Errorf("invalid logging specification '%s': bad logger name '%s'", spec, name)
			}
			s.byLogger[name] = level
		}
	}
	s.lowest = s.fallback
	for _, level := range s.byLogger {
		s.lowest = min(s.lowest, level)
	}
	return s, nil
}

// of is the level of a logger: that of its exact name with a period, else of its longest listed prefix, else the default.
func (s *levels) of(logger string) slog.Level {
	if level, ok := s.byLogger[logger+"."]; ok {
		return level
	}
	for name := logger; ; {
		if level, ok := s.byLogger[name]; ok {
			return level
		}
		dot := strings.LastIndexByte(name, '.')
		if dot <= 0 {
			return s.fallback
		}
		name = name[:dot]
	}
}

// String is the specification in normal form.
func (s *levels) String() string {
	fields := make([]string, 0, len(s.byLogger)+1)
	for name, level := range s.byLogger {
		fields = append(fields, name+"="+levelName(level))
	}
	sort.Strings(fields)
	return strings.Join(append(fields, levelName(s.fallback)), ":")
}

// IsLevel says whether a specification may have this name of a level.
func IsLevel(name string) bool {
	_, ok := parseLevel(name)
	return ok
}

// parseLevel takes a level's name, all lower or all upper case.
func parseLevel(name string) (slog.Level, bool) {
	if name != strings.ToLower(name) && name != strings.ToUpper(name) {
		return 0, false
	}
	switch strings.ToLower(name) {
	case "payload":
		return PayloadLevel, true
	case "debug":
		return slog.LevelDebug, true
	case "info", "notice":
		return slog.LevelInfo, true
	case "warning", "warn":
		return slog.LevelWarn, true
	case "error", "critical":
		return slog.LevelError, true
	case "dpanic":
		return DPanicLevel, true
	case "panic":
		return PanicLevel, true
	case "fatal":
		return FatalLevel, true
	}
	return 0, false
}

func levelName(level slog.Level) string { return names[rank(level)] }

// rank is the place of a level, or of the one below it that has a name, in names.
func rank(level slog.Level) int {
	switch {
	case level >= FatalLevel:
		return 7
	case level >= PanicLevel:
		return 6
	case level >= DPanicLevel:
		return 5
	case level >= slog.LevelError:
		return 4
	case level >= slog.LevelWarn:
		return 3
	case level >= slog.LevelInfo:
		return 2
	case level >= slog.LevelDebug:
		return 1
	}
	return 0
}
