package statedb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	defaultCacheSize = 64 << 20
	// memTableSize bounds what a crash takes back, and so how long Open takes after one: some 12,000 small transactions. Larger ones make no commit
	// faster that could be measured, up to millions of keys, but every channel's share of the memory.
	memTableSize = 8 << 20
	// memTables is how many of these there may be before writing waits for flushing.
	memTables = 4
)

// Options tune a DB. Every field may be left zero except Log.
type Options struct {
	Log       *slog.Logger
	CacheSize int64 // bytes of memory for blocks read from disk; 64 MiB if zero
	// BeforeFlush makes durable what the state is derived from. It runs before each write of state to the disk, on Pebble's own goroutine and
	// while Pebble is locked: it must not call the DB.
	BeforeFlush func()
	FS          vfs.FS // the disk if nil
}

// DB is one channel's store, open in one process.
type DB struct {
	Reader
	db      *pebble.DB
	trouble *trouble
}

// Open opens the store in dir, creating it if there is none.
func Open(dir string, opts Options) (*DB, error) {
	if opts.CacheSize <= 0 {
		opts.CacheSize = defaultCacheSize
	}
	trouble := &trouble{}
	p := &pebble.Options{
		CacheSize:                   opts.CacheSize + memTables*memTableSize, // Pebble takes the latter out of the former
		DisableWAL:                  true,
		FormatMajorVersion:          pebble.FormatNewest,
		FS:                          opts.FS,
		L0CompactionThreshold:       4,
		Logger:                      logger{opts.Log},
		MaxOpenFiles:                500,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				trouble.failed(err)
				opts.Log.Error("state store", "error", err)
			},
			FlushEnd: trouble.flushed,
			// Not fatal, for it is one channel's store: whoever reads what is damaged gets an error.
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				trouble.damaged(i.Path, i.Details)
				opts.Log.Error("the state store is damaged: stop this node, move the channel's state folder away, and let the node make it again "+
					"from the blocks (or restore the file from a copy)", "file", i.Path, "error", fmt.Sprint(i.Details))
			},
		},
	}
	if opts.BeforeFlush != nil {
		p.EventListener.FlushBegin = func(pebble.FlushInfo) { opts.BeforeFlush() }
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	if opts.FS == nil {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("creating the state store: %w", err)
		}
	}
	db, err := pebble.Open(dir, p)
	if err != nil {
		return nil, fmt.Errorf("opening the state store %s: %w", dir, err)
	}
	d := &DB{Reader: Reader{r: db, known: &metadataNamespaces{}}, db: db, trouble: trouble}
	if err := d.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the state store %s: %w", dir, err), db.Close())
	}
	return d, nil
}

// load checks the format version, writing it if the store is new, and learns which namespaces have metadata.
func (d *DB) load() error {
	version, found, err := d.number([]byte{prefixFormat})
	switch {
	case err != nil:
		return err
	case !found:
		if err := d.db.Set([]byte{prefixFormat}, binary.AppendUvarint(nil, formatVersion), pebble.NoSync); err != nil {
			return err
		}
	case version != formatVersion:
		return fmt.Errorf("format version %d, this program knows version %d: delete the store, and it is made again from the block file", version, formatVersion)
	}
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixMetadata}, UpperBound: []byte{prefixMetadata + 1}})
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		d.known.add(string(it.Key()[1:]))
	}
	return it.Close()
}

// NewSnapshot is an unchanging view of the store as it is. It must be closed before the DB.
func (d *DB) NewSnapshot() *Snapshot {
	s := d.db.NewSnapshot()
	return &Snapshot{Reader: Reader{r: s, known: d.known}, s: s}
}

// Flush writes what is in memory to the disk.
func (d *DB) Flush() error {
	if err := d.db.Flush(); err != nil {
		return fmt.Errorf("flushing the state store: %w", err)
	}
	return nil
}

// StartFlush is Flush that does not wait.
func (d *DB) StartFlush() error {
	if _, err := d.db.AsyncFlush(); err != nil {
		return fmt.Errorf("flushing the state store: %w", err)
	}
	return nil
}

