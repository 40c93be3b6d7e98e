package operations_test

import (
	"bufio"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/operations"
)

// statsdServer takes lines by UDP and TCP on one port.
func statsdServer(t *testing.T, network string) (address string, lines <-chan string) {
	t.Helper()
	out := make(chan string, 1000)
	if network == "udp" {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			b := make([]byte, 1<<16)
			for {
				n, _, err := l.ReadFrom(b)
				if err != nil {
					return
				}
				for line := range strings.Lines(string(b[:n])) {
					out <- strings.TrimSpace(line)
				}
			}
		}()
		t.Cleanup(func() { l.Close(); <-done })
		return l.LocalAddr().String(), out
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for s := bufio.NewScanner(c); s.Scan(); {
				out <- s.Text()
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String(), out
}

// until collects lines until one equals last.
func until(t *testing.T, lines <-chan string, last string) (all []string) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case line := <-lines:
			all = append(all, line)
			if line == last {
				return all
			}
		case <-timeout:
			require.Fail(t, "not sent", "%s; but %q", last, all)
		}
	}
}

// TestStatsd: counters as they grow, gauges as they are, timings by bucket, under Fabric's names and the prefix. No tags are
// sent, whatever the environment has for Datadog's own programs.
func TestStatsd(t *testing.T) {
	for _, name := range []string{"DD_ENV", "DD_SERVICE", "DD_VERSION", "DD_ENTITY_ID", "DD_EXTERNAL_ENV"} {
		t.Setenv(name, "own")
	}
	t.Setenv("DD_CARDINALITY", "high")
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address, lines := statsdServer(t, network)
			r := prometheus.NewRegistry()
			counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "deliver_blocks_sent"}, []string{"channel", "filtered"})
			gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fabric_version"}, []string{"version"})
			histogram := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ledger_statedb_commit_time", Buckets: []float64{1, 2, 4}}, []string{"channel"})
			own := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "heddle_certificate_remaining_seconds"}, []string{"role"})
			last := prometheus.NewGauge(prometheus.GaugeOpts{Name: "zz_last"})
			collections := prometheus.NewSummary(prometheus.SummaryOpts{Name: "go_gc_duration_seconds"})
			r.MustRegister(counter, gauge, histogram, own, last, collections)
			collections.Observe(0.001)
			counter.WithLabelValues("my.channel", "true").Add(3)
			gauge.WithLabelValues("1.4.12").Set(1)
			own.WithLabelValues("server TLS").Set(60.5)
			for _, seconds := range []float64{0.25, 0.75} {
				histogram.WithLabelValues("ch").Observe(seconds)
			}
			last.Set(1)

			s, err := operations.StartStatsd(operations.StatsdOptions{
				Network: network, Address: address, Prefix: "peer0", Interval: 20 * time.Millisecond, Gatherer: r, Log: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			require.Equal(t, []string{
				"peer0.deliver.blocks_sent.my_channel.true:3|c",
				"peer0.fabric_version.1_4_12:1|g",
				"peer0.go.mem.gc_completed_count:1|g",
				"peer0.heddle_certificate_remaining_seconds.server_TLS:60.5|g",
				"peer0.ledger.statedb_commit_time.ch:0.500000|ms",
				"peer0.ledger.statedb_commit_time.ch:0.500000|ms",
				"peer0.zz_last:1|g",
			}, until(t, lines, "peer0.zz_last:1|g"))

			// What comes later is sent when it comes; the last of it when the end comes.
			counter.WithLabelValues("my.channel", "true").Add(2)
			for _, seconds := range []float64{0.1, 3, 3.5, 100} {
				histogram.WithLabelValues("ch").Observe(seconds)
			}
			last.Set(2)
			require.NoError(t, s.Close())
			var grown []string
			for _, line := range until(t, lines, "peer0.zz_last:2|g") {
				if !strings.HasSuffix(line, "|g") {
					grown = append(grown, line)
				}
			}
			slices.Sort(grown)
			require.Equal(t, []string{
				"peer0.deliver.blocks_sent.my_channel.true:2|c",
				"peer0.ledger.statedb_commit_time.ch:0.500000|ms",
				"peer0.ledger.statedb_commit_time.ch:3.000000|ms",
				"peer0.ledger.statedb_commit_time.ch:3.000000|ms",
				"peer0.ledger.statedb_commit_time.ch:4.000000|ms",
			}, grown)
		})
	}
	_, err := operations.StartStatsd(operations.StatsdOptions{Network: "tcp", Address: "127.0.0.1:1", Interval: time.Second})
	require.ErrorContains(t, err, "connecting to the statsd server")
}

// TestStatsdSamples: of many observations some are sent, with their rate.
func TestStatsdSamples(t *testing.T) {
	address, lines := statsdServer(t, "udp")
	r := prometheus.NewRegistry()
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "a_duration"})
	last := prometheus.NewGauge(prometheus.GaugeOpts{Name: "b_last"})
	r.MustRegister(histogram, last)
	for range 2000 {
		histogram.Observe(0.5)
	}
	s, err := operations.StartStatsd(operations.StatsdOptions{Network: "udp", Address: address, Interval: time.Hour, Gatherer: r, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	sent := until(t, lines, "b_last:0|g")
	require.Less(t, len(sent), 100)
	require.Equal(t, "a_duration:0.500000|ms|@0.01", sent[0])
}

// TestStatsdNames: each of Fabric's metrics that is here has Fabric's name there too.
func TestStatsdNames(t *testing.T) {
	reference, err := os.ReadFile("../node/testdata/fabric-1.4-metrics.txt")
	require.NoError(t, err)
	address, lines := statsdServer(t, "udp")
	r := prometheus.NewRegistry()
	var want []string
	for line := range strings.Lines(string(reference)) {
		f := strings.Fields(line)
		if f[0] == "#" || slices.ContainsFunc([]string{"cluster_", "consensus_kafka_", "couchdb_", "gossip_"}, func(p string) bool { return strings.HasPrefix(f[1], p) }) {
			continue
		}
		var labels, values []string
		if f[3] != "-" {
			labels = strings.Split(f[3], ",")
		}
		name := f[4]
		for _, l := range labels {
			values = append(values, "of "+l)
			name = strings.ReplaceAll(name, "%{"+l+"}", "of_"+l)
		}
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f[1]}, labels)
		g.WithLabelValues(values...).Set(1)
		if r.Register(g) == nil { // some are the peer's and the orderer's
			want = append(want, name+":1|g")
		}
	}
	last := prometheus.NewGauge(prometheus.GaugeOpts{Name: "zz"})
	r.MustRegister(last)
	s, err := operations.StartStatsd(operations.StatsdOptions{Network: "udp", Address: address, Interval: time.Hour, Gatherer: r, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.ElementsMatch(t, append(want, "zz:0|g"), until(t, lines, "zz:0|g"))
}
