package ledger

import (
	"errors"
	"sync"

	"github.com/heddleledger/heddle/ledger/statedb"
)

// view is the state after some block, opened once for all who look at it at the same time: the last to leave closes it. What one of them
// needed to find something is kept for the next, as long as the view is of the newest state; later it would keep what compactions have replaced.
type view struct {
	s     *statedb.Snapshot
	users int // guarded by the ledger's mu

	mu      sync.Mutex // guards what follows
	past    bool       // it is not of the newest state any more
	finders []*statedb.Finder
	decoded map[statedb.Key]decoded
}

// decoded is an entry with what was made of its value.
type decoded struct {
	version statedb.Version
	value   any
}

// maxDecoded is how many decoded values a view remembers.
const maxDecoded = 1000

// enter keeps the ledger open, and gives the view of its newest state, until leave.
func (l *Ledger) enter() (*view, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.join(); err != nil {
		return nil, err
	}
	if l.newest == nil {
		l.newest = &view{s: l.state.NewSnapshot()}
	}
	l.newest.users++
	return l.newest, nil
}

func (l *Ledger) leave(v *view) {
	defer l.release()
	l.mu.Lock()
	v.users--
	last := v.users == 0
	if last && l.newest == v {
		l.newest = nil
	}
	l.mu.Unlock()
	if last {
		l.report(errors.Join(v.retire(), v.s.Close()))
	}
}

func (l *Ledger) report(err error) {
	if err != nil {
		l.opts.Log.Error("closing a view of the state", "channel", l.channelID, "error", err)
	}
}

// retire closes what the view has kept to find things with, and makes it keep no more.
func (v *view) retire() error {
	v.mu.Lock()
	idle := v.finders
	v.past, v.finders = true, nil
	v.mu.Unlock()
	var errs []error
	for _, f := range idle {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// find lends a finder to f.
func (v *view) find(f func(*statedb.Finder) error) error {
	finder, err := v.lend()
	if err != nil {
		return err
	}
	err = f(finder)
	if v.takeBack(finder) {
		return err
	}
	return errors.Join(err, finder.Close())
}

func (v *view) lend() (*statedb.Finder, error) {
	v.mu.Lock()
	last := len(v.finders) - 1
	if last < 0 {
		v.mu.Unlock()
		return v.s.NewFinder()
	}
	f := v.finders[last]
	v.finders = v.finders[:last]
	v.mu.Unlock()
	return f, nil
}

// takeBack keeps a finder for the next; false if it is to be closed.
func (v *view) takeBack(f *statedb.Finder) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.past {
		v.finders = append(v.finders, f)
	}
	return !v.past
}

// get reads an entry of the world state.
func (v *view) get(k statedb.Key) (value statedb.Value, found bool, err error) {
	err = v.find(func(f *statedb.Finder) (err error) {
		value, found, err = f.Get(k)
		return err
	})
	return value, found, err
}

// decode is get for keys that many read: decode runs once, and all get what it made of the value. What is not there is not remembered.
func (v *view) decode(k statedb.Key, decode func(raw []byte) (any, error)) (d decoded, found bool, err error) {
	v.mu.Lock()
	d, found = v.decoded[k]
	v.mu.Unlock()
	if found {
		return d, true, nil
	}
	value, found, err := v.get(k)
	if err != nil || !found {
		return decoded{}, false, err
	}
	d.version = value.Version
	if d.value, err = decode(value.Value); err != nil {
		return d, true, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.decoded == nil {
		v.decoded = map[statedb.Key]decoded{}
	}
	if len(v.decoded) < maxDecoded {
		v.decoded[k] = d
	}
	return d, true, nil
}
