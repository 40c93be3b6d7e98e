package channel

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Metrics measures the channels' ledgers under Fabric's names. A nil *Metrics measures nothing.
type Metrics struct {
	heights      *prometheus.GaugeVec
	processing   *prometheus.HistogramVec
	transactions *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"channel"}
	m := &Metrics{
		heights: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "ledger", Name: "blockchain_height", Help: "Height of the chain in blocks.",
		}, labels),
		processing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "ledger", Name: "block_processing_time", Help: "Time taken in seconds for ledger block processing.",
			Buckets: []float64{0.005, 0.01, 0.015, 0.05, 0.1, 1, 10},
		}, labels),
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "ledger", Name: "transaction_count", Help: "Number of transactions processed.",
		}, []string{"channel", "transaction_type", "chaincode", "validation_code"}),
	}
	r.MustRegister(m.heights, m.processing, m.transactions)
	return m
}

func (m *Metrics) height(channel string, height uint64) {
	if m != nil {
		m.heights.WithLabelValues(channel).Set(float64(height))
	}
}

// committed counts a block that took so long from its snapshot of the state to its end. Labels are names that the channel knows, so that
// clients cannot make them up.
func (m *Metrics) committed(channel string, v *validation.Verdict, took time.Duration) {
	if m == nil {
		return
	}
	m.height(channel, v.Block.Header.Number+1)
	m.processing.WithLabelValues(channel).Observe(took.Seconds())
	for i := range v.Block.Txs {
		t := &v.Block.Txs[i]
		kind, chaincode := "unknown", "unknown"
		if name, ok := commonpb.HeaderType_name[int32(t.Type)]; ok {
			kind = name
		}
		if name := v.Invoked[i]; name != "" {
			chaincode = name
		}
		m.transactions.WithLabelValues(channel, kind, chaincode, t.Code.String()).Inc()
	}
}
