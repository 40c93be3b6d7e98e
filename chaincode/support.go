package chaincode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Options configure a Support. Functions are called from many goroutines.
type Options struct {
	Packages    *pack.Store
	System      []System
	Runtime     runtime.Runtime    // nil in development mode: chaincode is started by hand and anything may register
	Authority   *runtime.Authority // knows chaincode by its TLS certificate; nil if the chaincode listener speaks plain text
	PeerAddress string             // host:port where launched chaincode finds the listener
	Env         []string           // for launched chaincode, such as CORE_CHAINCODE_LOGGING_LEVEL=info

	ExecuteTimeout  time.Duration // of one invocation; 0 means 30 s
	StartupTimeout  time.Duration // from the beginning of a launch, builds included, to READY; 0 means 5 min
	Keepalive       time.Duration // between KEEPALIVE messages; 0 sends none
	TotalQueryLimit int           // results of one query; 0 means 100,000
	Backoff         time.Duration // after a launch that failed, doubled with each further one up to a minute; 0 means 1 s
	Debugged        string        // name of a chaincode under a debugger, whose invocations never time out; empty if there is none

	// Ledger is that of a joined channel.
	Ledger func(channelID string) (*ledger.Ledger, bool)
	// KeyLevelEndorsement tells whether the channel's capabilities allow it; joined is false for a channel this peer has no configuration of.
	KeyLevelEndorsement func(channelID string) (enabled, joined bool)
	// AuthorizeCall tells whether the sender of p may call chaincode on the channel from chaincode: ACL peer/ChaincodeToChaincode.
	AuthorizeCall func(channelID string, p *tx.Proposal) error

	// Defined tells whether any channel of the peer defines the chaincode at that version. Without it, an upgrade concerns all of them.
	Defined func(name, version string) bool

	Metrics *Metrics // may be nil
	Log     *slog.Logger
}

// Support runs chaincode. It serves protos.ChaincodeSupport.
type Support struct {
	peerpb.UnimplementedChaincodeSupportServer
	Options
	system map[string]System

	mu       sync.RWMutex
	closed   bool
	handlers map[id]*handler  // registered streams
	launches map[id]*launch   // until they are ready or have failed
	failures map[id]*failures // of launches, in a row
	outdated map[id]bool      // versions that an upgrade replaced while they ran, and that are stopped whenever they are idle
	closing  chan struct{}    // closed by Close
	work     sync.WaitGroup   // streams and launches
}

// New returns a support without any running chaincode. It must be closed.
func New(o Options) *Support {
	if o.ExecuteTimeout <= 0 {
		o.ExecuteTimeout = 30 * time.Second
	}
	if o.StartupTimeout <= 0 {
		o.StartupTimeout = 5 * time.Minute
	}
	if o.Backoff <= 0 {
		o.Backoff = time.Second
	}
	if o.TotalQueryLimit <= 0 {
		o.TotalQueryLimit = 100_000
	}
	s := &Support{
		Options: o, system: map[string]System{},
		handlers: map[id]*handler{}, launches: map[id]*launch{}, failures: map[id]*failures{}, outdated: map[id]bool{}, closing: make(chan struct{}),
	}
	for _, sys := range o.System {
		s.system[sys.Name()] = sys
	}
	return s
}

// IsSystem tells whether name is that of a system chaincode.
func (s *Support) IsSystem(name string) bool { return s.system[name] != nil }

// Close ends all streams, stops all chaincode and waits for both. Invokes under way fail.
func (s *Support) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
		for _, h := range s.handlers {
			h.end(errClosed)
		}
		for _, l := range s.launches {
			l.cancel(errClosed)
		}
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

var errClosed = errors.New("the peer is shutting down")

// Invoke runs a chaincode, launching it if it does not run yet, and returns its response, whatever its status, and its event if it set one.
// An error means that there is no response: the chaincode could not be launched, did not answer in time, went away, or answered ERROR.
func (s *Support) Invoke(ctx context.Context, c *Call) (*peerpb.Response, *peerpb.ChaincodeEvent, error) {
	if sys, ok := s.system[c.Name]; ok {
		r := sys.Invoke(ctx, c)
		return r, c.named(c.event), nil
	}
	m, err := s.run(ctx, c)
	var launch *initLaunchError
	switch {
	case errors.As(err, &launch):
		return nil, nil, launch.error
	case err != nil:
		return nil, nil, fmt.Errorf("failed to execute transaction %s: %w", c.TxID, err)
	}
	event := c.named(m.ChaincodeEvent)
	if m.Type == peerpb.ChaincodeMessage_ERROR {
		return nil, event, fmt.Errorf("transaction returned with failure: %s", m.Payload)
	}
	r := &peerpb.Response{}
	if err := proto.Unmarshal(m.Payload, r); err != nil {
		return nil, nil, fmt.Errorf("failed to unmarshal response for transaction %s: %w", c.TxID, err)
	}
	return r, event, nil
}

// initLaunchError is a failed launch for Init, to which Fabric adds nothing.
type initLaunchError struct{ error }

func (e *initLaunchError) Unwrap() error { return e.error }

// run executes c and returns the message that ended it, COMPLETED or ERROR.
func (s *Support) run(ctx context.Context, c *Call) (*peerpb.ChaincodeMessage, error) {
	if sys, ok := s.system[c.Name]; ok {
		return s.callSystem(ctx, sys, c)
	}
	for {
		h, err := s.handler(ctx, c)
		if err != nil {
			return nil, err
		}
		m, err := h.execute(ctx, c)
		if errors.Is(err, errRetired) {
			continue // it was stopped for good reason between being found and being used
		}
		if err != nil {
			return nil, fmt.Errorf("error sending: %w", err)
		}
		return m, nil
	}
}
