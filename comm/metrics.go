package comm

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Metrics counts the connections and calls of servers under Fabric's names. A nil *Metrics counts nothing.
type Metrics struct {
	opened, closed  prometheus.Counter
	unary, stream   *callMetrics
	messagesIn, out *prometheus.CounterVec
}

// callMetrics count calls of one kind.
type callMetrics struct {
	received, completed *prometheus.CounterVec
	duration            *prometheus.HistogramVec
	meters              sync.Map // full name of a method → *callMeter
}

// callMeter holds the counters of one method at hand, since finding them by their labels takes longer than counting. Only methods that the server has
// are counted, so there are not many.
type callMeter struct {
	of              *callMetrics
	service, method string
	received        prometheus.Counter
	completed       prometheus.Counter // with code OK
	duration        prometheus.Observer
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	connections := func(name string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "grpc", Subsystem: "comm", Name: name,
			Help: "gRPC connections " + strings.TrimPrefix(name, "conn_") + ". Open minus closed is the active number of connections.",
		})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "grpc", Subsystem: "server", Name: name, Help: help}, append([]string{"service", "method"}, labels...))
	}
	calls := func(kind string) *callMetrics {
		return &callMetrics{
			received:  counter(kind+"_requests_received", "The number of "+kind+" requests received."),
			completed: counter(kind+"_requests_completed", "The number of "+kind+" requests completed.", "code"),
			duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Namespace: "grpc", Subsystem: "server", Name: kind + "_request_duration", Help: "The time to complete a " + kind + " request.",
			}, []string{"service", "method", "code"}),
		}
	}
	m := &Metrics{
		opened: connections("conn_opened"), closed: connections("conn_closed"),
		unary: calls("unary"), stream: calls("stream"),
		messagesIn: counter("stream_messages_received", "The number of stream messages received."),
		out:        counter("stream_messages_sent", "The number of stream messages sent."),
	}
	r.MustRegister(m.opened, m.closed, m.messagesIn, m.out)
	for _, c := range []*callMetrics{m.unary, m.stream} {
		r.MustRegister(c.received, c.completed, c.duration)
	}
	return m
}

// options make a server count. They come before the server's own interceptors, so that what those refuse counts as well.
func (m *Metrics) options() []grpc.ServerOption {
	if m == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(connectionCounter{m}), grpc.ChainUnaryInterceptor(m.countUnary), grpc.ChainStreamInterceptor(m.countStream)}
}

func (m *Metrics) countUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	meter, began := m.unary.begin(info.FullMethod), time.Now()
	resp, err := next(ctx, req)
	meter.end(began, err)
	return resp, err
}

func (m *Metrics) countStream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	meter, began := m.stream.begin(info.FullMethod), time.Now()
	err := next(srv, &countedStream{
		ServerStream: s,
		in:           m.messagesIn.WithLabelValues(meter.service, meter.method), out: m.out.WithLabelValues(meter.service, meter.method),
	})
	meter.end(began, err)
	return err
}

// begin counts a call.
func (c *callMetrics) begin(fullMethod string) *callMeter {
	found, ok := c.meters.Load(fullMethod)
	if !ok {
		service, method := serviceAndMethod(fullMethod)
		ok := codes.OK.String()
		found, _ = c.meters.LoadOrStore(fullMethod, &callMeter{
			of: c, service: service, method: method,
			received:  c.received.WithLabelValues(service, method),
			completed: c.completed.WithLabelValues(service, method, ok),
			duration:  c.duration.WithLabelValues(service, method, ok),
		})
	}
	m := found.(*callMeter)
	m.received.Inc()
	return m
}

// end counts how a call ended.
func (m *callMeter) end(began time.Time, err error) {
	completed, duration := m.completed, m.duration
	if err != nil {
		code := status.Code(err).String()
		completed, duration = m.of.completed.WithLabelValues(m.service, m.method, code), m.of.duration.WithLabelValues(m.service, m.method, code)
	}
	duration.Observe(time.Since(began).Seconds())
	completed.Inc()
}

// serviceAndMethod are the labels of "/protos.Endorser/ProcessProposal": protos_Endorser and ProcessProposal, as Fabric writes them.
func serviceAndMethod(full string) (service, method string) {
	service, method, _ = strings.Cut(strings.TrimPrefix(full, "/"), "/")
	return strings.ReplaceAll(service, ".", "_"), method
}

// countedStream counts the messages that pass.
type countedStream struct {
	grpc.ServerStream
	in, out prometheus.Counter
}

func (s *countedStream) SendMsg(m any) error {
	s.out.Inc()
	return s.ServerStream.SendMsg(m)
}

func (s *countedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.in.Inc()
	}
	return err
}

// connectionCounter hears of connections; what else gRPC tells is of no use here.
type connectionCounter struct{ *Metrics }

func (c connectionCounter) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		c.opened.Inc()
	case *stats.ConnEnd:
		c.closed.Inc()
	}
}

func (connectionCounter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}
func (connectionCounter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connectionCounter) HandleRPC(context.Context, stats.RPCStats)                       {}
