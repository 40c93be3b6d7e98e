package tool

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/confine"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == confine.Verb {
		os.Exit(confine.Exec(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

// shell runs a script confined, in a folder of its own.
func shell(t *testing.T, ctx context.Context, script string, change func(*Job)) (string, error) {
	t.Helper()
	work := t.TempDir()
	j := Job{
		Program: "/bin/sh", Args: []string{"-c", script}, Dir: work, Work: work, Env: []string{"PATH=/bin:/usr/bin"},
		Limits: &confine.Limits{Files: 256},
	}
	change(&j)
	return j.Run(ctx)
}

func TestAConfinedRun(t *testing.T) {
	if strings.Contains(strings.Join(confine.Missing(&confine.Spec{}), " "), "access to files") {
		return // this kernel cannot
	}
	outside, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	settings := filepath.Join(outside, "settings")
	require.NoError(t, os.WriteFile(settings, []byte("mirror"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "key"), []byte("secret"), 0o600))
	out, err := shell(t, t.Context(), `
		echo 1 > own && cat own; echo 2 > `+cache+`/kept && cat `+cache+`/kept; cat `+settings+`; echo
		cat `+outside+`/key; echo 3 > `+settings+`; cat /etc/passwd; read line; ulimit -n`,
		func(j *Job) { j.Read, j.Write = []string{settings, "/not/there"}, []string{cache} })
	require.NoError(t, err, out)
	require.Contains(t, out, "1\n2\nmirror\n")
	require.Contains(t, out, "cat: "+outside+"/key: Permission denied")
	require.Contains(t, out, "cannot create "+settings+": Permission denied")
	require.Contains(t, out, "cat: /etc/passwd: Permission denied")
	require.True(t, strings.HasSuffix(out, "\n256\n"), out)
	require.FileExists(t, filepath.Join(cache, "kept"))

	out, err = shell(t, t.Context(), "exit 3", func(*Job) {})
	require.EqualError(t, err, "exit status 3", out)
}

// TestAConfinedRunEndsAllThatItStarted looks for what has left the process group.
func TestAConfinedRunEndsAllThatItStarted(t *testing.T) {
	const daemon = "setsid sh -c 'echo $$ > daemon; exec sleep 60' >/dev/null 2>&1 & while ! [ -s daemon ]; do sleep 0.01; done; "
	for name, script := range map[string]string{"at its end": daemon, "when it is cancelled": daemon + "sleep 60"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var dir string
			ended := make(chan error, 1)
			begun := make(chan struct{})
			go func() {
				_, err := shell(t, ctx, script, func(j *Job) { dir = j.Dir; close(begun) })
				ended <- err
			}()
			<-begun
			var pid int
			require.Eventually(t, func() bool {
				b, _ := os.ReadFile(filepath.Join(dir, "daemon"))
				pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
				return pid > 0
			}, 10*time.Second, time.Millisecond)
			if strings.HasSuffix(script, "sleep 60") {
				cancel()
			}
			err := <-ended
			require.Equal(t, strings.HasSuffix(script, "sleep 60"), err != nil)
			require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
		})
	}
}

// TestOutput: of very much output the end is kept.
func TestOutput(t *testing.T) {
	out, err := shell(t, t.Context(), "head -c 5000000 /dev/zero; echo the end", func(*Job) {})
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(out, "\x00the end\n"))
	require.LessOrEqual(t, len(out), 2*maxOutput)
	require.GreaterOrEqual(t, len(out), maxOutput)
}

func TestPorts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		f := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(f, []byte(content), 0o600))
		return f
	}
	require.Equal(t, []uint16{53, 80, 443}, Ports([]string{"PATH=/bin", "HOME=/home/anna"}, filepath.Join(dir, "none")))
	require.Equal(t, []uint16{53, 80, 443, 3128, 4873, 8080, 8081, 8443, 9090}, Ports(
		[]string{"https_proxy=http://anna:secret@proxy:3128", "HTTP_PROXY=proxy:8080", "npm_config_registry=http://localhost:4873/", "MAVEN_OPTS=-Dhttps.proxyPort=9090"},
		write("settings.xml", "<mirror><url>https://nexus.example.com:8443/maven</url></mirror><proxy><port>8081</port></proxy>"),
		write("other", "registry=https://registry.example.com/ port=99999 //host:0/"),
	))
}
