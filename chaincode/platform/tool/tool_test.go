package tool

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTail(t *testing.T) {
	require.Equal(t, "a\nb", Tail("a\nb\n\n"))
	long := strings.Repeat("line\n", 100)
	require.Equal(t, "...\n"+strings.TrimSuffix(strings.Repeat("line\n", tailLines), "\n"), Tail(long))
	require.LessOrEqual(t, len(Tail(strings.Repeat("x", 100_000))), tailBytes+4)
}

func TestEnvPassesOnWhatIsNamed(t *testing.T) {
	env := []string{"PATH=/bin", "SECRET=x", "npm_config_registry=r", "https_proxy=p", "JAVA_HOME=j"}
	require.Equal(t, []string{"PATH=/bin", "npm_config_registry=r", "https_proxy=p"}, Env(env, "npm_config_*"))
	require.Equal(t, "b", Getenv([]string{"A=a", "A=b"}, "A"))
	_, err := Find(env, "no-such-program", "X chaincode", "X")
	require.EqualError(t, err, "X chaincode needs the program no-such-program, which is not on PATH: install X, and start the peer with it on PATH")
}

// TestRunEndsAllThatItStarted cancels a shell that waits for a child.
func TestRunEndsAllThatItStarted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := Run(ctx, t.TempDir(), []string{"PATH=/bin:/usr/bin"}, "/bin/sh", "-c", "sleep 60; true")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 30*time.Second)
	out, err := Run(t.Context(), t.TempDir(), nil, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
	require.Error(t, err)
	require.Equal(t, "out\nerr\n", out)
}
