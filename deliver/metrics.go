package deliver

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts streams, requests and blocks under Fabric's names. A nil *Metrics counts nothing.
type Metrics struct {
	streamsOpened, streamsClosed           prometheus.Counter
	requestsReceived, requestsDone, blocks *prometheus.CounterVec
}

// NewMetrics registers the counters.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "deliver", Name: name, Help: help}
	}
	m := &Metrics{
		streamsOpened:    prometheus.NewCounter(counter("streams_opened", "The number of GRPC streams that have been opened for the deliver service.")),
		streamsClosed:    prometheus.NewCounter(counter("streams_closed", "The number of GRPC streams that have been closed for the deliver service.")),
		requestsReceived: prometheus.NewCounterVec(counter("requests_received", "The number of deliver requests that have been received."), []string{"channel", "filtered"}),
		requestsDone:     prometheus.NewCounterVec(counter("requests_completed", "The number of deliver requests that have been completed."), []string{"channel", "filtered", "success"}),
		blocks:           prometheus.NewCounterVec(counter("blocks_sent", "The number of blocks sent by the deliver service."), []string{"channel", "filtered"}),
	}
	r.MustRegister(m.streamsOpened, m.streamsClosed, m.requestsReceived, m.requestsDone, m.blocks)
	return m
}

func (m *Metrics) opened() {
	if m != nil {
		m.streamsOpened.Inc()
	}
}

func (m *Metrics) closed() {
	if m != nil {
		m.streamsClosed.Inc()
	}
}

func (m *Metrics) received(channel string, filtered bool) {
	if m != nil {
		m.requestsReceived.WithLabelValues(channel, strconv.FormatBool(filtered)).Inc()
	}
}

func (m *Metrics) completed(channel string, filtered, success bool) {
	if m != nil {
		m.requestsDone.WithLabelValues(channel, strconv.FormatBool(filtered), strconv.FormatBool(success)).Inc()
	}
}

func (m *Metrics) sent(channel string, filtered bool) {
	if m != nil {
		m.blocks.WithLabelValues(channel, strconv.FormatBool(filtered)).Inc()
	}
}
