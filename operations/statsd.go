package operations

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/DataDog/datadog-go/v5/statsd"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// StatsdOptions say what is sent, and where to.
type StatsdOptions struct {
	Network, Address string // udp or tcp, and host:port
	Prefix           string // of every name; a point follows it
	Interval         time.Duration
	Gatherer         prometheus.Gatherer
	Log              *slog.Logger
}

// Statsd sends metrics to a statsd server at an interval, under Fabric's names: counters by how much they have grown, gauges as they are, and the
// observations of histograms as timings. (A histogram does not keep its observations; a timing is the middle of a bucket that one fell into or, if all
// fell into one, their mean. As in Fabric its number is seconds, whatever statsd calls its unit.)
type Statsd struct {
	o      StatsdOptions
	names  statsdNames
	client *statsd.Client
	told   map[string]*dto.Metric // what has been sent, by name
	stop   chan struct{}
	done   chan struct{}
}

// maxTimings is how many timings are sent of one bucket at a time; of more observations, a sample is sent, with its rate.
const maxTimings = 20

// StartStatsd begins to send. It fails if nobody listens, as far as the network can tell.
func StartStatsd(o StatsdOptions) (*Statsd, error) {
	if o.Prefix != "" && !strings.HasSuffix(o.Prefix, ".") {
		o.Prefix += "."
	}
	wire := &statsdConn{network: o.Network, address: o.Address}
	if err := wire.dial(); err != nil {
		return nil, fmt.Errorf("connecting to the statsd server: %w", err)
	}
	client, err := statsd.NewWithWriter(wire, statsd.WithoutTelemetry(), statsd.WithoutOriginDetection(),
		statsd.WithCardinality(statsd.CardinalityNotSet), statsd.WithoutClientSideAggregation(), statsd.WithWorkersCount(1),
		statsd.WithErrorHandler(func(err error) { o.Log.Warn("Metrics could not be sent", "error", err) }))
	if err != nil {
		return nil, errors.Join(err, wire.Close())
	}
	s := &Statsd{o: o, names: newStatsdNames(), client: client, told: map[string]*dto.Metric{}, stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s, nil
}

// Close sends what is left and ends.
func (s *Statsd) Close() error {
	close(s.stop)
	<-s.done
	return s.client.Close()
}

func (s *Statsd) run() {
	defer close(s.done)
	clock := time.NewTicker(s.o.Interval)
	defer clock.Stop()
	for {
		select {
		case <-s.stop:
			s.send()
			return
		case <-clock.C:
			s.send()
		}
	}
}

func (s *Statsd) send() {
	families, err := s.o.Gatherer.Gather()
	if err != nil {
		s.o.Log.Warn("Not all metrics could be gathered", "error", err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			name := s.o.Prefix + s.names.of(f.GetName(), m.Label)
			if err := s.sendMetric(name, m); err != nil {
				s.o.Log.Warn("A metric could not be sent", "name", name, "error", err)
			}
			s.told[name] = m
		}
	}
	if err := s.client.Flush(); err != nil {
		s.o.Log.Warn("Metrics could not be sent", "error", err)
	}
}

func (s *Statsd) sendMetric(name string, m *dto.Metric) error {
	before := s.told[name]
	switch {
	case m.Counter != nil:
		if grown := math.Round(m.Counter.GetValue() - before.GetCounter().GetValue()); grown > 0 {
			return s.client.Count(name, int64(grown), nil, 1)
		}
	case m.Gauge != nil:
		return s.client.Gauge(name, m.Gauge.GetValue(), nil, 1)
	case m.Histogram != nil:
		return s.sendTimings(name, before.GetHistogram(), m.Histogram)
	case m.Summary != nil: // of collections of garbage: statsd is told how many there were
		return s.client.Gauge(name, float64(m.Summary.GetSampleCount()), nil, 1)
	}
	return nil
}

// sendTimings sends what a histogram has observed since before, which may be nil.
func (s *Statsd) sendTimings(name string, before, now *dto.Histogram) (err error) {
	observed := now.GetSampleCount() - before.GetSampleCount()
	below, lower := uint64(0), 0.0 // observations in the buckets so far, and where these end
	inBucket := func(cumulative uint64, middle float64) {
		n := cumulative - below
		below = cumulative
		if n == observed && n > 0 {
			middle = (now.GetSampleSum() - before.GetSampleSum()) / float64(n)
		}
		rate := min(1, maxTimings/float64(max(n, 1)))
		for range n {
			err = errors.Join(err, s.client.TimeInMilliseconds(name, middle, nil, rate))
		}
	}
	for i, b := range now.Bucket {
		cumulative := b.GetCumulativeCount()
		if before != nil {
			cumulative -= before.Bucket[i].GetCumulativeCount()
		}
		inBucket(cumulative, (lower+b.GetUpperBound())/2)
		lower = b.GetUpperBound()
	}
	inBucket(observed, lower) // above the last bucket's bound
	return err
}

// statsdConn is a connection that is made anew after a failure. It takes out the tags that the client adds if the environment has DD_ENV and its
// like, which no option prevents: statsd servers other than Datadog's may refuse what has tags. The client writes from one goroutine.
type statsdConn struct {
	network, address string
	conn             net.Conn // nil after a failure
}

const statsdTimeout = 5 * time.Second

var statsdTags = regexp.MustCompile(`\|#.*`) // to the end of the line

func (c *statsdConn) dial() (err error) {
	c.conn, err = net.DialTimeout(c.network, c.address, statsdTimeout)
	return err
}

func (c *statsdConn) Write(b []byte) (int, error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			c.conn = nil
			return 0, err
		}
	}
	err := c.conn.SetWriteDeadline(time.Now().Add(statsdTimeout))
	if err == nil {
		_, err = c.conn.Write(statsdTags.ReplaceAll(b, nil))
	}
	if err != nil {
		return 0, errors.Join(err, c.Close())
	}
	return len(b), nil
}

func (c *statsdConn) Close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}
