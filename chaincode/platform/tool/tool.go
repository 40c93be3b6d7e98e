// Package tool runs the programs of other languages that build chaincode: where they are found, what they see of the peer's environment, how
// they are ended, and how much of what they say is passed on.
package tool

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// always are the variables that every tool sees: where things are, and how the network is reached.
var always = []string{
	"PATH", "HOME", "TMPDIR", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// Env is the part of the environment env that a tool may see. names are further variables; a final * stands for whatever follows.
func Env(env []string, names ...string) []string {
	var passed []string
	for _, e := range env {
		key, _, _ := strings.Cut(e, "=")
		named := slices.Contains(always, key) || slices.ContainsFunc(names, func(n string) bool {
			prefix, open := strings.CutSuffix(n, "*")
			return key == n || open && strings.HasPrefix(key, prefix)
		})
		if named {
			passed = append(passed, e)
		}
	}
	return passed
}

// Getenv returns the last value of key in env, as the operating system would.
func Getenv(env []string, key string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, key+"="); ok {
			value = v
		}
	}
	return value
}

// Find looks for a program on the PATH of env. The error says what needs it and what to install.
func Find(env []string, name, purpose, install string) (string, error) {
	for _, dir := range filepath.SplitList(Getenv(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s needs the program %s, which is not on PATH: install %s, and start the peer with it on PATH", purpose, name, install)
}

// Run runs a program in dir and returns what it printed. A cancelled context ends it and all it started.
func Run(ctx context.Context, dir string, env []string, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.String(), err
}

// How much of a failed build's output an error repeats: it travels to the client that asked for the chaincode.
const (
	tailLines = 40
	tailBytes = 4096
)

// Tail is the end of a program's output.
func Tail(s string) string {
	s = strings.TrimRight(s, "\n")
	cut := false
	if len(s) > tailBytes {
		s, cut = s[len(s)-tailBytes:], true
	}
	lines := strings.Split(s, "\n")
	if len(lines) > tailLines {
		lines, cut = lines[len(lines)-tailLines:], true
	}
	if cut {
		lines = append([]string{"..."}, lines...)
	}
	return strings.ToValidUTF8(strings.Join(lines, "\n"), "?")
}
