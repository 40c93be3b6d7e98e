package chaincode_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// children are the processes that this one has started and that still run.
func children(t *testing.T) []int {
	t.Helper()
	var pids []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, f := range stats {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // gone
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		if fields := strings.Fields(rest); fields[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, atoi(filepath.Base(filepath.Dir(f))))
		}
	}
	return pids
}

func requireNoChildren(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return len(children(t)) == 0 }, 10*time.Second, 10*time.Millisecond)
}

// invoking begins an invoke and returns what waits for its response.
func (p *peer) invoking(name string, args ...string) (wait func() error) {
	result := make(chan error, 1)
	c := p.call(name, args...)
	p.begin(c, channel)
	go func() {
		defer c.Simulator.Close()
		_, _, err := p.Invoke(p.t.Context(), c)
		result <- err
	}()
	return func() error { return <-result }
}

// counts are the values of a counter by its labels' values, which go by the order of the labels' names.
func counts(t *testing.T, r *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			values[strings.Join(labels, " ")] = m.GetCounter().GetValue()
		}
	}
	return values
}

// requireEnds waits until that many instances have been counted, by "name:version how".
func requireEnds(t *testing.T, r *prometheus.Registry, want map[string]float64) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, want, counts(t, r, "heddle_chaincode_ends")) }, 10*time.Second, 10*time.Millisecond)
}

func TestAnUpgradeStopsTheOldVersion(t *testing.T) {
	p, b := newLaunchingPeer(t, "serve", false)
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	busy := p.invoking("kv", "sleep", "700")
	require.Eventually(t, func() bool { return len(children(t)) == 1 }, 10*time.Second, 10*time.Millisecond)
	time.Sleep(100 * time.Millisecond)

	p.Upgraded([]*peerpb.ChaincodeData{{Name: "other", Version: "2.0"}, {Name: "kv", Version: "1.0"}})
	p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "2.0"}})
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err, "an invoke that began before the block still finds it")
	require.Len(t, children(t), 1)
	require.NoError(t, busy(), "what is under way ends in order")
	requireNoChildren(t)
	require.EqualValues(t, 1, b.count.Load())

	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err, "one that comes late is served")
	requireNoChildren(t)

	p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "1.0"}})
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	time.Sleep(100 * time.Millisecond)
	require.Len(t, children(t), 1, "defined again, it stays")
}

func TestAnUpgradeSparesWhatAnotherChannelUses(t *testing.T) {
	var defined sync.Map
	defined.Store("kv:1.0", true)
	p, _ := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) {
		o.Defined = func(name, version string) bool { _, ok := defined.Load(name + ":" + version); return ok }
	})
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "2.0"}})
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	require.Len(t, children(t), 1)
	defined.Clear()
	p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "2.0"}})
	requireNoChildren(t)
}

func TestChaincodeThatHangsIsStartedAnew(t *testing.T) {
	registry := prometheus.NewRegistry()
	p, b := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) {
		o.ExecuteTimeout = 500 * time.Millisecond
		o.Metrics = chaincode.NewMetrics(registry)
	})
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "hang", "Godot")
	require.ErrorContains(t, err, "timeout expired while executing transaction; its last lines: waiting for Godot")
	_, err = p.invoke(t.Context(), "kv", "say", "hello")
	require.NoError(t, err)
	require.EqualValues(t, 2, b.count.Load())
	_, err = p.invoke(t.Context(), "kv", "sleep", "400") // its words come to the peer by another way than its answers
	require.NoError(t, err)
	_, err = p.invoke(t.Context(), "kv", "hang", "")
	require.ErrorContains(t, err, "timeout expired while executing transaction")
	require.NotContains(t, err.Error(), "hello", "another transaction's words")
	require.NotContains(t, err.Error(), "Godot", "another instance's words")
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	require.EqualValues(t, 3, b.count.Load())

	// One transaction hangs, another works: that one is not disturbed.
	hanging := p.invoking("kv", "hang", "Godot")
	time.Sleep(200 * time.Millisecond)
	working := p.invoking("kv", "getput", "k", "v", "5")
	require.NoError(t, working())
	sleeping := p.invoking("kv", "sleep", "400")
	require.ErrorContains(t, hanging(), "timeout expired while executing transaction")
	require.NoError(t, sleeping())
	requireNoChildren(t)
	require.Equal(t, map[string]float64{"kv:1.0": 3}, counts(t, registry, "chaincode_execute_timeouts"))
	require.Equal(t, map[string]float64{"kv:1.0 mychannel GET_STATE": 5, "kv:1.0 mychannel PUT_STATE": 5}, counts(t, registry, "chaincode_shim_requests_received"))
	completed := counts(t, registry, "chaincode_shim_requests_completed")
	requireEnds(t, registry, map[string]float64{"kv:1.0 hung": 2, "kv:1.0 stuck": 1})
	require.Equal(t, 5.0, completed["kv:1.0 mychannel true GET_STATE"])
	require.Zero(t, completed["kv:1.0 mychannel false GET_STATE"])
}

func TestDebuggedChaincodeMayTakeItsTime(t *testing.T) {
	p, _ := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) {
		o.ExecuteTimeout = 100 * time.Millisecond
		o.Debugged = "kv"
	})
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "sleep", "300")
	require.NoError(t, err)
}

