package orderer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Metrics measures Broadcast, and the chains that come of it, under Fabric's names. A nil *Metrics measures nothing.
type Metrics struct {
	validate, enqueue, fill, storage *prometheus.HistogramVec
	processed                        *prometheus.CounterVec
	heights                          *prometheus.GaugeVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"channel", "type", "status"}
	m := &Metrics{
		validate: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "broadcast", Name: "validate_duration", Help: "The time to validate a transaction in seconds.",
		}, labels),
		enqueue: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "broadcast", Name: "enqueue_duration", Help: "The time to enqueue a transaction in seconds.",
		}, labels),
		fill: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "blockcutter", Name: "block_fill_duration", Help: "The time from first transaction enqueing to the block being cut in seconds.",
		}, []string{"channel"}),
		storage: ledger.NewStorageTime(),
		processed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "broadcast", Name: "processed_count", Help: "The number of transactions processed.",
		}, labels),
		heights: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "ledger", Name: "blockchain_height", Help: "Height of the chain in blocks.",
		}, []string{"channel"}),
	}
	r.MustRegister(m.validate, m.enqueue, m.fill, m.storage, m.processed, m.heights)
	return m
}

func (m *Metrics) height(channel string, height uint64) {
	if m != nil {
		m.heights.WithLabelValues(channel).Set(float64(height))
	}
}

func (m *Metrics) filled(channel string, waited time.Duration) {
	if m != nil {
		m.fill.WithLabelValues(channel).Observe(waited.Seconds())
	}
}

func (m *Metrics) stored(channel string, took time.Duration) {
	if m != nil {
		m.storage.WithLabelValues(channel).Observe(took.Seconds())
	}
}

// broadcast counts one answer: validation lasted from begin to judged and the hand-over from then to now; judged is zero if the message was
// refused.
func (m *Metrics) broadcast(channel, kind string, status commonpb.Status, begin, judged time.Time) {
	if m == nil {
		return
	}
	now := time.Now()
	s := status.String()
	if judged.IsZero() {
		judged = now
	} else {
		m.enqueue.WithLabelValues(channel, kind, s).Observe(now.Sub(judged).Seconds())
	}
	m.validate.WithLabelValues(channel, kind, s).Observe(judged.Sub(begin).Seconds())
	m.processed.WithLabelValues(channel, kind, s).Inc()
}
