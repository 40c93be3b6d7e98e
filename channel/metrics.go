package channel

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Metrics counts what the channels' ledgers hold under Fabric's names. A nil *Metrics counts nothing.
type Metrics struct {
	heights      *prometheus.GaugeVec
	transactions *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"channel"}
	m := &Metrics{
		heights: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "ledger", Name: "blockchain_height", Help: "Height of the chain in blocks.",
		}, labels),
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "ledger", Name: "transaction_count", Help: "Number of transactions processed.",
		}, []string{"channel", "transaction_type", "chaincode", "validation_code"}),
	}
	r.MustRegister(m.heights, m.transactions)
	return m
}

func (m *Metrics) height(channel string, height uint64) {
	if m != nil {
		m.heights.WithLabelValues(channel).Set(float64(height))
	}
}

// committed counts a block. Labels are names that the channel knows, so that clients cannot make them up.
func (m *Metrics) committed(channel string, v *validation.Verdict) {
	if m == nil {
		return
	}
	m.height(channel, v.Block.Header.Number+1)
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
