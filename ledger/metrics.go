package ledger

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures commits, step by step, under Fabric's names. A nil *Metrics measures nothing.
type Metrics struct {
	processing, storage, storageWhole, state *prometheus.HistogramVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		processing:   newCommitTime("block_processing_time", "Time taken in seconds for ledger block processing."),
		storage:      NewStorageTime(),
		storageWhole: newCommitTime("blockstorage_and_pvtdata_commit_time", "Time taken in seconds for committing the block and private data to storage."),
		state:        newCommitTime("statedb_commit_time", "Time taken in seconds for committing block changes to state db."),
	}
	r.MustRegister(m.processing, m.storage, m.storageWhole, m.state)
	return m
}

// NewStorageTime is the histogram of the time that storing a block takes, which orderers measure as well.
func NewStorageTime() *prometheus.HistogramVec {
	return newCommitTime("blockstorage_commit_time", "Time taken in seconds for committing the block to storage.")
}

func newCommitTime(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "ledger", Name: name, Help: help, Buckets: []float64{0.005, 0.01, 0.015, 0.05, 0.1, 1, 10},
	}, []string{"channel"})
}

// steps are the times at which the steps of one commit began, and what storing the block itself took.
type steps struct {
	began, decided, stored, applied time.Time
	storage                         time.Duration
}

func (m *Metrics) committed(channel string, s steps) {
	if m == nil {
		return
	}
	m.processing.WithLabelValues(channel).Observe(s.decided.Sub(s.began).Seconds())
	m.storage.WithLabelValues(channel).Observe(s.storage.Seconds())
	m.storageWhole.WithLabelValues(channel).Observe(s.stored.Sub(s.decided).Seconds())
	m.state.WithLabelValues(channel).Observe(s.applied.Sub(s.stored).Seconds())
}
