package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Options are what all channels of a peer have in common. Dir and Log must be set.
type Options struct {
	Dir     string                       // a folder per channel, named by its id
	Ledger  ledger.Options               // its Log is set from Log if nil
	Workers int                          // how many transactions are validated together; 0 means GOMAXPROCS
	Plugins map[string]plugin.Validation // by the name that a chaincode's definition has; nil: the default one, as vscc
	Sync    *Sync                        // how blocks are pulled from orderers; nil leaves that to Channel.Submit
	Log     *slog.Logger

	// OnConfig is told of every configuration that comes into force, the first one included, before any block under it is looked at.
	OnConfig func(*channelconfig.Bundle)
	// OnCommit is told of every block after it has been committed, in order. The next block waits until it returns.
	OnCommit func(Committed)
	Metrics  *Metrics
}

// Committed is a block that has been committed.
type Committed struct {
	ChannelID string
	Block     *ledger.Block // with final codes
	Refusals  []validation.Refusal
	// Chaincodes are the definitions that the block instantiates or upgrades; whatever ran under another version is outdated now.
	Chaincodes []*peerpb.ChaincodeData
}

// errExists has Fabric's text.
var errExists = errors.New("LedgerID already exists")

// Registry holds the channels that a peer has joined. Its methods may be called by many goroutines at once.
type Registry struct {
	o    Options
	ctx  context.Context // ends when the channels must stop
	stop context.CancelFunc

	joining sync.Mutex // held by the one Join that runs

	mu       sync.RWMutex
	channels map[string]*Channel
	unopened map[string]error // why a channel on disk is not served
}

// Open opens every channel that the peer has joined and starts to keep it up to date. A channel that cannot be opened is logged and left out:
// the others are served. ctx bounds the life of all channels; Close must be called in any case.
func Open(ctx context.Context, o Options) (*Registry, error) {
	if o.Ledger.Log == nil {
		o.Ledger.Log = o.Log
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("creating the folder of ledgers: %w", err)
	}
	ids, err := joined(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Registry{o: o, channels: map[string]*Channel{}, unopened: map[string]error{}}
	r.ctx, r.stop = context.WithCancel(ctx)
	for _, id := range ids {
		if err := r.reopen(id); err != nil {
			o.Log.Error("the channel cannot be opened and is not served", "channel", id, "err", err)
			r.unopened[id] = err
		}
	}
	return r, nil
}

func (r *Registry) reopen(id string) error {
	l, err := ledger.Open(r.dir(id), id, r.o.Ledger)
	if err != nil {
		return err
	}
	if l.Height() == 0 {
		r.o.Log.Warn("the peer stopped while it was joining the channel; join it again", "channel", id)
		return errors.Join(l.Close(), os.RemoveAll(r.dir(id)))
	}
	bundle, err := restoreBundle(id, l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	r.add(newChannel(r, bundle, l))
	return nil
}

// restoreBundle reads the configuration in force from the state.
func restoreBundle(id string, l *ledger.Ledger) (*channelconfig.Bundle, error) {
	s, err := l.NewSnapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	config, err := storedConfig(s)
	if err != nil {
		return nil, fmt.Errorf("reading the channel's configuration from the state: %w", err)
	}
	bundle, err := channelconfig.New(id, config)
	if err != nil {
		return nil, err
	}
	return bundle, bundle.PeerSupports()
}

func (r *Registry) add(c *Channel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.channels[c.id] = c
	c.start(r.ctx)
}

// Join makes the peer a member of the channel whose first block this is. Nobody vouches for that block but the administrator who gives it.
func (r *Registry) Join(ctx context.Context, genesis *commonpb.Block) error {
	bundle, err := checkGenesis(genesis)
	if err != nil {
		return err
	}
	r.joining.Lock()
	defer r.joining.Unlock()
	if err := errors.Join(ctx.Err(), r.ctx.Err()); err != nil {
		return err
	}
	l, err := r.create(ctx, bundle.ChannelID(), genesis)
	if err != nil {
		return fmt.Errorf("cannot create ledger from genesis block: %w", err)
	}
	r.add(newChannel(r, bundle, l))
	return nil
}

// create makes a ledger that holds the genesis block, or leaves nothing behind.
func (r *Registry) create(ctx context.Context, id string, genesis *commonpb.Block) (*ledger.Ledger, error) {
	if _, err := os.Stat(r.dir(id)); err == nil {
		return nil, errExists
	}
	first, err := judgeGenesis(genesis)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(r.dir(id), id, r.o.Ledger)
	if err == nil {
		if err = l.Commit(ctx, first); err == nil {
			return l, nil
		}
		err = errors.Join(err, l.Close())
	}
	return nil, errors.Join(err, os.RemoveAll(r.dir(id)))
}

func (r *Registry) dir(id string) string { return filepath.Join(r.o.Dir, id) }

// Get finds a joined channel.
func (r *Registry) Get(id string) (*Channel, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.channels[id]
	return c, ok
}

// IDs lists the joined channels, sorted.
func (r *Registry) IDs() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.channels))
}

// Bundle is the configuration in force on a joined channel.
func (r *Registry) Bundle(id string) (*channelconfig.Bundle, bool) {
	c, ok := r.Get(id)
	if !ok {
		return nil, false
	}
	return c.Bundle(), true
}

// Ledger is the ledger of a joined channel.
func (r *Registry) Ledger(id string) (*ledger.Ledger, bool) {
	c, ok := r.Get(id)
	if !ok {
		return nil, false
	}
	return c.Ledger(), true
}

// Err names the channels that the peer has joined but does not keep up to date, and says why; nil if there are none.
func (r *Registry) Err() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []error
	for _, id := range slices.Sorted(maps.Keys(r.unopened)) {
		all = append(all, fmt.Errorf("channel [%s] cannot be opened: %w", id, r.unopened[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(r.channels)) {
		if c := r.channels[id]; c.Err() != nil {
			all = append(all, c.stopped())
		}
	}
	return errors.Join(all...)
}

// Check runs check on the ledger of every channel and tells which ones it fails for; nil if for none.
func (r *Registry) Check(check func(*ledger.Ledger) error) error {
	var all []error
	for _, id := range r.IDs() {
		l, ok := r.Ledger(id)
		if !ok {
			continue
		}
		if err := check(l); err != nil {
			all = append(all, fmt.Errorf("channel [%s]: %w", id, err))
		}
	}
	return errors.Join(all...)
}

// Close stops all channels, waits for their goroutines and closes their ledgers.
func (r *Registry) Close() error {
	r.stop()
	r.joining.Lock() // no Join is left half done
	defer r.joining.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, id := range slices.Sorted(maps.Keys(r.channels)) {
		err = errors.Join(err, r.channels[id].close())
	}
	clear(r.channels)
	return err
}
