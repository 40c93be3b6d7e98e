package raft

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures consensus under Fabric's names. A nil *Metrics measures nothing.
type Metrics struct {
	clusterSize, isLeader, committed, snapshot *prometheus.GaugeVec
	leaderChanges, failures, normal, config    *prometheus.CounterVec
	persist                                    *prometheus.HistogramVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"channel"}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "consensus", Subsystem: "etcdraft", Name: name, Help: help}, labels)
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "consensus", Subsystem: "etcdraft", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		clusterSize:   gauge("cluster_size", "Number of nodes in this channel."),
		isLeader:      gauge("is_leader", "The leadership status of the current node: 1 if it is the leader else 0."),
		committed:     gauge("committed_block_number", "The block number of the latest block committed."),
		snapshot:      gauge("snapshot_block_number", "The block number of the latest snapshot."),
		leaderChanges: counter("leader_changes", "The number of leader changes since process start."),
		failures:      counter("proposal_failures", "The number of proposal failures."),
		normal:        counter("normal_proposals_received", "The total number of proposals received for normal type transactions."),
		config:        counter("config_proposals_received", "The total number of proposals received for config type transactions."),
		persist: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "consensus", Subsystem: "etcdraft", Name: "data_persist_duration", Help: "The time taken for etcd/raft data to be persisted in storage (in seconds).",
		}, labels),
	}
	r.MustRegister(m.clusterSize, m.isLeader, m.committed, m.snapshot, m.leaderChanges, m.failures, m.normal, m.config, m.persist)
	return m
}

// channelMetrics are the Metrics of one channel.
type channelMetrics struct {
	m       *Metrics
	channel string
}

func (m *Metrics) channel(id string) *channelMetrics {
	if m != nil {
		m.clusterSize.WithLabelValues(id).Set(1)
	}
	return &channelMetrics{m, id}
}

func (c *channelMetrics) received(config bool) {
	switch {
	case c.m == nil:
	case config:
		c.m.config.WithLabelValues(c.channel).Inc()
	default:
		c.m.normal.WithLabelValues(c.channel).Inc()
	}
}

func (c *channelMetrics) failed() {
	if c.m != nil {
		c.m.failures.WithLabelValues(c.channel).Inc()
	}
}

func (c *channelMetrics) leads(leading bool) {
	if c.m == nil {
		return
	}
	value := 0.0
	if leading {
		value = 1
		c.m.leaderChanges.WithLabelValues(c.channel).Inc()
	}
	c.m.isLeader.WithLabelValues(c.channel).Set(value)
}

func (c *channelMetrics) committed(block uint64) {
	if c.m != nil {
		c.m.committed.WithLabelValues(c.channel).Set(float64(block))
	}
}

func (c *channelMetrics) snapshot(block uint64) {
	if c.m != nil {
		c.m.snapshot.WithLabelValues(c.channel).Set(float64(block))
	}
}

// persisted starts a clock; the returned function stops it.
func (c *channelMetrics) persisted() func() {
	if c.m == nil {
		return func() {}
	}
	begin := time.Now()
	return func() { c.m.persist.WithLabelValues(c.channel).Observe(time.Since(begin).Seconds()) }
}
