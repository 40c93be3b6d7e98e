package docker

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures builds under Fabric's name. A nil *Metrics measures nothing.
type Metrics struct {
	builds *prometheus.HistogramVec
}

// NewMetrics registers the histogram.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{builds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "dockercontroller", Name: "chaincode_container_build_duration", Help: "The time to build a chaincode image in seconds.",
	}, []string{"chaincode", "success"})}
	r.MustRegister(m.builds)
	return m
}

func (m *Metrics) built(chaincode string, began time.Time, err error) {
	if m != nil {
		m.builds.WithLabelValues(chaincode, strconv.FormatBool(err == nil)).Observe(time.Since(began).Seconds())
	}
}
