//go:build e2e

package guides

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/test/kit"
)

const docs = "../../docs"

// TestGuides runs every page.
func TestGuides(t *testing.T) {
	pages, err := filepath.Glob(docs + "/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) { run(t, filepath.Base(page), false) })
	}
}

// run types the blocks of a page.
func run(t *testing.T, page string, toolchains bool) {
	blocks, err := readPage(docs, page)
	require.NoError(t, err)
	require.NotEmpty(t, blocks, "a guide has something to do")
	s := newShell(t)
	for _, b := range blocks {
		if !b.toolchains || toolchains {
			s.run(b)
		}
	}
}

// shell is one bash, and what it has started.
type shell struct {
	t      *testing.T
	dir    string
	stdin  io.Writer
	output *bufio.Reader
	blocks int
	place  map[string]string // which free port stands for which of the pages'
}

func newShell(t *testing.T) *shell {
	s := &shell{t: t, dir: t.TempDir(), place: map[string]string{}}
	require.NoError(t, os.CopyFS(filepath.Join(s.dir, "samples"), os.DirFS("../../samples")))
	require.NoError(t, os.Symlink(filepath.Dir(kit.Binary(t)), filepath.Join(s.dir, "bin")))
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "bash")
	cmd.Dir = s.dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CORE_") && !strings.HasPrefix(v, "ORDERER_") && !strings.HasPrefix(v, "FABRIC_") && !strings.HasPrefix(v, "GOPATH=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(t, cmd.Start())
	require.NoError(t, w.Close())
	s.stdin, s.output = stdin, bufio.NewReader(r)
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // what it ran has been judged block by block
		require.NoError(t, r.Close())
		s.endBackground()
	})
	s.type_("set -eo pipefail")
	return s
}

func (s *shell) type_(line string) {
	_, err := io.WriteString(s.stdin, line+"\n")
	require.NoError(s.t, err)
}

// run runs one block and looks at what it prints.
func (s *shell) run(b block) {
	s.t.Helper()
	s.blocks++
	name := filepath.Join(s.dir, fmt.Sprintf(".block%d", s.blocks))
	require.NoError(s.t, os.WriteFile(name+".sh", []byte(s.local(b.script)), 0o644))
	for i := range b.shows {
		b.shows[i] = s.local(b.shows[i])
	}
	if b.background {
		s.background(b, name)
		return
	}
	const end = "<the block has ended>"
	call := ". " + name + ".sh"
	if b.fails {
		call = "if " + call + "; then echo 'it did not fail'; exit 1; fi"
	}
	s.type_(call + "; printf '\\n" + end + "\\n'")
	var out strings.Builder
	for {
		line, err := s.output.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s failed:\n%s\n%s\n%s", b.where, b.script, out.String(), s.logs())
		}
		if strings.TrimSpace(line) == end {
			break
		}
		out.WriteString(line)
	}
	s.t.Logf("%s\n%s%s", b.where, s.local(b.script), out.String())
	if line := b.missing(out.String()); line != "" {
		s.t.Fatalf("%s does not print\n%s\n\nbut\n%s\n%s", b.where, line, out.String(), s.logs())
	}
}

// background starts a block in a process group of its own, and waits until it has printed what it shows.
func (s *shell) background(b block, name string) {
	s.t.Helper()
	s.type_(fmt.Sprintf("setsid bash -e %s.sh >%s.log 2>&1 & echo $! >%s.pid", name, name, name))
	deadline := time.Now().Add(time.Minute)
	for {
		out, _ := os.ReadFile(name + ".log") // not there yet, at first
		line := b.missing(string(out))
		if line == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not print\n%s\n\nbut\n%s", b.where, line, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// endBackground ends what background blocks have started, the last first.
func (s *shell) endBackground() {
	for n := s.blocks; n > 0; n-- {
		raw, err := os.ReadFile(filepath.Join(s.dir, fmt.Sprintf(".block%d.pid", n)))
		if err != nil {
			continue
		}
		var group int
		_, err = fmt.Sscan(string(raw), &group)
		require.NoError(s.t, err)
		_ = syscall.Kill(-group, syscall.SIGTERM) // it may have ended by itself
		require.Eventually(s.t, func() bool { return syscall.Kill(-group, 0) != nil }, 20*time.Second, 20*time.Millisecond)
	}
}

// logs are the ends of what background blocks have printed.
func (s *shell) logs() string {
	var all strings.Builder
	names, _ := filepath.Glob(filepath.Join(s.dir, ".block*.log"))
	for _, name := range names {
		raw, _ := os.ReadFile(name)
		fmt.Fprintf(&all, "--- %s\n%s\n", filepath.Base(name), raw[max(0, len(raw)-4000):])
	}
	return all.String()
}

var (
	address = regexp.MustCompile(`\b[a-z0-9-]+(\.[a-z0-9-]+)*\.example\.com:([789]\d{3})\b`)
	port    = regexp.MustCompile(`\b[789]\d{3}\b`)
)

// local puts free ports of this machine in the place of those in a page.
func (s *shell) local(text string) string {
	text = address.ReplaceAllString(text, "127.0.0.1:$2")
	text = strings.NewReplacer("0.0.0.0", "127.0.0.1", "heddle up ", "heddle up --free-ports ").Replace(text)
	return port.ReplaceAllStringFunc(text, func(p string) string {
		if s.place[p] == "" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(s.t, err)
			s.t.Cleanup(func() { _ = l.Close() })
			_, s.place[p], err = net.SplitHostPort(l.Addr().String())
			require.NoError(s.t, err)
			require.NoError(s.t, l.Close())
		}
		return s.place[p]
	})
}
