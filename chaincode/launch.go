package chaincode

import (
	"context"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

// launch is one start of a chaincode and the life of the instance after it.
type launch struct {
	id     id
	pkg    *pack.Package
	began  time.Time // set by live, as is instance
	cancel context.CancelCauseFunc

	instance runtime.Instance // once it has been started; guarded by the support's mu
	impostor id               // what was refused meanwhile, since nobody launches it; guarded by the support's mu

	decided chan struct{} // closed when the chaincode is ready or the launch has failed
	handler *handler      // set before decided is closed, as is err
	err     error

	ended chan struct{} // closed when the instance is gone
	exit  runtime.Exit  // set before ended is closed
}

// handler returns the ready handler of the call's chaincode, launching it if there is none. However many wait, there is one launch.
func (s *Support) handler(ctx context.Context, c *Call) (*handler, error) {
	id := id{c.Name, c.Version}
	if h := s.running(id); h != nil {
		return h, nil
	}
	p, err := s.checkedPackage(c)
	if err != nil {
		return nil, err
	}
	if c.Init {
		s.forgive(id)
	}
	h, err := s.join(ctx, id, p)
	switch {
	case err == nil:
		return h, nil
	case c.Init:
		return nil, &initLaunchError{err}
	}
	return nil, fmt.Errorf("[channel %s] could not launch chaincode %s: %w", c.ChannelID, id, err)
}

// running returns the handler of a chaincode that is ready, or nil.
func (s *Support) running(id id) *handler {
	s.mu.RLock()
	h := s.handlers[id]
	s.mu.RUnlock()
	if h == nil || h.over() {
		return nil
	}
	select {
	case <-h.ready:
		return h
	default:
		return nil
	}
}

// join waits for the launch of a chaincode, beginning it if nobody has. The launch outlives the one who began it.
func (s *Support) join(ctx context.Context, id id, p *pack.Package) (*handler, error) {
	l, registering, err := s.launching(ctx, id, p)
	switch {
	case err != nil:
		return nil, err
	case registering != nil: // started by hand a moment ago
		select {
		case <-registering.ready:
			return registering, nil
		case <-registering.done:
			return nil, registering.terminated(ctx)
		case <-ctx.Done():
		}
	default:
		select {
		case <-l.decided:
			return l.handler, l.err
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("gave up waiting for chaincode %s to start: %w", id, context.Cause(ctx))
}

// launching finds or begins the launch of a chaincode, or finds a stream on which it is registering by itself.
func (s *Support) launching(ctx context.Context, id id, p *pack.Package) (*launch, *handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errClosed
	}
	if l, ok := s.launches[id]; ok {
		return l, nil, nil
	}
	if h := s.handlers[id]; h != nil && !h.over() {
		return nil, h, nil
	}
	if err := s.failedLately(id, p); err != nil {
		return nil, nil, err
	}
	if s.Runtime == nil {
		return nil, nil, fmt.Errorf("error starting container: error starting container: chaincode %s is not connected; this peer runs in development "+
			"mode and starts none: start it by hand with CORE_CHAINCODE_ID_NAME=%s and -peer.address=%s", id, id, s.PeerAddress)
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l := &launch{id: id, pkg: p, cancel: cancel, decided: make(chan struct{}), ended: make(chan struct{})}
	s.launches[id] = l
	s.work.Go(func() { s.live(ctx, l) })
	return l, nil, nil
}

// live is a launch from its beginning to the end of the instance.
func (s *Support) live(ctx context.Context, l *launch) {
	defer close(l.ended)
	defer l.cancel(nil)
	starting, cancel := context.WithTimeoutCause(ctx, s.StartupTimeout, fmt.Errorf("timeout expired while starting chaincode %s for transaction", l.id))
	defer cancel()
	l.began = time.Now()
	instance, release, err := s.start(starting, l)
	if err != nil {
		s.failed(l, err, starting.Err() != nil)
		return
	}
	defer release()
	s.mu.Lock()
	l.instance = instance
	s.mu.Unlock()
	select {
	case <-l.decided:
		took := time.Since(l.began)
		s.Metrics.launched(l.id, took, nil, false)
		s.Log.Info("Chaincode is ready", "chaincode", l.id.String(), "took", took)
		s.accompany(ctx, instance, l)
	case l.exit = <-instance.Wait():
		s.failed(l, fmt.Errorf("chaincode registration failed: %s", l.exit), false)
	case <-starting.Done():
		s.stop(ctx, instance, l)
		s.failed(l, fmt.Errorf("%w: it did not register at %s%s; %s", context.Cause(starting), s.PeerAddress, s.refusedMeanwhile(l), l.exit), true)
	}
}

// refusedMeanwhile says who else came while a launch waited for its chaincode.
func (s *Support) refusedMeanwhile(l *launch) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if l.impostor == (id{}) {
		return ""
	}
	return fmt.Sprintf(", but one that calls itself %s came and was refused: it must register as CORE_CHAINCODE_ID_NAME says", l.impostor)
}

// start starts the instance. release gives back what it was lent.
func (s *Support) start(ctx context.Context, l *launch) (instance runtime.Instance, release func(), err error) {
	release = func() {}
	what := runtime.Launch{Name: l.id.name, Version: l.id.version, Package: l.pkg, PeerAddress: s.PeerAddress, Env: s.Env}
	if s.Authority != nil {
		if what.TLS, release, err = s.Authority.Issue(l.id.String()); err != nil {
			return nil, nil, err
		}
	}
	instance, err = s.Runtime.Start(ctx, what)
	if err == nil {
		return instance, release, nil
	}
	release()
	err = fmt.Errorf("error starting container: error starting container: %w", err)
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return nil, nil, err
}

// accompany waits for the end of the instance or of its stream, and sees to it that the other ends too.
func (s *Support) accompany(ctx context.Context, instance runtime.Instance, l *launch) {
	ready := time.Now()
	select {
	case l.exit = <-instance.Wait():
		l.handler.end(fmt.Errorf("chaincode %s: %s", l.id, l.exit))
	case <-l.handler.done:
		own := time.NewTimer(afterlife / 2) // to end by itself, so that its exit is its own
		defer own.Stop()
		select {
		case l.exit = <-instance.Wait():
		case <-own.C:
			s.stop(ctx, instance, l)
		case <-s.closing:
			s.stop(ctx, instance, l)
		}
	}
	how := ending(l.handler.endCause, l.exit)
	s.Metrics.ended(l.id, how)
	s.Log.Info("Chaincode ended", "chaincode", l.id.String(), "how", how, "exit", l.exit.String())
	s.lived(l, time.Since(ready))
}

// stopping is how long an instance may take to end when it is told to.
const stopping = 10 * time.Second

func (s *Support) stop(ctx context.Context, instance runtime.Instance, l *launch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	if err := instance.Stop(ctx); err != nil {
		l.exit = runtime.Exit{Err: err}
		return
	}
	l.exit = <-instance.Wait()
}

// failed tells those who wait for a launch that it failed. If it became ready at the same moment, its stream ends instead.
func (s *Support) failed(l *launch, err error, timedOut bool) {
	s.Metrics.launched(l.id, time.Since(l.began), err, timedOut)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.handler != nil {
		l.handler.end(err)
		return
	}
	delete(s.launches, l.id)
	if !s.closed {
		s.failedAgain(l, err)
	}
	l.err = err
	close(l.decided)
}
