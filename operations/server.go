package operations

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/heddleledger/heddle/comm"
)

// LogSpec is the logging specification of the process, changeable while it runs; *logging.Logs satisfies it.
type LogSpec interface {
	Spec() string
	SetSpec(spec string) error
}

// Options configure a Server. Gatherer and Logs may be nil: /metrics or /logspec are then not served.
type Options struct {
	Address   string // host:port; port 0 takes a free one
	TLS       *TLS   // nil serves plain HTTP
	Gatherer  prometheus.Gatherer
	Logs      LogSpec
	Version   string
	CommitSHA string
	Log       *slog.Logger
}

// TLS are the operations listener's own certificate and CAs.
type TLS struct {
	Certificate       *comm.Certificate
	RequireClientCert bool // refuse the handshake of a client without a certificate, on every path
	ClientRoots       *comm.Roots
}

// Server answers on one listener until Close.
type Server struct {
	o      Options
	health *health
	http   *http.Server
	listen net.Listener
	done   chan error
}

// requestTimeout bounds a health check run and the shutdown.
const requestTimeout = 30 * time.Second

// Start listens on the address and serves.
func Start(o Options) (*Server, error) {
	s := &Server{o: o, health: &health{checks: map[string]HealthCheck{}}, done: make(chan error, 1)}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	l, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("operations: listening on %s: %w", o.Address, err)
	}
	if o.TLS != nil {
		l = tls.NewListener(l, o.TLS.config())
	}
	s.listen = l
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

func (t *TLS) config() *tls.Config {
	auth := tls.VerifyClientCertIfGiven
	if t.RequireClientCert {
		auth = tls.RequireAndVerifyClientCert
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: t.Certificate.ForHandshake,
		ClientAuth:     auth,
		ClientCAs:      t.ClientRoots.Pool(),
	}
}

// Address is where the server listens, host:port.
func (s *Server) Address() string { return s.listen.Addr().String() }

// Close stops listening, lets requests in progress end until ctx is done, and waits for the server's goroutine.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if serve := <-s.done; !errors.Is(serve, http.ErrServerClosed) {
		err = errors.Join(err, serve)
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	if s.o.Gatherer != nil {
		mux.Handle("/metrics", s.private(promhttp.HandlerFor(s.o.Gatherer, promhttp.HandlerOpts{})))
	}
	if s.o.Logs != nil {
		mux.Handle("/logspec", s.private(http.HandlerFunc(s.logSpec)))
	}
	mux.Handle("/healthz", s.health)
	mux.HandleFunc("/version", s.version)
	return withRequestID(mux)
}

// private lets only clients with a verified certificate pass, when TLS is on.
func (s *Server) private(next http.Handler) http.Handler {
	if s.o.TLS == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withRequestID gives every answer an X-Request-Id: the client's own, or a fresh one.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if id == "" {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) logSpec(w http.ResponseWriter, r *http.Request) {
	type spec struct {
		Spec string `json:"spec,omitempty"`
	}
	type failure struct {
		Error string `json:"error"`
	}
	switch r.Method {
	case http.MethodGet:
		s.reply(w, http.StatusOK, spec{Spec: s.o.Logs.Spec()})
	case http.MethodPut:
		var asked spec
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&asked); err != nil {
			s.reply(w, http.StatusBadRequest, failure{Error: err.Error()})
			return
		}
		if err := s.o.Logs.SetSpec(asked.Spec); err != nil {
			s.reply(w, http.StatusBadRequest, failure{Error: err.Error()})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		s.reply(w, http.StatusBadRequest, failure{Error: "invalid request method: " + r.Method})
	}
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	type failure struct {
		Error string `json:"Error"`
	}
	if r.Method != http.MethodGet {
		s.reply(w, http.StatusBadRequest, failure{Error: "invalid request method: " + r.Method})
		return
	}
	s.reply(w, http.StatusOK, struct {
		CommitSHA string `json:"CommitSHA,omitempty"`
		Version   string `json:"Version,omitempty"`
	}{s.o.CommitSHA, s.o.Version})
}

func (s *Server) reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.o.Log.Debug("answering an operations request", "err", err)
	}
}
