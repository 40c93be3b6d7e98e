package shim

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"sync"
	"time"
)

// LoggingLevel is how grave a log line is; a logger writes lines of its own level and of graver ones.
type LoggingLevel int

// The levels, gravest first.
const (
	LogCritical LoggingLevel = iota
	LogError
	LogWarning
	LogNotice
	LogInfo
	LogDebug
)

var levelNames = [...]string{"CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"}

func (l LoggingLevel) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("LoggingLevel(%d)", int(l))
	}
	return levelNames[l]
}

// LogLevel parses CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG in any case. What it returns beside an error is LogError.
func LogLevel(levelString string) (LoggingLevel, error) {
	for l, name := range levelNames {
		if strings.EqualFold(name, levelString) {
			return LoggingLevel(l), nil
		}
	}
	return LogError, errors.New("logger: invalid log level")
}

// IsEnabledForLogLevel says whether the shim's own logger writes lines of that level.
func IsEnabledForLogLevel(logLevel string) bool {
	l, _ := LogLevel(logLevel)
	return logs.enabled(shimModule, l)
}

// SetLoggingLevel sets the level of the shim's own logger.
func SetLoggingLevel(level LoggingLevel) { logs.setLevel(shimModule, level) }

// SetupChaincodeLogging reads CORE_CHAINCODE_LOGGING_FORMAT, _LEVEL and _SHIM. Start does it too.
func SetupChaincodeLogging() { setupLogging(os.Getenv) }

// ChaincodeLogger writes lines under a name of its own, between the shim's. Loggers of one name share their level.
type ChaincodeLogger struct{ module string }

// NewLogger returns the logger of that name.
func NewLogger(name string) *ChaincodeLogger { return &ChaincodeLogger{name} }

// SetLevel sets the level of all loggers of this name.
func (c *ChaincodeLogger) SetLevel(level LoggingLevel) { logs.setLevel(c.module, level) }

// IsEnabledFor says whether lines of that level are written.
func (c *ChaincodeLogger) IsEnabledFor(level LoggingLevel) bool { return logs.enabled(c.module, level) }

// Debug writes args, with spaces between them.
func (c *ChaincodeLogger) Debug(args ...any) { logs.print(c.module, LogDebug, args) }

// Info writes args, with spaces between them.
func (c *ChaincodeLogger) Info(args ...any) { logs.print(c.module, LogInfo, args) }

// Notice writes args, with spaces between them.
func (c *ChaincodeLogger) Notice(args ...any) { logs.print(c.module, LogNotice, args) }

// Warning writes args, with spaces between them.
func (c *ChaincodeLogger) Warning(args ...any) { logs.print(c.module, LogWarning, args) }

// Error writes args, with spaces between them.
func (c *ChaincodeLogger) Error(args ...any) { logs.print(c.module, LogError, args) }

// Critical writes args, with spaces between them, at every level.
func (c *ChaincodeLogger) Critical(args ...any) { logs.print(c.module, LogCritical, args) }

// Debugf writes a formatted line.
func (c *ChaincodeLogger) Debugf(format string, args ...any) {
	logs.printf(c.module, LogDebug, format, args)
}

// Infof writes a formatted line.
func (c *ChaincodeLogger) Infof(format string, args ...any) {
	logs.printf(c.module, LogInfo, format, args)
}

// Noticef writes a formatted line.
func (c *ChaincodeLogger) Noticef(format string, args ...any) {
	logs.printf(c.module, LogNotice, format, args)
}

// Warningf writes a formatted line.
func (c *ChaincodeLogger) Warningf(format string, args ...any) {
	logs.printf(c.module, LogWarning, format, args)
}

// Errorf writes a formatted line.
func (c *ChaincodeLogger) Errorf(format string, args ...any) {
	logs.printf(c.module, LogError, format, args)
}

// Criticalf writes a formatted line, at every level.
func (c *ChaincodeLogger) Criticalf(format string, args ...any) {
	logs.printf(c.module, LogCritical, format, args)
}

const shimModule = "shim"

// logs is the process's chaincode log. It is one because NewLogger and SetLoggingLevel, in Fabric's API, know of no other.
var logs = &logBook{out: os.Stderr, now: time.Now, base: LogInfo, levels: map[string]LoggingLevel{}, format: defaultFormat}

// logBook writes lines to one place and knows each name's level.
type logBook struct {
	mu     sync.Mutex
	out    io.Writer
	now    func() time.Time
	base   LoggingLevel            // of names not in levels
	levels map[string]LoggingLevel // by name
	format []formatPart
	lines  int // written so far; %{id}
}

// setupLogging takes levels as "INFO", or "name,name=DEBUG:INFO". Mistakes are logged and otherwise ignored.
func setupLogging(getenv func(string) string) {
	base, levels, format := LogInfo, map[string]LoggingLevel{}, defaultFormat
	var mistakes []string
	for field := range strings.SplitSeq(getenv("CORE_CHAINCODE_LOGGING_LEVEL"), ":") {
		names, level, named := strings.Cut(field, "=")
		if !named {
			level = field
		}
		l, err := LogLevel(level)
		switch {
		case field == "":
		case err != nil:
			mistakes = append(mistakes, fmt.Sprintf("logging level %q not recognized", field))
		case !named:
			base = l
		default:
			for name := range strings.SplitSeq(names, ",") {
				levels[name] = l
			}
		}
	}
	if s := getenv("CORE_CHAINCODE_LOGGING_SHIM"); s != "" {
		if l, err := LogLevel(s); err == nil {
			levels[shimModule] = l
		} else {
			mistakes = append(mistakes, fmt.Sprintf("logging level %q of the shim not recognized", s))
		}
	}
	if s := getenv("CORE_CHAINCODE_LOGGING_FORMAT"); s != "" {
		if f, err := parseFormat(s); err == nil {
			format = f
		} else {
			mistakes = append(mistakes, err.Error())
		}
	}
	logs.mu.Lock()
	logs.base, logs.format = base, format
	maps.Copy(logs.levels, levels)
	logs.mu.Unlock()
	for _, m := range mistakes {
		logs.print(shimModule, LogWarning, []any{m})
	}
}

func (b *logBook) setLevel(module string, l LoggingLevel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.levels[module] = l
}

func (b *logBook) enabled(module string, l LoggingLevel) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit, ok := b.levels[module]
	if !ok {
		limit = b.base
	}
	return l <= limit
}

func (b *logBook) print(module string, l LoggingLevel, args []any) {
	if b.enabled(module, l) {
		b.write(module, l, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
	}
}

func (b *logBook) printf(module string, l LoggingLevel, format string, args []any) {
	if b.enabled(module, l) {
		b.write(module, l, fmt.Sprintf(format, args...))
	}
}

func (b *logBook) write(module string, l LoggingLevel, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines++
	r := logRecord{time: b.now(), module: module, level: l, id: b.lines, message: message, function: callingFunction}
	_, _ = io.WriteString(b.out, r.line(b.format)) // there is nowhere left to report that stderr is gone
}
