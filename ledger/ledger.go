package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// ErrNotFound is returned for blocks and transactions that are not there. Clients of Fabric match on its text.
var ErrNotFound = blockfile.ErrNotFound

// Options tune a Ledger. Every field may be left zero except Log.
type Options struct {
	Log            *slog.Logger
	SegmentSize    int64 // of the block file, bytes; 64 MiB if zero
	CacheSize      int64 // of the state store, bytes of memory; 64 MiB if zero
	DisableHistory bool  // as Fabric's ledger.history.enableHistoryDatabase: false
	Metrics        *Metrics
	// Failpoint is for crash tests: it is called after each of Failpoints, and an error from it stops the ledger as a crash would.
	Failpoint func(step string) error
}

// Ledger is one channel's ledger, open in one process. Its methods may be called by many goroutines at once.
type Ledger struct {
	channelID string
	dir       string
	opts      Options
	blocks    *blockfile.Store
	state     *statedb.DB

	committing sync.Mutex // held by the one Commit that runs
	failed     error      // why no more blocks are taken; guarded by committing
	commitHash []byte     // of the last block; guarded by committing

	former atomic.Uint64  // blocks there were before a rollback
	users  sync.WaitGroup // those between acquire and release

	mu      sync.Mutex // guards what follows
	info    *commonpb.BlockchainInfo
	changed chan struct{} // closed, and made anew, when info changes or the ledger closes
	newest  *view         // of the state that info is of; nil while nobody looks at it
	closed  bool
}

// Open opens the ledger in dir, which is its own, creating it if there is none, and brings its state up to its last block.
func Open(dir, channelID string, opts Options) (*Ledger, error) {
	l := &Ledger{channelID: channelID, dir: dir, opts: opts, info: &commonpb.BlockchainInfo{}, changed: make(chan struct{})}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("opening the ledger of channel [%s]: %w", channelID, err)
	}
	return l, nil
}

func (l *Ledger) open() error {
	former, err := formerHeight(l.dir)
	if err != nil {
		return err
	}
	l.former.Store(former)
	l.blocks, err = blockfile.Open(filepath.Join(l.dir, blocksFolder), blockfile.Options{
		Log: l.opts.Log, SegmentSize: l.opts.SegmentSize, Failpoint: l.opts.Failpoint,
	})
	if err != nil {
		return err
	}
	l.state, err = statedb.Open(filepath.Join(l.dir, stateFolder), statedb.Options{
		Log: l.opts.Log, CacheSize: l.opts.CacheSize, BeforeFlush: l.beforeFlush,
	})
	if err != nil {
		return errors.Join(err, l.blocks.Close())
	}
	if err = l.recover(); err != nil {
		return errors.Join(err, l.state.Close(), l.blocks.Close())
	}
	return nil
}

// beforeFlush keeps the block file ahead of the state on the disk. If it fails, so does the next Commit.
func (l *Ledger) beforeFlush() {
	if err := l.blocks.Sync(); err != nil {
		l.opts.Log.Error("syncing the block file before the state is written", "channel", l.channelID, "error", err)
	}
}

// Close waits for open simulators, snapshots and history iterators, then writes everything to the disk and closes. Waiters return.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.changed)
	l.mu.Unlock()
	l.users.Wait()
	return errors.Join(l.state.Close(), l.blocks.Close())
}

// acquire keeps the ledger open until release.
func (l *Ledger) acquire() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.join()
}

// join is acquire for who holds mu.
func (l *Ledger) join() error {
	if l.closed {
		return fmt.Errorf("the ledger of channel [%s] is closed", l.channelID)
	}
	l.users.Add(1)
	return nil
}

func (l *Ledger) release() { l.users.Done() }

// Height is the number of blocks, which is the number of the next one.
func (l *Ledger) Height() uint64 { return l.Info().Height }

// Info is the height, the hash of the last block's header and the hash of the one before. It must not be changed.
func (l *Ledger) Info() *commonpb.BlockchainInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.info
}

// publish announces that b is the last block.
func (l *Ledger) publish(h *commonpb.BlockHeader) {
	if former := l.advance(h); former != nil {
		l.report(former.retire())
	}
}

// advance is publish, and returns the view of the state before, if anybody looks at it.
func (l *Ledger) advance(h *commonpb.BlockHeader) *view {
	l.mu.Lock()
	defer l.mu.Unlock()
	former := l.newest
	l.newest = nil
	l.info = &commonpb.BlockchainInfo{Height: h.Number + 1, CurrentBlockHash: block.HeaderHash(h), PreviousBlockHash: h.PreviousHash}
	if !l.closed {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return former
}

// Wait returns once Height() > n, that is when block n can be read; or with an error when ctx ends or the ledger closes first.
func (l *Ledger) Wait(ctx context.Context, n uint64) error {
	for {
		l.mu.Lock()
		height, changed, closed := l.info.Height, l.changed, l.closed
		l.mu.Unlock()
		switch {
		case height > n:
			return nil
		case closed:
			return fmt.Errorf("waiting for block [%d]: the ledger of channel [%s] is closed", n, l.channelID)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Block reads block n as committed; math.MaxUint64 means the last. The error is ErrNotFound if there is none.
func (l *Ledger) Block(n uint64) (*commonpb.Block, error) {
	n, err := l.committed(n)
	if err != nil {
		return nil, err
	}
	return l.blocks.Block(n)
}

// RawBlock is Block, encoded as it is stored.
func (l *Ledger) RawBlock(n uint64) ([]byte, error) {
	n, err := l.committed(n)
	if err != nil {
		return nil, err
	}
	return l.blocks.RawBlock(n)
}

// committed resolves a block number. A block that is in the file but whose state is not yet applied is not there.
func (l *Ledger) committed(n uint64) (uint64, error) {
	height := l.Height()
	if n == math.MaxUint64 {
		n = height - 1
	}
	if n >= height {
		return 0, ErrNotFound
	}
	return n, nil
}
