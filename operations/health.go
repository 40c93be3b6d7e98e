package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// HealthCheck tells whether a component works; an error says why it does not. It must return soon after ctx is done.
type HealthCheck func(ctx context.Context) error

// RegisterHealthCheck adds a component to what /healthz reports. A name can be taken once.
func (s *Server) RegisterHealthCheck(component string, check HealthCheck) error {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if _, taken := s.health.checks[component]; taken {
		return fmt.Errorf("'%s' is already registered", component)
	}
	s.health.checks[component] = check
	return nil
}

type health struct {
	mu     sync.Mutex
	checks map[string]HealthCheck
	runs   singleflight.Group // anybody may ask, and checks read disks: those who ask at the same time get one answer
}

type failedCheck struct {
	Component string `json:"component"`
	Reason    string `json:"reason"`
}

type healthStatus struct {
	Status       string        `json:"status"`
	Time         time.Time     `json:"time"`
	FailedChecks []failedCheck `json:"failed_checks,omitempty"`
}

// ServeHTTP answers 200 and "OK", or 503 and the components that failed, or 408 if the checks take more than 30 s.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	failed := h.share(ctx)
	if ctx.Err() != nil {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	status, code := healthStatus{Status: "OK", Time: time.Now(), FailedChecks: failed}, http.StatusOK
	if len(failed) > 0 {
		status.Status, code = "Service Unavailable", http.StatusServiceUnavailable
	}
	body, err := json.Marshal(status)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client is gone if this fails
}

// share runs the checks, or waits for whoever does already. If that client leaves, another one's turn comes.
func (h *health) share(ctx context.Context) []failedCheck {
	for {
		result, left, _ := h.runs.Do("", func() (any, error) { return h.run(ctx), ctx.Err() })
		if left == nil || ctx.Err() != nil {
			return result.([]failedCheck)
		}
	}
}

func (h *health) run(ctx context.Context) []failedCheck {
	h.mu.Lock()
	checks := make(map[string]HealthCheck, len(h.checks))
	for name, c := range h.checks {
		checks[name] = c
	}
	h.mu.Unlock()
	var failed []failedCheck
	for name, check := range checks {
		if err := check(ctx); err != nil {
			failed = append(failed, failedCheck{Component: name, Reason: err.Error()})
		}
	}
	slices.SortFunc(failed, func(a, b failedCheck) int { return strings.Compare(a.Component, b.Component) })
	return failed
}
