package orderer

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
	"time"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Options configure a Registry. All fields but OnConfig, FailPoint and Metrics must be set.
type Options struct {
	Dir     string           // block files are kept in <Dir>/chains/<channel>
	Genesis *commonpb.Block  // of the system channel; used only while Dir holds no channel
	Signer  func() tx.Signer // signs a block or a configuration transaction; asked for each, since certificates are renewed
	// Consenters start the consensus that a channel's configuration names, "solo" or "etcdraft".
	Consenters map[string]NewConsenter
	// NoExpirationChecks lets expired identities broadcast (General.Authentication.NoExpirationChecks).
	NoExpirationChecks bool
	// OnConfig is told every configuration: of each channel when it opens, and each change. It must not call the registry.
	OnConfig func(*channelconfig.Bundle)
	// FailPoint, for crash tests, is called between durable steps with the name of the step just done.
	FailPoint func(step string)
	Metrics   *Metrics
	Now       func() time.Time
	Log       *slog.Logger
}

// Registry holds the channels of an ordering node, one of which is the system channel.
type Registry struct {
	o       Options
	ctx     context.Context // bounds the consenters of channels created later
	closing chan struct{}   // closed by Close, for readers that wait
	once    sync.Once

	mu       sync.RWMutex
	channels map[string]*Channel
	sysID    string
}

// Open opens every channel on disk, and the system channel from the genesis block if there is none, and starts their consenters. Consenters and
// waiting readers end with ctx; Close ends them in order.
func Open(ctx context.Context, o Options) (*Registry, error) {
	if o.FailPoint == nil {
		o.FailPoint = func(string) {}
	}
	r := &Registry{o: o, ctx: ctx, closing: make(chan struct{}), channels: map[string]*Channel{}}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Registry) open() error {
	stores, err := r.stored()
	if err != nil {
		return err
	}
	if len(stores) == 0 {
		id, store, err := r.bootstrap()
		if err != nil {
			return err
		}
		stores = map[string]*blockfile.Store{id: store}
	}
	for id, store := range stores {
		c, err := r.load(id, store)
		if err == nil {
			err = r.register(c)
		}
		if err != nil {
			return errors.Join(err, closeUnregistered(stores, r.channels))
		}
	}
	if r.sysID == "" {
		return errors.New("No system chain found.  If bootstrapping, does your system channel contain a consortiums group definition?")
	}
	// The system channel starts last: replaying its log may create channels.
	for id, c := range r.channels {
		if id != r.sysID {
			if err := r.start(c); err != nil {
				return err
			}
		}
	}
	return r.start(r.channels[r.sysID])
}

// closeUnregistered closes the block files that no registered channel will close.
func closeUnregistered(stores map[string]*blockfile.Store, channels map[string]*Channel) (err error) {
	for id, s := range stores {
		if channels[id] == nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// stored opens the block files on disk, by channel. One without a block is what a kill left of a channel being created; it does not count.
func (r *Registry) stored() (stores map[string]*blockfile.Store, err error) {
	entries, err := os.ReadDir(r.chains())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the channels: %w", err)
	}
	stores = map[string]*blockfile.Store{}
	for _, e := range entries {
		if !e.IsDir() || channelconfig.CheckChannelID(e.Name()) != nil {
			continue
		}
		store, err := r.blocks(e.Name())
		if err == nil && store.Height() == 0 {
			err = store.Close()
			store = nil
		}
		if err != nil {
			return nil, errors.Join(err, closeUnregistered(stores, nil))
		}
		if store != nil {
			stores[e.Name()] = store
		}
	}
	return stores, nil
}

func (r *Registry) chains() string { return filepath.Join(r.o.Dir, "chains") }

func (r *Registry) blocks(id string) (*blockfile.Store, error) {
	s, err := blockfile.Open(filepath.Join(r.chains(), id), blockfile.Options{Log: r.o.Log.With("channel", id)})
	if err != nil {
		return nil, fmt.Errorf("opening the block file of channel %s: %w", id, err)
	}
	return s, nil
}

// bootstrap writes the genesis block of the system channel, as it is.
func (r *Registry) bootstrap() (string, *blockfile.Store, error) {
	b := r.o.Genesis
	if b == nil {
		return "", nil, fmt.Errorf("no channel in %s and no genesis block to start one with", r.chains())
	}
	if err := block.Check(b); err != nil {
		return "", nil, fmt.Errorf("genesis block: %w", err)
	}
	bundle, err := channelconfig.FromBlock(b)
	if err != nil {
		return "", nil, fmt.Errorf("genesis block: %w", err)
	}
	if _, ok := bundle.Consortiums(); !ok {
		return "", nil, fmt.Errorf("genesis block of channel %s: the system channel's configuration has no Consortiums group", bundle.ChannelID())
	}
	store, err := r.first(bundle.ChannelID(), b)
	return bundle.ChannelID(), store, err
}

// first opens a channel's block file and writes block 0 unless there is one.
func (r *Registry) first(id string, b *commonpb.Block) (*blockfile.Store, error) {
	blocks, err := r.blocks(id)
	if err != nil {
		return nil, err
	}
	if blocks.Height() == 0 {
		if err := blocks.Append(b); err != nil {
			return nil, errors.Join(fmt.Errorf("writing the genesis block of channel %s: %w", id, err), blocks.Close())
		}
	}
	return blocks, nil
}

// load opens a channel that has a block. It is not registered, and its consenter not started. On an error the caller closes the blocks.
func (r *Registry) load(id string, blocks *blockfile.Store) (*Channel, error) {
	c, err := openChannel(r, id, blocks)
	if err != nil {
		return nil, fmt.Errorf("opening channel %s: %w", id, err)
	}
	return c, nil
}

// register lets clients find the channel.
func (r *Registry) register(c *Channel) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := c.Bundle().Consortiums(); ok {
		if r.sysID != "" {
			return fmt.Errorf("there appear to be two system channels, %s and %s", r.sysID, c.id)
		}
		r.sysID = c.id
	}
	r.channels[c.id] = c
	return nil
}

