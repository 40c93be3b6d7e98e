package comm

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Metrics counts the connections and calls of servers under Fabric's names. A nil *Metrics counts nothing.
type Metrics struct {
	opened, closed  prometheus.Counter
	unary, stream   callMetrics
	messagesIn, out *prometheus.CounterVec
}

// callMetrics count calls of one kind.
type callMetrics struct {
	received, completed *prometheus.CounterVec
	duration            *prometheus.HistogramVec
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
	calls := func(kind string) callMetrics {
		return callMetrics{
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
	for _, c := range []callMetrics{m.unary, m.stream} {
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
	end := m.unary.begin(serviceAndMethod(info.FullMethod))
	resp, err := next(ctx, req)
	end(err)
	return resp, err
}

func (m *Metrics) countStream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	service, method := serviceAndMethod(info.FullMethod)
	end := m.stream.begin(service, method)
	err := next(srv, &countedStream{ServerStream: s, in: m.messagesIn.WithLabelValues(service, method), out: m.out.WithLabelValues(service, method)})
	end(err)
	return err
}

// begin counts a call; the function it returns counts how that ended.
func (c *callMetrics) begin(service, method string) (end func(error)) {
	c.received.WithLabelValues(service, method).Inc()
	began := time.Now()
	return func(err error) {
		code := status.Code(err).String()
		c.duration.WithLabelValues(service, method, code).Observe(time.Since(began).Seconds())
		c.completed.WithLabelValues(service, method, code).Inc()
	}
}

// serviceAndMethod are the labels of "/protos.Endorser/ProcessProposal": protos_Endorser and ProcessProposal, as Fabric writes them. Only methods that
// the server has are counted, so there are not many.
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
