package golang

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

// oldestMinor is the first Go 1.x that the carried sources compile with: net/http speaks HTTP/2 without TLS since then.
const oldestMinor = 24

// toolchain is the go command and where it keeps things.
type toolchain struct {
	path     string
	version  string // "go1.26.0", or what a development toolchain calls itself
	language string // "go1.26", for -lang; empty if the version does not say
	gocache  string
	modcache string
	shared   string   // where the carried sources go: one place for all build caches of a user, if there is one
	flags    []string // of every build
	baseEnv  []string // what every command needs of the environment
}

// passedOn are the variables of the peer's environment that the go command may see: where things are, nothing else.
var passedOn = []string{"PATH", "HOME", "TMPDIR", "GOROOT", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA", "TEMP", "TMP"}

// findToolchain looks for the go command on PATH. Its build cache is the user's if that can be written, so that the standard library is compiled
// already; else it is one below cacheDir.
func findToolchain(ctx context.Context, cacheDir string, env []string) (*toolchain, error) {
	t := &toolchain{flags: buildFlags(), baseEnv: []string{"GOTOOLCHAIN=local", "GOFLAGS=", "GOWORK=off"}}
	for _, key := range passedOn {
		if v := getenv(env, key); v != "" {
			t.baseEnv = append(t.baseEnv, key+"="+v)
		}
	}
	var err error
	if t.path, err = lookPath("go", getenv(env, "PATH")); err != nil {
		return nil, errors.New("building Go chaincode needs the go command, which is not on PATH: install Go 1." + strconv.Itoa(oldestMinor) +
			" or later (https://go.dev/dl/) and start the peer with its bin folder on PATH, or run the chaincode yourself with a peer in development mode")
	}
	query := append([]string{}, t.baseEnv...)
	for _, key := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		if v := getenv(env, key); v != "" {
			query = append(query, key+"="+v)
		}
	}
	cmd := exec.CommandContext(ctx, t.path, "env", "-json", "GOVERSION", "GOCACHE", "GOMODCACHE")
	cmd.Env = query
	cmd.Dir = cacheDir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w\n%s", t.path, err, tail(stderr.String()))
	}
	var answer struct{ GOVERSION, GOCACHE, GOMODCACHE string }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", t.path, err)
	}
	t.version, t.gocache, t.modcache = answer.GOVERSION, answer.GOCACHE, answer.GOMODCACHE
	if m := regexp.MustCompile(`^go1\.(\d+)`).FindStringSubmatch(t.version); m != nil {
		minor, err := strconv.Atoi(m[1])
		if err != nil || minor < oldestMinor {
			return nil, fmt.Errorf("building Go chaincode needs Go 1.%d or later, %s is %s: put a newer one first on the peer's PATH", oldestMinor, t.path, t.version)
		}
		t.language = m[0]
	}
	if !writable(t.gocache) {
		t.gocache = filepath.Join(cacheDir, "go-build")
	}
	if t.shared = sharedDir(env); t.shared == "" {
		t.shared = cacheDir
	}
	if t.modcache == "" {
		t.modcache = filepath.Join(cacheDir, "mod")
	}
	return t, nil
}

// lookPath is exec.LookPath on a PATH that need not be this process's.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}

// sharedDir is heddle's folder in the user's cache folder; empty if there is no such thing. The go command compiles a package again when it finds
// it in another folder, so the carried sources are best in one place for all peers of a user.
func sharedDir(env []string) string {
	base := getenv(env, "XDG_CACHE_HOME")
	if home := getenv(env, "HOME"); base == "" && home != "" {
		base = filepath.Join(home, ".cache")
	}
	if dir := filepath.Join(base, "heddle"); base != "" && writable(dir) {
		return dir
	}
	return ""
}

// buildFlags are those of every build. -trimpath is taken from how this program itself was built: where it was built here, which is how Heddle is
// tried out first, the standard library is then in the build cache in just the form that chaincode needs.
func buildFlags() []string {
	flags := []string{"-buildvcs=false", "-ldflags=-s -w"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-trimpath", Value: "true"}) {
		flags = append(flags, "-trimpath")
	}
	return flags
}

// writable says whether dir is there, or can be made, and takes files.
func writable(dir string) bool {
	if !filepath.IsAbs(dir) || os.MkdirAll(dir, 0o755) != nil {
		return false
	}
	f, err := os.CreateTemp(dir, "heddle-probe-")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// run runs the go command in dir with env added to what every command gets, and returns what it printed. A cancelled context interrupts it.
func (t *toolchain) run(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = dir
	cmd.Env = append(append(append([]string{}, t.baseEnv...),
		"GOENV=off", "CGO_ENABLED=0", "GOPROXY=off", "GOSUMDB=off", "GOVCS=*:off", "GOCACHE="+t.gocache, "GOMODCACHE="+t.modcache), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.String(), err
}

// tail is as much of a failed command's output as an error repeats.
func tail(s string) string { return tool.Tail(s) }
