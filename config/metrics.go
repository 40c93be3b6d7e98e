package config

import "time"

// CoreMetrics is the section "metrics".
type CoreMetrics struct {
	Provider string `key:"provider"` // disabled, prometheus or statsd
	Statsd   Statsd `key:"statsd"`
}

// Statsd is "metrics.statsd" and "Metrics.Statsd": where metrics are sent to.
type Statsd struct {
	Network       string        `key:"network"` // udp or tcp
	Address       string        `key:"address"`
	WriteInterval time.Duration `key:"writeInterval"`
	Prefix        string        `key:"prefix"` // of every name
}