// start starts a channel's consenter.
func (r *Registry) start(c *Channel) error {
	kind := c.consensusType()
	start, ok := r.o.Consenters[kind]
	if !ok {
		return fmt.Errorf("channel %s: unknown consensus type %q", c.id, kind)
	}
	consenter, err := start(r.ctx, c)
	if err != nil {
		return fmt.Errorf("channel %s: starting consensus %s: %w", c.id, kind, err)
	}
	c.consenter = consenter
	r.configured(c.Bundle())
	r.o.Log.Info("channel is open", "channel", c.id, "height", c.Height(), "consensus", kind, "system", c.id == r.sysID)
	return nil
}

// configured passes a configuration on.
func (r *Registry) configured(b *channelconfig.Bundle) {
	if r.o.OnConfig != nil {
		r.o.OnConfig(b)
	}
}

// create opens the channel whose first configuration transaction is env, writing its block 0 first if need be. It does nothing for a channel
// that is open: the system channel's block that creates it is being replayed.
func (r *Registry) create(env *commonpb.Envelope) error {
	bundle, err := channelconfig.FromEnvelope(env)
	if err != nil {
		return fmt.Errorf("new channel's configuration: %w", err)
	}
	id := bundle.ChannelID()
	if _, ok := r.Channel(id); ok {
		return nil
	}
	raw, err := wire.Marshal(env)
	if err != nil {
		return err
	}
	blocks, err := r.first(id, block.New(0, nil, [][]byte{raw}))
	if err != nil {
		return err
	}
	r.o.FailPoint("create")
	c, err := r.load(id, blocks)
	if err != nil {
		return errors.Join(err, blocks.Close())
	}
	if err := r.start(c); err != nil {
		return errors.Join(err, c.close())
	}
	return r.register(c)
}

// Channel returns an open channel.
func (r *Registry) Channel(id string) (*Channel, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.channels[id]
	return c, ok
}

// SystemChannelID names the channel through which channels are created.
func (r *Registry) SystemChannelID() string { return r.system().id }

func (r *Registry) system() *Channel {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.channels[r.sysID]
}

func (r *Registry) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.channels)
}

// Err names the channels on which nothing can be ordered any more; nil if there are none. The log says why.
func (r *Registry) Err() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var stopped []string
	for id, c := range r.channels {
		select {
		case <-c.Errored():
			stopped = append(stopped, id)
		default:
		}
	}
	if stopped == nil {
		return nil
	}
	slices.Sort(stopped)
	return fmt.Errorf("consensus has stopped for channels %q: see the log, correct the cause and start the orderer again", stopped)
}

// Close ends waiting readers, then stops every channel: what their consenters have taken is ordered and written. The system channel goes first,
// since it may still create others.
func (r *Registry) Close() error {
	var err error
	r.once.Do(func() {
		close(r.closing)
		if system := r.system(); system != nil {
			err = system.close()
		}
		r.mu.RLock()
		defer r.mu.RUnlock()
		for id, c := range r.channels {
			if id != r.sysID {
				err = errors.Join(err, c.close())
			}
		}
	})
	return err
}

// CheckBlocks tells whether the last block of every channel can be read and is whole; nil if so.
func (r *Registry) CheckBlocks() error {
	r.mu.RLock()
	channels := maps.Clone(r.channels) // a slow disk must hold up nobody else
	r.mu.RUnlock()
	var all []error
	for _, id := range slices.Sorted(maps.Keys(channels)) {
		last := channels[id].height.Load() - 1
		if _, err := channels[id].blocks.RawBlock(last); err != nil {
			all = append(all, fmt.Errorf("channel [%s]: reading block [%d]: %w", id, last, err))
		}
	}
	return errors.Join(all...)
}