func TestChaincodeThatFloodsItsStreamIsStopped(t *testing.T) {
	registry := prometheus.NewRegistry()
	p, _ := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) { o.Metrics = chaincode.NewMetrics(registry) })
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "flood")
	require.ErrorContains(t, err, "chaincode stream terminated: ")
	require.ErrorContains(t, err, "chaincode kv:1.0 floods its stream: more than 5000 messages in a second that serve no transaction, lastly KEEPALIVE")
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	requireEnds(t, registry, map[string]float64{"kv:1.0 flooded": 1})
}

func TestChaincodeThatLeaves(t *testing.T) {
	registry := prometheus.NewRegistry()
	p, _ := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) { o.Metrics = chaincode.NewMetrics(registry) })
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "exit", "0")
	require.ErrorContains(t, err, "chaincode stream terminated: chaincode kv:1.0: container exited with 0; its last lines: leaving with 0")
	_, err = p.invoke(t.Context(), "kv", "panic", "boom")
	require.ErrorContains(t, err, "container exited with 2; its last lines: panic: boom")
	_, err = p.invoke(t.Context(), "kv", "echo")
	require.NoError(t, err)
	require.NoError(t, p.Close())
	requireEnds(t, registry, map[string]float64{"kv:1.0 exited": 1, "kv:1.0 crashed": 1, "kv:1.0 stopped": 1})
}

func TestChaincodeThatKeepsFailingIsNotTriedForEveryInvoke(t *testing.T) {
	registry := prometheus.NewRegistry()
	p, b := newLaunchingPeer(t, "broken", false, func(o *chaincode.Options) {
		o.Backoff = time.Hour
		o.Metrics = chaincode.NewMetrics(registry)
	})
	pkg := p.define(channel, "kv", "1.0", "code")
	fails := func(want string, launches int) {
		t.Helper()
		_, err := p.invoke(t.Context(), "kv", "echo")
		require.ErrorContains(t, err, "could not launch chaincode kv:1.0: chaincode registration failed: container exited with 2; its last lines: panic: no such table"+want)
		require.EqualValues(t, launches, b.count.Load())
	}
	fails("", 1)
	const soon = "; failed 1 times in a row: the next attempt is made in 1m0s, or as soon as it is installed anew, instantiated or upgraded"
	fails(soon, 1)
	fails(soon, 1)

	require.NoError(t, os.Remove(pkg.File))
	p.define(channel, "kv", "1.0", "code") // installs it again
	fails("", 2)
	fails(soon, 2)

	p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "1.0"}})
	fails("", 3)
	fails(soon, 3)

	c := p.call("kv")
	c.Init = true
	p.begin(c, channel)
	defer c.Simulator.Close()
	_, _, err := p.Invoke(t.Context(), c)
	require.Error(t, err)
	require.EqualValues(t, 4, b.count.Load())
	fails(soon, 4)

	require.Equal(t, map[string]float64{"kv:1.0": 4}, counts(t, registry, "chaincode_launch_failures"))
	require.Empty(t, counts(t, registry, "chaincode_launch_timeouts"))
}

func TestChaincodeThatDiesAsSoonAsItIsReady(t *testing.T) {
	p, b := newLaunchingPeer(t, "serve", false, func(o *chaincode.Options) { o.Backoff = time.Hour })
	p.define(channel, "kv", "1.0", "code")
	for range 2 { // the first time it may have been the transaction's fault
		_, err := p.invoke(t.Context(), "kv", "exit", "1")
		require.ErrorContains(t, err, "container exited with 1")
	}
	_, err := p.invoke(t.Context(), "kv", "echo")
	require.ErrorContains(t, err, "could not launch chaincode kv:1.0: it ended as soon as it was ready: container exited with 1; its last lines: leaving with 1; failed 2 times in a row")
	require.EqualValues(t, 2, b.count.Load())
}

func TestLaunchTimeoutsAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	p, _ := newLaunchingPeer(t, "mute", false, func(o *chaincode.Options) {
		o.StartupTimeout = 500 * time.Millisecond
		o.Metrics = chaincode.NewMetrics(registry)
	})
	p.define(channel, "kv", "1.0", "code")
	words := regexp.MustCompile(`its last lines: (I will not register: \d+)$`)
	var said [2]string
	for i := range said {
		_, err := p.invoke(t.Context(), "kv", "echo")
		require.Regexp(t, words, err.Error())
		said[i] = words.FindStringSubmatch(err.Error())[1]
	}
	require.NotEqual(t, said[0], said[1], "each launch has its own words")
	require.Equal(t, map[string]float64{"kv:1.0": 2}, counts(t, registry, "chaincode_launch_timeouts"))
}

// TestNothingIsLeftBehind starts and stops chaincode fifty times; goroutines are looked for when all tests have ended.
func TestNothingIsLeftBehind(t *testing.T) {
	p, b := newLaunchingPeer(t, "serve", true)
	p.define(channel, "kv", "1.0", "code")
	files := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(open)
	}
	var before int
	for i := range 50 {
		_, err := p.invoke(t.Context(), "kv", "echo")
		require.NoError(t, err)
		p.Upgraded([]*peerpb.ChaincodeData{{Name: "kv", Version: "2.0"}}) // stops it
		require.Eventually(t, func() bool { return len(children(t)) == 0 }, 10*time.Second, time.Millisecond)
		if i == 4 {
			before = files()
		}
	}
	require.EqualValues(t, 50, b.count.Load())
	require.Eventually(t, func() bool { return files() <= before }, 10*time.Second, 10*time.Millisecond)
	left, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	require.Empty(t, left, "no working directory is left")
}
