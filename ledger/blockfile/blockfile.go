// Package blockfile keeps a chain's blocks in append-only, checksummed segment files.
package blockfile

import (
	"errors"
	"log/slog"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// ErrNotFound has the text that Fabric's clients match on.
var ErrNotFound = errors.New("Entry not found in index")

// Options tune a Store. Every field may be left zero except Log.
type Options struct {
	Log         *slog.Logger
	SegmentSize int64 // bytes after which a new file is begun; 64 MiB if zero
}

// Store is the open block file of one channel. Its methods may be used by many goroutines at once.
type Store struct{}

// Open opens, or creates, the block file in dir.
func Open(dir string, opts Options) (*Store, error) { return &Store{}, nil }

// Append writes the block, whose number must be Height, and makes it durable.
func (s *Store) Append(b *commonpb.Block) error { return s.AppendNoSync(b) }

// AppendNoSync writes the block; it is durable only after the next Append or Sync.
func (s *Store) AppendNoSync(b *commonpb.Block) error { return ErrNotFound }

// Sync makes every appended block durable.
func (s *Store) Sync() error { return nil }

// Height is the number of blocks, which is the number of the next one.
func (s *Store) Height() uint64 { return 0 }

// Block reads block n; ErrNotFound if there is none.
func (s *Store) Block(n uint64) (*commonpb.Block, error) { return nil, ErrNotFound }

// RawBlock reads the encoded common.Block n exactly as it was stored.
func (s *Store) RawBlock(n uint64) ([]byte, error) { return nil, ErrNotFound }

// Close syncs and closes the files.
func (s *Store) Close() error { return nil }
