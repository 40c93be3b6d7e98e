package runtime_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newProcess(t *testing.T) (*runtime.Process, *logged) {
	t.Helper()
	out := &logged{}
	return &runtime.Process{Build: itself, Dir: t.TempDir(), Grace: 300 * time.Millisecond, Log: slog.New(slog.NewTextHandler(out, nil))}, out
}

func start(t *testing.T, p *runtime.Process, l runtime.Launch) runtime.Instance {
	t.Helper()
	i, err := p.Start(t.Context(), l)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Stop(context.Background())) })
	return i
}

func exited(t *testing.T, i runtime.Instance) runtime.Exit {
	t.Helper()
	select {
	case e := <-i.Wait():
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("the instance does not end")
		return runtime.Exit{}
	}
}

func TestExitTellsStatusAndLastLines(t *testing.T) {
	p, log := newProcess(t)
	e := exited(t, start(t, p, launch("talk")))
	require.Equal(t, runtime.Exit{Code: 3, Stderr: []string{"to stderr", "no newline"}}, e)
	require.Equal(t, "container exited with 3; its last lines: to stderr | no newline", e.String())
	require.Contains(t, log.String(), `msg="to stdout" chaincode=kv:1.0 stream=stdout`)
	require.Contains(t, log.String(), `msg="to stderr" chaincode=kv:1.0 stream=stderr`)
	left, err := os.ReadDir(p.Dir)
	require.NoError(t, err)
	require.Empty(t, left, "the working directory is removed")
}

func TestOnlyTheLastLinesAreKept(t *testing.T) {
	p, log := newProcess(t)
	e := exited(t, start(t, p, launch("chatter")))
	require.Equal(t, []string{"panic: it was here", "…", "line 90"}, e.Stderr[:3])
	require.Equal(t, "line 99", e.Stderr[11])
	require.Equal(t, 101, strings.Count(log.String(), "\n"))
}

func TestWhatAChildSees(t *testing.T) {
	t.Setenv("PEER_SECRET", "do not tell")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	defer write.Close()
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, read.Fd(), syscall.F_SETFD, 0) // as if the peer had been started with it
	require.Zero(t, errno)
	p, log := newProcess(t)
	l := launch("look")
	l.TLS = &runtime.TLS{Cert: []byte("cert"), Key: []byte("key"), Root: []byte("root")}
	l.Env = append(l.Env, "CORE_CHAINCODE_LOGGING_LEVEL=debug")
	require.Zero(t, exited(t, start(t, p, l)).Code)
	out := log.String()
	dir := regexp.MustCompile(`msg="dir ([^"]+)"`).FindStringSubmatch(out)[1]
	require.Equal(t, p.Dir, filepath.Dir(dir))
	require.Contains(t, out, "args -peer.address=127.0.0.1:7052")

	var env []string
	for _, m := range regexp.MustCompile(`msg="env ([^"=]+=[^"]*)"`).FindAllStringSubmatch(out, -1) {
		env = append(env, m[1])
	}
	require.ElementsMatch(t, []string{
		"CORE_CHAINCODE_ID_NAME=kv:1.0", modeVariable + "=look", "CORE_CHAINCODE_LOGGING_LEVEL=debug",
		"CORE_PEER_TLS_ENABLED=true",
		"CORE_TLS_CLIENT_KEY_PATH=" + dir + "/client.key", "CORE_TLS_CLIENT_CERT_PATH=" + dir + "/client.crt",
		"CORE_TLS_CLIENT_KEY_FILE=" + dir + "/client_pem.key", "CORE_TLS_CLIENT_CERT_FILE=" + dir + "/client_pem.crt",
		"CORE_PEER_TLS_ROOTCERT_FILE=" + dir + "/peer.crt",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "TMPDIR=" + dir,
	}, env)
	require.Equal(t, 5, strings.Count(out, "-rw-------"))
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("key")), string(l.Files()["client.key"]))
	require.NotContains(t, out, "inherited")
}

func TestStop(t *testing.T) {
	for mode, code := range map[string]int{"kind": 7, "stubborn": 128 + int(syscall.SIGKILL)} {
		t.Run(mode, func(t *testing.T) {
			p, log := newProcess(t)
			i := start(t, p, launch(mode))
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "started") }, 10*time.Second, 5*time.Millisecond)
			began := time.Now()
			require.NoError(t, i.Stop(t.Context()))
			require.Equal(t, code, exited(t, i).Code)
			require.Equal(t, mode == "stubborn", time.Since(began) >= p.Grace)
			require.NoError(t, i.Stop(t.Context()), "again")
		})
	}
	t.Run("now", func(t *testing.T) {
		p, _ := newProcess(t)
		p.Grace = time.Hour
		i := start(t, p, launch("stubborn"))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.NoError(t, i.Stop(ctx))
		require.NotZero(t, exited(t, i).Code)
	})
}

func TestChildrenOfAChildEndWithIt(t *testing.T) {
	p, log := newProcess(t)
	i := start(t, p, launch("family"))
	require.Zero(t, exited(t, i).Code)
	requireGone(t, grandchild(t, log.String()))
}

func TestChildEndsWithThePeer(t *testing.T) {
	for _, how := range [][]string{{}, {confinedVariable}, {launcherVariable}, {confinedVariable, launcherVariable}} {
		t.Run(strings.Join(how, " "), func(t *testing.T) { testChildEndsWithThePeer(t, how) })
	}
}

