package runtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

func newConfinedProcess(t *testing.T) (*runtime.Process, *logged) {
	p, log := newProcess(t)
	p.Limits = &confine.Limits{Memory: 2 << 30, Files: 256, Processes: 1024}
	return p, log
}

func TestConfinedChild(t *testing.T) {
	p, log := newConfinedProcess(t)
	p.Command = func(_ *pack.Package, built, address string) (runtime.Executable, error) {
		return runtime.Executable{Path: built, Args: []string{"-peer.address=" + address}, Read: []string{"/etc/hostname"}}, nil
	}
	exited(t, start(t, p, launch("pry")))
	if strings.Contains(strings.Join(confine.Missing(&confine.Spec{}), " "), "access to files") {
		return // this kernel cannot
	}
	require.Contains(t, log.String(), "open /etc/passwd: permission denied")
	require.NotContains(t, log.String(), "open /etc/hostname")
	require.NotContains(t, log.String(), "open own")

	e := exited(t, start(t, p, launch("talk")))
	require.Equal(t, runtime.Exit{Code: 3, Stderr: []string{"to stderr", "no newline"}}, e)
	i := start(t, p, launch("kind"))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "started") }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, i.Stop(t.Context()))
	require.Equal(t, 7, exited(t, i).Code)
	exited(t, start(t, p, launch("look")))
	require.NotContains(t, log.String(), "inherited")
	require.Contains(t, log.String(), "args -peer.address=127.0.0.1:7052")

	l := launch("talk")
	l.PeerAddress = "nowhere"
	_, err := p.Start(t.Context(), l)
	require.EqualError(t, err, "starting chaincode kv:1.0: the peer's chaincode address: address nowhere: missing port in address")
	l.PeerAddress = "nowhere:http"
	_, err = p.Start(t.Context(), l)
	require.ErrorContains(t, err, "starting chaincode kv:1.0: the peer's chaincode address: the port of nowhere:http: ")
	left, err := os.ReadDir(p.Dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestConfinedChildrenLeaveNothingBehind: goroutines are looked for when all tests have ended.
func TestConfinedChildrenLeaveNothingBehind(t *testing.T) {
	p, log := newConfinedProcess(t)
	var before int
	for n := range 50 {
		mode := []string{"talk", "kind", "stubborn", "kind", "family"}[n%5] // a family is a child with a child
		i := start(t, p, launch(mode))
		if mode == "kind" || mode == "stubborn" {
			require.NoError(t, i.Stop(t.Context()))
		}
		exited(t, i)
		if n == 4 {
			before = len(openFiles(t))
		}
	}
	require.LessOrEqual(t, len(openFiles(t)), before)
	left, err := os.ReadDir(p.Dir)
	require.NoError(t, err)
	require.Empty(t, left)
	for _, line := range strings.Split(log.String(), "\n") {
		if strings.Contains(line, "started") {
			requireGone(t, grandchild(t, line))
		}
	}
}

func openFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	return files
}
