package shim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// captureLog sends the process's chaincode log into a buffer for the length of the test.
func captureLog(t *testing.T, env map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	was := logs
	logs = &logBook{out: &b, now: func() time.Time { return time.Unix(0, 0).UTC() }, base: LogInfo, levels: map[string]LoggingLevel{}, format: defaultFormat}
	t.Cleanup(func() { logs = was })
	setupLogging(func(key string) string { return env[key] })
	return &b
}

func TestLoggers(t *testing.T) {
	b := captureLog(t, nil)
	l := NewLogger("mine")
	l.Debug("hidden")
	l.Info("one", 2, "three")
	l.Errorf("four %d", 5)
	require.Equal(t, "1970-01-01 00:00:00.000 UTC [mine] TestLoggers -> INFO 001 one 2 three\n"+
		"1970-01-01 00:00:00.000 UTC [mine] TestLoggers -> ERRO 002 four 5\n", b.String())
	b.Reset()
	l.SetLevel(LogCritical)
	l.Error("hidden")
	l.Critical("c")
	NewLogger("other").Warning("w")
	require.Equal(t, 2, strings.Count(b.String(), "\n"))
	require.False(t, l.IsEnabledFor(LogError))
	require.True(t, l.IsEnabledFor(LogCritical))
	SetLoggingLevel(LogDebug)
	require.True(t, IsEnabledForLogLevel("debug"))
	require.False(t, NewLogger("other").IsEnabledFor(LogDebug))
}

func TestLoggingFromTheEnvironment(t *testing.T) {
	b := captureLog(t, map[string]string{
		"CORE_CHAINCODE_LOGGING_LEVEL":  "a,b=debug:warning",
		"CORE_CHAINCODE_LOGGING_SHIM":   "error",
		"CORE_CHAINCODE_LOGGING_FORMAT": "%{color}%{level:.1s}|%{module}|%{message}%{color:reset}|%{id:04d}",
	})
	NewLogger("a").Debugf("x")
	NewLogger("b").Noticef("y")
	NewLogger("c").Info("hidden")
	NewLogger("c").Warningf("z")
	require.Equal(t, "D|a|x|0001\nN|b|y|0002\nW|c|z|0003\n", b.String())
	require.False(t, IsEnabledForLogLevel("warning"))

	b = captureLog(t, map[string]string{
		"CORE_CHAINCODE_LOGGING_LEVEL":  "loud:x=quiet",
		"CORE_CHAINCODE_LOGGING_SHIM":   "softly",
		"CORE_CHAINCODE_LOGGING_FORMAT": "%{nothing}",
	})
	require.Equal(t, 4, strings.Count(b.String(), "\n"), b.String())
}

func TestLogLevels(t *testing.T) {
	for _, l := range []LoggingLevel{LogCritical, LogError, LogWarning, LogNotice, LogInfo, LogDebug} {
		got, err := LogLevel(strings.ToLower(l.String()))
		require.NoError(t, err)
		require.Equal(t, l, got)
	}
	got, err := LogLevel("loud")
	require.Error(t, err)
	require.Equal(t, LogError, got)
	require.Equal(t, "LoggingLevel(9)", LoggingLevel(9).String())
}
