package network_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/cli"
	"github.com/heddleledger/heddle/cli/network"
)

// TestMain lets the test's own executable be the one that networks are made of.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"cryptogen", "configtxgen", "orderer", "peer", confine.Verb}, os.Args[1]) {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer cancel()
		os.Exit(cli.Run(ctx, os.Args, cli.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ()}))
	}
	goleak.VerifyTestMain(m)
}

// output tells when up has said everything that it says while the network runs.
type output struct {
	bytes.Buffer
	ready chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Buffer.Write(b)
	if bytes.Contains(b, []byte("Ctrl-C stops the network")) {
		close(o.ready)
	}
	return n, err
}

// TestUp runs a network twice in one directory and ends it as Ctrl-C does. What it prints is where things are.
func TestUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	for range 2 {
		ctx, interrupt := context.WithCancel(t.Context())
		out, stderr := &output{ready: make(chan struct{})}, &bytes.Buffer{}
		code := make(chan int, 1)
		go func() { code <- network.Up(ctx, []string{"--dir", dir, "--free-ports"}, out, stderr) }()
		select {
		case <-out.ready:
		case <-code:
			t.Fatalf("up ended: %s%s", out, stderr)
		case <-time.After(time.Minute):
			t.Fatal("up does not come up")
		}
		said := out.String()
		require.Contains(t, said, "Network in "+dir+", channel mychannel, etcdraft")
		operations := regexp.MustCompile(`http://\S+:\d+`).FindAllString(said, -1)
		require.Len(t, operations, 3)
		for _, at := range operations {
			answer, err := http.Get(at + "/healthz")
			require.NoError(t, err)
			answer.Body.Close()
			require.Equal(t, http.StatusOK, answer.StatusCode, at)
		}
		sources := regexp.MustCompile(`(?m)^  source (.*)$`).FindAllStringSubmatch(said, -1)
		require.Len(t, sources, 4)
		for _, s := range sources {
			require.FileExists(t, s[1])
		}
		profiles := regexp.MustCompile(`(?m)^  profile (.*)$`).FindAllStringSubmatch(said, -1)
		require.Len(t, profiles, 2)
		for _, p := range profiles {
			require.FileExists(t, p[1])
		}
		require.FileExists(t, filepath.Join(dir, "wallet", "org2-user1.id"))
		http.DefaultClient.CloseIdleConnections()
		interrupt()
		require.Equal(t, 0, <-code, stderr)
		require.Contains(t, out.String(), "Stopped. Everything is in "+dir)
	}
}

func TestUsage(t *testing.T) {
	for name, run := range map[string]func(context.Context, []string, *bytes.Buffer, *bytes.Buffer) int{
		"up":   func(ctx context.Context, a []string, o, e *bytes.Buffer) int { return network.Up(ctx, a, o, e) },
		"demo": func(ctx context.Context, a []string, o, e *bytes.Buffer) int { return network.Demo(ctx, a, o, e) },
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 0, run(t.Context(), []string{"--help"}, &stdout, &stderr))
		require.Contains(t, stdout.String(), "heddle "+name)
		require.Equal(t, 1, run(t.Context(), []string{"more"}, &stdout, &stderr))
		require.Contains(t, stderr.String(), `unknown command "more"`)
		stderr.Reset()
		require.Equal(t, 1, run(t.Context(), []string{"--nonsense"}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "unknown flag: --nonsense")
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, 1, network.Up(t.Context(), []string{"--dir", t.TempDir(), "--free-ports", "--consensus", "kafka"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "kafka")
	require.Equal(t, 1, network.Up(t.Context(), []string{"--dir", t.TempDir(), "--free-ports", "--channel", "Not A Name"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "Not A Name")
}
