// Package ledger is the peer's copy of one channel: its blocks, world state, history and indexes.
package ledger

import (
	"context"
	"log/slog"

	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
	"github.com/heddleledger/heddle/wire/tx"
)

// ErrNotFound is returned for unknown blocks and transactions. Clients match on its text.
var ErrNotFound = blockfile.ErrNotFound

// Options tune a Ledger. Every field may be left zero except Log.
type Options struct {
	Log            *slog.Logger
	SegmentSize    int64 // of the block file, bytes; 64 MiB if zero
	CacheSize      int64 // of the state store, bytes; 64 MiB if zero
	DisableHistory bool  // as ledger.history.enableHistoryDatabase = false
}

// Ledger is one channel's ledger, open in one process.
type Ledger struct{}

// Tx is one transaction of a Block, as validation judged it.
type Tx struct {
	ID    string // from the channel header, also of an invalid transaction; empty if it has none or cannot be read
	Type  commonpb.HeaderType
	Code  peerpb.TxValidationCode // VALID means: valid so far
	RWSet *rwset.Set              // required when Code is VALID and the type writes state
}

// Block is a block with its transactions judged by everything but MVCC.
type Block struct {
	*commonpb.Block
	Txs []Tx // one per envelope
}

// Open opens, or creates, the ledger in dir, which is its own, and brings its state up to its last block.
func Open(dir, channelID string, opts Options) (*Ledger, error) { return &Ledger{}, nil }

// Close waits for open simulators, snapshots and iterators, then closes.
func (l *Ledger) Close() error { return nil }

// Commit decides the last validation codes by MVCC, writes codes and commit hash into the block's metadata, and makes block and state
// durable. Blocks come in order.
func (l *Ledger) Commit(ctx context.Context, b *Block) error { return nil }

// CommitNoSync is Commit for catching up: the block is readable, but durable only after the next Commit or Sync.
func (l *Ledger) CommitNoSync(ctx context.Context, b *Block) error { return nil }

// Sync makes all committed blocks durable.
func (l *Ledger) Sync() error { return nil }

// Height is the number of blocks.
func (l *Ledger) Height() uint64 { return 0 }

// Info is the height, the hash of the last block's header and the hash of the one before.
func (l *Ledger) Info() *commonpb.BlockchainInfo { return nil }

// Wait returns once Height() > n, or with ctx's error, or when the ledger closes.
func (l *Ledger) Wait(ctx context.Context, n uint64) error { return nil }

// Block reads block n; math.MaxUint64 means the last.
func (l *Ledger) Block(n uint64) (*commonpb.Block, error) { return nil, ErrNotFound }

// RawBlock is Block, encoded as stored.
func (l *Ledger) RawBlock(n uint64) ([]byte, error) { return nil, ErrNotFound }

// BlockByHash reads the block whose header has the hash.
func (l *Ledger) BlockByHash(hash []byte) (*commonpb.Block, error) { return nil, ErrNotFound }

// BlockByTxID reads the block that holds the first transaction of that id.
func (l *Ledger) BlockByTxID(txid string) (*commonpb.Block, error) { return nil, ErrNotFound }

// TransactionByID is the first transaction of that id, with its validation code.
func (l *Ledger) TransactionByID(txid string) (*peerpb.ProcessedTransaction, error) {
	return nil, ErrNotFound
}

// Code is the validation code of the first transaction of that id.
func (l *Ledger) Code(txid string) (peerpb.TxValidationCode, error) { return 0, ErrNotFound }

// HasTx says whether a block holds a transaction of that id, valid or not.
func (l *Ledger) HasTx(txid string) (bool, error) { return false, nil }

// ConfigRWSet is what a CONFIG transaction writes: the channel's configuration, under the empty namespace.
func ConfigRWSet(e *tx.Envelope) (*rwset.Set, error) { return nil, nil }

// Snapshot is a read-only view of the state after some block. Nothing it reads is recorded.
type Snapshot struct{}

// NewSnapshot opens a view of the newest state. It must be closed.
func (l *Ledger) NewSnapshot() (*Snapshot, error) { return nil, nil }

// Get is the value of a key; nil if there is none.
func (s *Snapshot) Get(ns, key string) ([]byte, error) { return nil, nil }

// Metadata is the metadata of a key by name; nil if it has none.
func (s *Snapshot) Metadata(ns, key string) (map[string][]byte, error) { return nil, nil }

// HashedMetadata is the metadata of a private key, found by its hash.
func (s *Snapshot) HashedMetadata(ns, collection string, keyHash []byte) (map[string][]byte, error) {
	return nil, nil
}

// HasTx says whether a block up to this state holds a transaction of that id.
func (s *Snapshot) HasTx(txid string) (bool, error) { return false, nil }

// Height is the number of blocks this state is made of.
func (s *Snapshot) Height() uint64 { return 0 }

// Range iterates over start <= key < end; an empty end means the namespace's end.
func (s *Snapshot) Range(ns, start, end string) (*Iterator, error) { return nil, nil }

// Close releases the view.
func (s *Snapshot) Close() {}

// Simulator runs one transaction against a view of the state and records what it reads and writes. Reads never see its own writes.
type Simulator struct{}

// NewSimulator opens a simulator on the newest state. It must be closed.
func (l *Ledger) NewSimulator(txid string) (*Simulator, error) { return nil, nil }

// Get is the committed value of a key; nil if there is none.
func (s *Simulator) Get(ns, key string) ([]byte, error) { return nil, nil }

// Put writes a key; an empty value deletes it.
func (s *Simulator) Put(ns, key string, value []byte) error { return nil }

// Delete deletes a key, whether it exists or not.
func (s *Simulator) Delete(ns, key string) error { return nil }

// Metadata is the committed metadata of a key by name; nil if it has none.
func (s *Simulator) Metadata(ns, key string) (map[string][]byte, error) { return nil, nil }

// SetMetadata replaces the metadata of a key; an empty map removes it.
func (s *Simulator) SetMetadata(ns, key string, metadata map[string][]byte) error { return nil }

// Range iterates over start <= key < end; an empty end means the namespace's end. pageSize 0 is an ordinary query; a positive one ends the
// iterator after as many results and makes the transaction read-only, as does a negative one, which has no limit.
func (s *Simulator) Range(ns, start, end string, pageSize int) (*Iterator, error) { return nil, nil }

// History iterates over all committed writes of a key, oldest first. It is not recorded.
func (s *Simulator) History(ns, key string) (*HistoryIterator, error) { return nil, nil }

// Results is the encoded rwset.TxReadWriteSet. It may be asked for once.
func (s *Simulator) Results() ([]byte, error) { return nil, nil }

// Close releases the view and closes its iterators.
func (s *Simulator) Close() {}

// Iterator walks over a key range.
type Iterator struct{}

// Next is the next result; nil at the end.
func (i *Iterator) Next() (*querypb.KV, error) { return nil, nil }

// Bookmark closes the iterator and gives the key where the next page starts; empty after the last page.
func (i *Iterator) Bookmark() (string, error) { return "", nil }

// Close ends the iteration.
func (i *Iterator) Close() {}

// HistoryIterator walks over a key's past.
type HistoryIterator struct{}

// Next is the next modification; nil at the end.
func (i *HistoryIterator) Next() (*querypb.KeyModification, error) { return nil, nil }

// Close ends the iteration.
func (i *HistoryIterator) Close() {}
