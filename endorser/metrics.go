package endorser

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts proposals under Fabric's names. A nil *Metrics counts nothing.
type Metrics struct {
	received, successful, invalid                    prometheus.Counter
	denied, duplicates, failedInits, failedEndorsing *prometheus.CounterVec
	duration                                         *prometheus.HistogramVec

	mu         sync.Mutex
	chaincodes map[string]bool // that have labels of their own
}

// maxChaincodes bounds the label values: the name of the chaincode is the client's to choose.
const maxChaincodes = 1000

// NewMetrics registers the counters.
func NewMetrics(r prometheus.Registerer) *Metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "endorser", Name: name, Help: help}
	}
	perChaincode := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(opts(name, help), append([]string{"channel", "chaincode"}, more...))
	}
	m := &Metrics{
		received:        prometheus.NewCounter(opts("proposals_received", "The number of proposals received.")),
		successful:      prometheus.NewCounter(opts("successful_proposals", "The number of successful proposals.")),
		invalid:         prometheus.NewCounter(opts("proposal_validation_failures", "The number of proposals that have failed initial validation.")),
		denied:          perChaincode("proposal_acl_failures", "The number of proposals that failed ACL checks."),
		duplicates:      perChaincode("duplicate_transaction_failures", "The number of failed proposals due to duplicate transaction ID."),
		failedInits:     perChaincode("chaincode_instantiation_failures", "The number of chaincode instantiations or upgrade that have failed."),
		failedEndorsing: perChaincode("endorsement_failures", "The number of failed endorsements.", "chaincodeerror"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "endorser", Name: "proposal_duration", Help: "The time to complete a proposal, in seconds.",
		}, []string{"channel", "chaincode", "success"}),
		chaincodes: map[string]bool{},
	}
	r.MustRegister(m.received, m.successful, m.invalid, m.denied, m.duplicates, m.failedInits, m.failedEndorsing, m.duration)
	return m
}

// label is the chaincode's label value: its name, or "other" when too many have been named already.
func (m *Metrics) label(chaincode string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.chaincodes[chaincode] {
		if len(m.chaincodes) == maxChaincodes {
			return "other"
		}
		m.chaincodes[chaincode] = true
	}
	return chaincode
}

func (m *Metrics) proposal() {
	if m != nil {
		m.received.Inc()
	}
}

// refused counts a proposal that failed a check. The channel is one that the peer has joined if the creator was authenticated.
func (m *Metrics) refused(r *request, why refusal) {
	switch {
	case m == nil:
	case why == refusedDuplicate:
		m.duplicates.WithLabelValues(r.channelID(), m.label(r.id.Name)).Inc()
	case why == refusedAccess:
		m.denied.WithLabelValues(r.channelID(), m.label(r.id.Name)).Inc()
	default:
		m.invalid.Inc()
	}
}

func (m *Metrics) initFailed(channelID, chaincode string) {
	if m != nil {
		m.failedInits.WithLabelValues(channelID, m.label(chaincode)).Inc()
	}
}

// done counts a proposal that ran. byChaincode tells whether it was the chaincode that refused it.
func (m *Metrics) done(r *request, endorsed, byChaincode bool, took time.Duration) {
	if m == nil {
		return
	}
	chaincode := m.label(r.id.Name)
	if endorsed {
		m.successful.Inc()
	} else {
		m.failedEndorsing.WithLabelValues(r.channelID(), chaincode, strconv.FormatBool(byChaincode)).Inc()
	}
	m.duration.WithLabelValues(r.channelID(), chaincode, strconv.FormatBool(endorsed)).Observe(took.Seconds())
}
