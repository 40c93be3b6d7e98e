package node

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/operations"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/orderer/raft"
	"github.com/heddleledger/heddle/version"
)

// peerMetrics are what a peer measures, all in one registry.
type peerMetrics struct {
	registry  *prometheus.Registry
	calls     *comm.Metrics // of the listeners for clients and administrators
	chaincode *chaincode.Metrics
	docker    *docker.Metrics
	channels  *channel.Metrics
	ledger    *ledger.Metrics
	endorser  *endorser.Metrics
	deliver   *deliver.Metrics
}

func newPeerMetrics(logs *logging.Logs) *peerMetrics {
	r := newMetrics(logs)
	return &peerMetrics{
		registry: r, calls: comm.NewMetrics(r), chaincode: chaincode.NewMetrics(r), docker: docker.NewMetrics(r),
		channels: channel.NewMetrics(r), ledger: ledger.NewMetrics(r), endorser: endorser.NewMetrics(r), deliver: deliver.NewMetrics(r),
	}
}

// ordererMetrics are what an ordering node measures, all in one registry.
type ordererMetrics struct {
	registry *prometheus.Registry
	calls    *comm.Metrics
	orderer  *orderer.Metrics
	raft     *raft.Metrics
	deliver  *deliver.Metrics
}

func newOrdererMetrics(logs *logging.Logs) *ordererMetrics {
	r := newMetrics(logs)
	return &ordererMetrics{registry: r, calls: comm.NewMetrics(r), orderer: orderer.NewMetrics(r), raft: raft.NewMetrics(r), deliver: deliver.NewMetrics(r)}
}

// newMetrics is a registry with what every process tells of itself.
func newMetrics(logs *logging.Logs) *prometheus.Registry {
	r := prometheus.NewRegistry()
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fabric_version", Help: "The active version of Fabric."}, []string{"version"})
	active.WithLabelValues(version.Fabric).Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), active, logLines{logs})
	return r
}

// gatherer is what /metrics shows; nothing unless the provider is prometheus.
func gatherer(provider string, r *prometheus.Registry) prometheus.Gatherer {
	if provider != "prometheus" {
		return nil
	}
	return r
}

// sendMetrics sends the metrics to a statsd server until ctx ends, if that is the provider.
func sendMetrics(ctx context.Context, g *errgroup.Group, provider string, to *config.Statsd, r *prometheus.Registry, log *slog.Logger) error {
	if provider != "statsd" {
		return nil
	}
	s, err := operations.StartStatsd(operations.StatsdOptions{
		Network: to.Network, Address: to.Address, Prefix: to.Prefix, Interval: to.WriteInterval, Gatherer: r, Log: log,
	})
	if err != nil {
		return fmt.Errorf("metrics.statsd: %w", err)
	}
	g.Go(func() error {
		<-ctx.Done()
		return s.Close()
	})
	return nil
}

var (
	linesChecked = prometheus.NewDesc("logging_entries_checked", "Number of log entries checked against the active logging level", []string{"level"}, nil)
	linesWritten = prometheus.NewDesc("logging_entries_written", "Number of log entries that are written", []string{"level"}, nil)
)

// logLines shows, under Fabric's names, what a log counts of itself.
type logLines struct{ logs *logging.Logs }

func (l logLines) Describe(to chan<- *prometheus.Desc) {
	to <- linesChecked
	to <- linesWritten
}

func (l logLines) Collect(to chan<- prometheus.Metric) {
	checked, written := l.logs.Counts()
	for level, n := range checked {
		to <- prometheus.MustNewConstMetric(linesChecked, prometheus.CounterValue, float64(n), level)
	}
	for level, n := range written {
		to <- prometheus.MustNewConstMetric(linesWritten, prometheus.CounterValue, float64(n), level)
	}
}
