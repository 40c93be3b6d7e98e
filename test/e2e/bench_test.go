//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/bench"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/test/kit"
)

// TestBench puts each kind of load on a network, by the command.
func TestBench(t *testing.T) {
	n := start(t, localnet.Options{})
	n.install("load", "1.0", "load")
	n.instantiate("load", "1.0", "OR('Org1MSP.peer','Org2MSP.peer')", "init")
	user, peer2 := n.EnvFile(n.User(n.Orgs[0])), n.EnvFile(n.User(n.Orgs[1]))
	run := func(args ...string) *bench.Result {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), kit.Binary(t), append([]string{"bench"}, append(args, "--json")...)...).Output()
		require.NoError(t, err, "%s", stderrOf(err))
		r := &bench.Result{}
		require.NoError(t, json.Unmarshal(out, r))
		require.Equal(t, args[0], r.Name)
		require.Zero(t, r.Failed, "%v", r.Reasons)
		require.Greater(t, r.TPS, 0.0)
		return r
	}
	html := filepath.Join(t.TempDir(), "report.html")
	peer := fmt.Sprintf("peer=%d", n.Pid(n.Orgs[0].Peer))

	r := run("endorse", "--env", user, "--reads", "2", "--writes", "0", "--count", "200", "--workers", "8")
	require.Equal(t, map[string]int{bench.OK: 200}, r.Outcomes)
	r = run("submit", "--env", user, "--env", peer2, "--count", "200", "--workers", "20", "--process", peer, "--html", html)
	require.Equal(t, map[string]int{"VALID": 200}, r.Outcomes)
	require.Greater(t, r.Latency.P50, 0.0)
	require.Greater(t, r.Processes[0].CPU, 0.0)
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "<h2>submit</h2>")
	contended := run("submit", "--env", user, "--for", "1s", "--workers", "4", "--reads", "1", "--keys", "zipf", "--key-space", "2")
	require.NotZero(t, contended.Outcomes["MVCC_READ_CONFLICT"], "two keys, many writers: %v", contended.Outcomes)
	run("order", "--env", user, "--count", "100", "--rate", "200")

	require.NoError(t, n.StopNode(n.Orgs[1].Peer))
	require.NoError(t, n.Forget(n.Orgs[1].Peer))
	require.NoError(t, n.StartNode(t.Context(), n.Orgs[1].Peer))
	r = run("commit", "--env", n.EnvFile(n.Admin(n.Orgs[1])))
	require.GreaterOrEqual(t, r.Count, 200+contended.Count+100)
}

// TestBenchGrowth measures small points along every axis: this machine's own pipeline commits, and a real peer endorses on what comes of it.
func TestBenchGrowth(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "report.html")
	out, err := exec.CommandContext(t.Context(), kit.Binary(t), "bench", "growth", "--quick", "--count", "60", "--rounds", "1",
		"--json", "--svg", dir, "--html", page, "--cpu-profiles", filepath.Join(dir, "profiles")).Output()
	require.NoError(t, err, "%s", stderrOf(err))
	var curves []*bench.Curve
	require.NoError(t, json.Unmarshal(out, &curves))
	axes := bench.Axes(true)
	require.Len(t, curves, len(axes))
	for i, axis := range axes {
		require.Equal(t, axis.Name, curves[i].Axis)
		require.Len(t, curves[i].Points, len(axis.Values))
		for _, p := range curves[i].Points {
			require.Equal(t, map[string]int{"VALID": 60}, p.Commit.Outcomes)
			if !axis.Endorse {
				require.Nil(t, p.Endorse)
				continue
			}
			require.Equal(t, map[string]int{bench.OK: 60}, p.Endorse.Outcomes)
			require.Equal(t, "peer", p.Endorse.Processes[0].Name)
			require.Greater(t, p.Endorse.Latency.P50, 0.0)
		}
		require.FileExists(t, filepath.Join(dir, "growth-"+axis.Name+".svg"))
	}
	require.FileExists(t, page)
	require.FileExists(t, filepath.Join(dir, "profiles", "signers-20-commit-1.pprof"))
}

// stderrOf is what a command that failed wrote.
func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
