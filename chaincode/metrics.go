package chaincode

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// Metrics counts launches, timeouts and requests of chaincode under Fabric's names, and under one of its own (ends) how chaincode that was ready
// ended. The label chaincode is "name:version". A nil *Metrics counts nothing.
type Metrics struct {
	launchDuration                                  *prometheus.HistogramVec
	launchFailures, launchTimeouts, executeTimeouts *prometheus.CounterVec
	requestsReceived, requestsCompleted             *prometheus.CounterVec
	requestDuration                                 *prometheus.HistogramVec
	ends                                            *prometheus.CounterVec
}

// NewMetrics registers the counters.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "chaincode", Name: name, Help: help}, labels)
	}
	duration := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "chaincode", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		launchDuration:    duration("launch_duration", "The time to launch a chaincode.", "chaincode", "success"),
		launchFailures:    counter("launch_failures", "The number of chaincode launches that have failed.", "chaincode"),
		launchTimeouts:    counter("launch_timeouts", "The number of chaincode launches that have timed out.", "chaincode"),
		executeTimeouts:   counter("execute_timeouts", "The number of chaincode executions (Init or Invoke) that have timed out.", "chaincode"),
		requestsReceived:  counter("shim_requests_received", "The number of chaincode shim requests received.", "type", "channel", "chaincode"),
		requestsCompleted: counter("shim_requests_completed", "The number of chaincode shim requests completed.", "type", "channel", "chaincode", "success"),
		requestDuration:   duration("shim_request_duration", "The time to complete chaincode shim requests.", "type", "channel", "chaincode", "success"),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "heddle", Subsystem: "chaincode", Name: "ends",
			Help: "The number of times that chaincode which the peer had started ended after it was ready: stopped by the peer, exited, crashed, " +
				"hung, stuck in one transaction, flooded its stream, or misbehaved on it.",
		}, []string{"chaincode", "how"}),
	}
	r.MustRegister(m.ends, m.launchDuration, m.launchFailures, m.launchTimeouts, m.executeTimeouts, m.requestsReceived, m.requestsCompleted, m.requestDuration)
	return m
}

// launched counts a launch that has come to its end, in whichever way.
func (m *Metrics) launched(id id, took time.Duration, err error, timedOut bool) {
	if m == nil {
		return
	}
	m.launchDuration.WithLabelValues(id.String(), strconv.FormatBool(err == nil)).Observe(took.Seconds())
	if err != nil {
		m.launchFailures.WithLabelValues(id.String()).Inc()
	}
	if timedOut {
		m.launchTimeouts.WithLabelValues(id.String()).Inc()
	}
}

func (m *Metrics) ended(id id, how string) {
	if m != nil {
		m.ends.WithLabelValues(id.String(), how).Inc()
	}
}

func (m *Metrics) executeTimedOut(id id) {
	if m != nil {
		m.executeTimeouts.WithLabelValues(id.String()).Inc()
	}
}

// requestMeters holds the counters of one stream's requests at hand, since finding them by their labels takes longer than many a request.
type requestMeters struct{ found sync.Map } // requestKind → *requestMeter

type requestKind struct {
	typ     peerpb.ChaincodeMessage_Type
	channel string
}

type requestMeter struct {
	received          prometheus.Counter
	completed, failed outcomeMeter
}

type outcomeMeter struct {
	count prometheus.Counter
	took  prometheus.Observer
}

// of returns the meter of a kind of request; nil if nothing is counted.
func (r *requestMeters) of(m *Metrics, id id, kind requestKind) *requestMeter {
	if m == nil {
		return nil
	}
	if found, ok := r.found.Load(kind); ok {
		return found.(*requestMeter)
	}
	labels := []string{kind.typ.String(), kind.channel, id.String()}
	outcome := func(success string) outcomeMeter {
		l := append(labels[:3:3], success)
		return outcomeMeter{m.requestsCompleted.WithLabelValues(l...), m.requestDuration.WithLabelValues(l...)}
	}
	found, _ := r.found.LoadOrStore(kind, &requestMeter{
		received: m.requestsReceived.WithLabelValues(labels...), completed: outcome("true"), failed: outcome("false"),
	})
	return found.(*requestMeter)
}

// begin counts a request; the function it returns counts how that ended.
func (r *requestMeter) begin() (end func(err error)) {
	if r == nil {
		return func(error) {}
	}
	r.received.Inc()
	began := time.Now()
	return func(err error) {
		o := &r.completed
		if err != nil {
			o = &r.failed
		}
		o.count.Inc()
		o.took.Observe(time.Since(began).Seconds())
	}
}
