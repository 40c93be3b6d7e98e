package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestSpecs runs testdata/specs.txt: "spec" takes a specification, prints its normal form or the error; "level" asks for the levels of
// loggers under the last good one.
func TestSpecs(t *testing.T) {
	logs, err := New(&bytes.Buffer{}, "", "")
	require.NoError(t, err)
	datadriven.RunTest(t, "testdata/specs.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "spec":
			if err := logs.SetSpec(d.Input); err != nil {
				return err.Error() + "\n"
			}
			return logs.Spec() + "\n"
		case "level":
			var out strings.Builder
			for _, name := range strings.Fields(d.Input) {
				fmt.Fprintln(&out, name, levelName(logs.levels.Load().of(name)))
			}
			return out.String()
		}
		t.Fatalf("unknown command %s", d.Cmd)
		return ""
	})
}

// TestLongValues: nobody fills the log with one request.
func TestLongValues(t *testing.T) {
	for _, format := range []string{"", "json", "logfmt"} {
		var out bytes.Buffer
		logs, err := New(&out, format, "")
		require.NoError(t, err)
		long := strings.Repeat("x", 1<<20)
		logs.Named("x").With("with", long).Info("what", "string", long, "err", errors.New(long))
		require.Less(t, out.Len(), 64<<10)
		require.Equal(t, 3, strings.Count(out.String(), "(1048576 bytes)"), format)
		logs.Named("x").Info(long)
		require.Contains(t, out.String(), long, "a report of all goroutines is long, too")
	}
}

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	logs, err := New(&out, "", "debug")
	require.NoError(t, err)
	log := logs.Named("peer.chaincode").With("channel", "my channel")
	log.Info("Launched\n", "name", "kv", "took", 1500*time.Millisecond, "err", errors.New(`no "good"`), slog.Group("tx", "id", 7))
	logs.Named("orderer").Debug("plain")
	logs.Named("orderer").WithGroup("g").Warn("grouped", "level", "high", "msg", "m", "time", "t")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[peer\.chaincode\] TestConsole -> INFO 001 Launched channel="my channel" name=kv took=1\.5s err="no \\"good\\"" tx\.id=7$`, lines[0])
	require.Regexp(t, `\[orderer\] TestConsole -> DEBU 002 plain$`, lines[1])
	require.Regexp(t, `-> WARN 003 grouped g\.level=high g\.msg=m g\.time=t$`, lines[2])
	require.NotContains(t, out.String(), "\x1b")

	out.Reset()
	logs.Named("x").Error("keys of the record's own", "level", "high", "msg", "m", "time", "t")
	require.Contains(t, out.String(), "own level=high msg=m time=t\n")
}

func TestColour(t *testing.T) {
	l, err := parseLayout("%{color}%{level:.4s}%{color:reset} %{color:bold}%{message:-3s}|%{id:04d}|%{time:2006} %{unknown}", true)
	require.NoError(t, err)
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "36", slog.LevelInfo: "34", slog.LevelWarn: "33", slog.LevelError: "31", PanicLevel: "35", PayloadLevel: "0",
	} {
		line := string(l.append(nil, "m", 7, slog.NewRecord(at, level, "a", 0)))
		name := strings.ToUpper(levelName(level))[:4]
		require.Equal(t, "\x1b["+want+"m"+name+"\x1b[0m \x1b["+want+";1ma  |0007|2026 %{unknown}", line)
	}
	_, err = New(os.Stderr, "%{color:pink}", "")
	require.EqualError(t, err, "invalid color option: pink")
	require.Equal(t, "(unknown)", shortFunc(0))
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	logs, err := New(&out, "json", "")
	require.NoError(t, err)
	logs.Named("peer").Warn("hello", "n", 3, "name", "n")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "warn", line["level"])
	require.Equal(t, "hello", line["msg"])
	require.EqualValues(t, 3, line["n"])
	require.Regexp(t, `^logging/logs_test\.go:\d+$`, line["caller"])
	require.InDelta(t, float64(time.Now().Unix()), line["ts"], 60)
	require.Contains(t, out.String(), `"name":"peer"`)
}

func TestLogfmt(t *testing.T) {
	var out bytes.Buffer
	logs, err := New(&out, "logfmt", "")
	require.NoError(t, err)
	logs.Named("peer").Info("hello", "a", 1)
	require.Regexp(t, `^ts=\S+ level=info caller=logging/logs_test\.go:\d+ msg=hello name=peer a=1\n$`, out.String())
}

// TestLevelsChangeAtRunTime: loggers handed out before, and those derived from them, follow the specification in force.
func TestLevelsChangeAtRunTime(t *testing.T) {
	var out bytes.Buffer
	logs, err := New(&out, "%{module}:%{message}", "error")
	require.NoError(t, err)
	log := logs.Named("gossip.comm").With("k", 1)
	log.Info("one")
	require.NoError(t, logs.SetSpec("error:gossip=info"))
	log.Info("two")
	require.Error(t, logs.SetSpec("nonsense"))
	log.Info("three")
	require.NoError(t, logs.SetSpec("fatal"))
	log.Error("four")
	log.Log(t.Context(), FatalLevel, "five")
	require.Equal(t, "gossip.comm:two k=1\ngossip.comm:three k=1\ngossip.comm:five k=1\n", out.String())
}

// TestLinesStayWhole: many writers, one Write per line.
func TestLinesStayWhole(t *testing.T) {
	var out wholeLines
	logs, err := New(&out, "", "")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			log := logs.Named(fmt.Sprint("m", i))
			for n := range 100 {
				log.Info("line", "n", n)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 800, out.lines)
	require.False(t, out.broken)
}

type wholeLines struct {
	lines  int
	broken bool
}

func (w *wholeLines) Write(p []byte) (int, error) {
	w.lines++
	w.broken = w.broken || bytes.Count(p, []byte("\n")) != 1 || !bytes.HasSuffix(p, []byte("\n"))
	return len(p), nil
}

func TestDisabledCallsAllocateNothing(t *testing.T) {
	logs, err := New(&bytes.Buffer{}, "", "info")
	require.NoError(t, err)
	log := logs.Named("a.b.c")
	require.Zero(t, testing.AllocsPerRun(100, func() { log.Debug("nothing") }))
}

func FuzzSpec(f *testing.F) {
	for _, s := range []string{"info:gossip=debug:a,b=warning", "=", ":", "a==b", "a.=debug", "\x00=info"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := parseSpec(spec)
		if err != nil {
			return
		}
		again, err := parseSpec(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// TestCounts: lines that no logger would write are not even counted as checked.
func TestCounts(t *testing.T) {
	logs, err := New(&bytes.Buffer{}, "", "warn:a=info")
	require.NoError(t, err)
	logs.Named("a").Debug("for nobody")
	logs.Named("a").Info("for a")
	logs.Named("b").Info("for a alone")
	logs.Named("b").Error("for all")
	checked, written := logs.Counts()
	require.Equal(t, map[string]uint64{"payload": 0, "debug": 0, "info": 2, "warn": 0, "error": 1, "dpanic": 0, "panic": 0, "fatal": 0}, checked)
	require.Equal(t, uint64(1), written["info"])
	require.Equal(t, uint64(1), written["error"])
}