func testChildEndsWithThePeer(t *testing.T, how []string) {
	out := &logged{}
	peer := exec.Command(os.Args[0])
	peer.Env = append(os.Environ(), modeVariable+"=peer", "TMPDIR="+t.TempDir())
	for _, variable := range how {
		peer.Env = append(peer.Env, variable+"=yes")
	}
	peer.Stdout = out
	require.NoError(t, peer.Start())
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "started") }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, peer.Process.Kill())
	require.Error(t, peer.Wait())
	requireGone(t, grandchild(t, out.String()))
}

// TestLauncher stops a launcher whose chaincode neither ends when it is told to nor stays in its process group.
func TestLauncher(t *testing.T) {
	p, log := newProcess(t)
	p.Command = launcher
	i := start(t, p, launch("launcher"))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "started") }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, i.Stop(t.Context()))
	require.NotZero(t, exited(t, i).Code)
	requireGone(t, grandchild(t, log.String()))

	e := exited(t, start(t, p, launch("talk")))
	require.Equal(t, runtime.Exit{Code: 3, Stderr: []string{"to stderr", "no newline"}}, e, "as without a supervisor")
	exited(t, start(t, p, launch("look")))
	require.NotContains(t, log.String(), "inherited")
	l := launch("talk")
	p.Build = func(context.Context, *pack.Package) (string, error) { return "/nonexistent/binary", nil }
	e = exited(t, start(t, p, l))
	require.Equal(t, []string{"chaincode-exec: fork/exec /nonexistent/binary: no such file or directory"}, e.Stderr)
}

func grandchild(t *testing.T, out string) int {
	t.Helper()
	m := regexp.MustCompile(`started (\d+)`).FindStringSubmatch(out)
	require.NotNil(t, m, out)
	pid, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return pid
}

// requireGone waits until no process of that number runs; one that nobody has waited for yet is gone too.
func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return err != nil || strings.Contains(string(status), "State:\tZ")
	}, 10*time.Second, 10*time.Millisecond)
}

func TestStartFails(t *testing.T) {
	p, _ := newProcess(t)
	p.Build = func(context.Context, *pack.Package) (string, error) { return "", errors.New("main.go:3: undefined: x") }
	_, err := p.Start(t.Context(), launch("talk"))
	require.EqualError(t, err, "error building chaincode kv:1.0: main.go:3: undefined: x")
	p.Build = func(context.Context, *pack.Package) (string, error) { return "/nonexistent/binary", nil }
	_, err = p.Start(t.Context(), launch("talk"))
	require.ErrorContains(t, err, "starting chaincode kv:1.0: ")
	left, err := os.ReadDir(p.Dir)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = p.Start(t.Context(), runtime.Launch{Name: "kv", Version: "1.0"})
	require.ErrorContains(t, err, "it has no package")
}

func TestReady(t *testing.T) {
	p, _ := newProcess(t)
	require.NoError(t, p.Ready(t.Context()))
	left, err := os.ReadDir(p.Dir)
	require.NoError(t, err)
	require.Empty(t, left)
	p.Dir = filepath.Join(p.Dir, "file")
	require.NoError(t, os.WriteFile(p.Dir, nil, 0o600))
	require.ErrorContains(t, p.Ready(t.Context()), "chaincode processes get no working directories: ")
}

func TestWhatAKilledPeerLeftIsRemoved(t *testing.T) {
	p, _ := newProcess(t)
	old, foreign := filepath.Join(p.Dir, "chaincode-kv.1.0-123"), filepath.Join(p.Dir, "something else")
	for _, dir := range []string{old, foreign} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "inside"), 0o700))
	}
	exited(t, start(t, p, launch("talk")))
	require.NoDirExists(t, old)
	require.DirExists(t, foreign)
}

func TestOneBuildForAllWhoWait(t *testing.T) {
	p, _ := newProcess(t)
	synctest.Test(t, func(t *testing.T) {
		builds := 0
		proceed := make(chan struct{})
		p.Build = func(ctx context.Context, _ *pack.Package) (string, error) {
			builds++
			<-proceed
			return "", errors.New("failed once")
		}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_, err := p.Start(t.Context(), launch("talk"))
				require.ErrorContains(t, err, "failed once")
			})
		}
		synctest.Wait() // until all have joined
		close(proceed)
		wg.Wait()
		require.Equal(t, 1, builds)
	})
}

func TestABuildNobodyWaitsForIsGivenUp(t *testing.T) {
	p, _ := newProcess(t)
	begun, ended := make(chan struct{}), make(chan struct{})
	p.Build = func(ctx context.Context, _ *pack.Package) (string, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return "", ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-begun
		cancel(errors.New("enough"))
	}()
	_, err := p.Start(ctx, launch("talk"))
	require.EqualError(t, err, "error building chaincode kv:1.0: build given up: enough")
	<-ended
}

func TestDebugger(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	p, log := newProcess(t)
	p.Debugger = &runtime.Debugger{Chaincode: "kv", Path: self, ListenAddress: "127.0.0.1:2345"}
	exited(t, start(t, p, launch("look")))
	require.Contains(t, log.String(), "args exec --headless --api-version=2 --accept-multiclient --continue --listen=127.0.0.1:2345 "+self+" -- -peer.address=127.0.0.1:7052")
	require.Contains(t, log.String(), `attach="dlv connect 127.0.0.1:2345"`)

	other := launch("look")
	other.Name = "other"
	exited(t, start(t, p, other))
	require.Contains(t, log.String(), "args -peer.address=127.0.0.1:7052")
}