// Close writes what is in memory to the disk and closes the store.
func (d *DB) Close() error {
	if err := errors.Join(d.db.Flush(), d.db.Close()); err != nil {
		return fmt.Errorf("closing the state store: %w", err)
	}
	return nil
}

// Snapshot is an unchanging view.
type Snapshot struct {
	Reader
	s *pebble.Snapshot
}

// Close releases the view.
func (s *Snapshot) Close() error { return s.s.Close() }

// Batch collects what one block changes.
type Batch struct {
	d   *DB
	b   *pebble.Batch
	buf []byte
	new []string // namespaces that get their first metadata
}

// NewBatch begins a batch. It must be applied or closed.
func (d *DB) NewBatch() *Batch { return &Batch{d: d, b: d.db.NewBatch()} }

// Put sets an entry of the world state.
func (b *Batch) Put(k Key, v Value) error {
	if len(v.Metadata) > 0 && !b.d.known.has(k.Namespace) {
		b.new = append(b.new, k.Namespace)
		if err := b.b.Set(appendMetadataKey(nil, k.Namespace), nil, nil); err != nil {
			return err
		}
	}
	b.buf = appendStateKey(b.buf[:0], k)
	n := len(b.buf)
	b.buf = appendValue(b.buf, v)
	return b.b.Set(b.buf[:n], b.buf[n:], nil)
}

// Delete removes an entry of the world state.
func (b *Batch) Delete(k Key) error {
	b.buf = appendStateKey(b.buf[:0], k)
	return b.b.Delete(b.buf, nil)
}

// History notes that a transaction wrote a public key.
func (b *Batch) History(ns, key string, v Version) error {
	b.buf = appendHistoryKey(b.buf[:0], ns, key, v)
	return b.b.Set(b.buf, nil, nil)
}

// Expire schedules the end of a hashed entry.
func (b *Batch) Expire(e Expiry) error {
	b.buf = appendExpiryKey(b.buf[:0], e)
	return b.b.Set(b.buf, nil, nil)
}

// Unschedule removes an Expire.
func (b *Batch) Unschedule(e Expiry) error {
	b.buf = appendExpiryKey(b.buf[:0], e)
	return b.b.Delete(b.buf, nil)
}

// Tx indexes a transaction.
func (b *Batch) Tx(txid string, l TxLocation) error {
	b.buf = appendTxKey(b.buf[:0], txid)
	n := len(b.buf)
	b.buf = appendTxLocation(b.buf, l)
	return b.b.Set(b.buf[:n], b.buf[n:], nil)
}

// Block indexes a block by its header's hash and moves the savepoint past it.
func (b *Batch) Block(hash []byte, number uint64) error {
	if err := b.b.Set(appendBlockHashKey(nil, hash), binary.AppendUvarint(nil, number), nil); err != nil {
		return err
	}
	return b.b.Set([]byte{prefixSavepoint}, binary.AppendUvarint(nil, number+1), nil)
}

// Apply makes all of the batch visible at once. It is durable only when Pebble has flushed it.
func (b *Batch) Apply() error {
	for _, ns := range b.new {
		b.d.known.add(ns)
	}
	if err := b.d.db.Apply(b.b, pebble.NoSync); err != nil {
		return fmt.Errorf("writing to the state store: %w", err)
	}
	return b.b.Close()
}

// Close drops a batch that was not applied.
func (b *Batch) Close() error { return b.b.Close() }

// metadataNamespaces are the namespaces that have had metadata. Most have none, and need no lookup. It only grows, and grows before the first
// such entry can be read, so it serves views of any age.
type metadataNamespaces struct {
	mu sync.Mutex // guards writes
	m  atomic.Pointer[map[string]bool]
}

func (n *metadataNamespaces) has(ns string) bool {
	m := n.m.Load()
	return m != nil && (*m)[ns]
}

func (n *metadataNamespaces) add(ns string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := map[string]bool{ns: true}
	if m := n.m.Load(); m != nil {
		maps.Copy(next, *m)
	}
	n.m.Store(&next)
}

// logger sends Pebble's remarks to the log. Pebble is chatty at Info, so that is Debug here.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf is called when going on would damage the store; Pebble relies on it not returning.
func (l logger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
