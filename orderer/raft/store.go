package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Store is a node's consensus storage on disk: the logs, hard states and snapshots of all its channels, in one pebble database. schema.go lists
// its keys.
type Store struct {
	db *pebble.DB
}

// memTableSize is how many bytes pebble gathers before it writes them to a table. A node that orders alone drops its log more often than that, so
// that most of it never gets into a table.
const memTableSize = 16 << 20

// uncompressed turns compression off at every level: entries are written once, read at most once, and soon dropped.
func uncompressed() (levels [7]pebble.LevelOptions) {
	for i := range levels {
		levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return levels
}

// OpenStore opens or creates the storage in dir.
func OpenStore(dir string, log *slog.Logger) (*Store, error) {
	cache := pebble.NewCache(1 << 20) // the log is read once, at the start
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{
		Cache:              cache,
		MemTableSize:       memTableSize,
		Levels:             uncompressed(),
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             pebbleLog{log},
		EventListener: &pebble.EventListener{DataCorruption: func(i pebble.DataCorruptionInfo) {
			log.Error("the consensus storage is damaged: stop this node and restore the file from a copy", "file", i.Path, "error", fmt.Sprint(i.Details))
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("opening the consensus storage in %s: %w", dir, err)
	}
	s := &Store{db: db}
	if err := s.checkVersion(dir); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) checkVersion(dir string) error {
	value, err := s.get(versionKey)
	switch {
	case err != nil:
		return err
	case value == nil:
		return s.db.Set(versionKey, binary.BigEndian.AppendUint32(nil, formatVersion), pebble.Sync)
	case len(value) != 4 || binary.BigEndian.Uint32(value) != formatVersion:
		return fmt.Errorf("consensus storage in %s has format %x; this program reads format %d", dir, value, formatVersion)
	}
	return nil
}

// Close closes the storage; every channel's consenter must be closed.
func (s *Store) Close() error { return s.db.Close() }

// get returns a copy of the value, nil if there is none.
func (s *Store) get(key []byte) ([]byte, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept := append([]byte{}, value...)
	return kept, closer.Close()
}

// channelLog is one channel's part of the Store, with the entries since the last snapshot in memory, where raft reads them.
type channelLog struct {
	*raft.MemoryStorage
	store  *Store
	prefix []byte
	// last is the highest index on disk, which may be above what is valid: a shorter suffix has to delete the rest.
	last uint64
}

// channel reads a channel's log. found is false if there is none.
func (s *Store) channel(id string) (l *channelLog, found bool, err error) {
	l = &channelLog{MemoryStorage: raft.NewMemoryStorage(), store: s, prefix: channelPrefix(id)}
	found, err = l.load()
	if err != nil {
		return nil, false, fmt.Errorf("reading the consensus log of channel %s: %w", id, err)
	}
	return l, found, nil
}

func (l *channelLog) load() (bool, error) {
	snapshot, hard := &raftpb.Snapshot{}, &raftpb.HardState{}
	found, err := l.read(snapshotKey(l.prefix), snapshot)
	if err != nil || !found {
		return false, err
	}
	if err := l.ApplySnapshot(snapshot); err != nil {
		return false, err
	}
	if _, err := l.read(hardStateKey(l.prefix), hard); err != nil {
		return false, err
	}
	if err := l.SetHardState(hard); err != nil {
		return false, err
	}
	index := snapshot.GetMetadata().GetIndex()
	l.last = index
	entries, err := l.entries(index + 1)
	if err != nil {
		return false, err
	}
	if n := len(entries); n > 0 {
		l.last = entries[n-1].GetIndex()
	}
	return true, l.Append(entries)
}

func (l *channelLog) read(key []byte, into proto.Message) (bool, error) {
	value, err := l.store.get(key)
	if err != nil || value == nil {
		return false, err
	}
	return true, proto.Unmarshal(value, into)
}

// entries reads all entries from index on and sees to it that none is missing.
func (l *channelLog) entries(index uint64) (entries []*raftpb.Entry, err error) {
	it, err := l.store.db.NewIter(&pebble.IterOptions{LowerBound: entryKey(l.prefix, index), UpperBound: entriesEnd(l.prefix)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		e := &raftpb.Entry{}
		if err := proto.Unmarshal(it.Value(), e); err != nil {
			return nil, fmt.Errorf("entry %x: %w", it.Key(), err)
		}
		if e.GetIndex() != index {
			return nil, fmt.Errorf("entry %d is missing; the log goes on with entry %d", index, e.GetIndex())
		}
		entries = append(entries, e)
		index++
	}
	return entries, it.Error()
}

// bootstrap begins a log with voters: as if everything up to index, which must be at least 1, had been dropped.
func (l *channelLog) bootstrap(index uint64, voters []uint64, data []byte) error {
	snapshot := &raftpb.Snapshot{
		Data:     data,
		Metadata: &raftpb.SnapshotMetadata{Index: new(index), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: voters}},
	}
	hard := &raftpb.HardState{Term: new(uint64(1)), Commit: new(index), Vote: new(uint64(0))}
	batch := l.store.db.NewBatch()
	if err := errors.Join(put(batch, snapshotKey(l.prefix), snapshot), put(batch, hardStateKey(l.prefix), hard), batch.Commit(pebble.Sync)); err != nil {
		return err
	}
	l.last = index
	return errors.Join(l.ApplySnapshot(snapshot), l.SetHardState(hard))
}

// write makes what messages of type MsgStorageAppend carry durable, in one batch, and then readable. It syncs only if one of them has answers that
// depend on it.
func (l *channelLog) write(messages []*raftpb.Message) error {
	batch := l.store.db.NewBatchWithSize(batchSize(messages))
	sync := pebble.NoSync
	for _, m := range messages {
		if len(m.GetResponses()) > 0 {
			sync = pebble.Sync
		}
		if err := l.stage(batch, m); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	if err := batch.Commit(sync); err != nil {
		return err
	}
	for _, m := range messages {
		if hard := hardState(m); !raft.IsEmptyHardState(hard) {
			if err := l.SetHardState(hard); err != nil {
				return err
			}
		}
		if err := l.Append(m.GetEntries()); err != nil {
			return err
		}
	}
	return nil
}

// batchSize is about how many bytes the messages will take in a batch.
func batchSize(messages []*raftpb.Message) int {
	size := 1 << 10
	for _, m := range messages {
		for _, e := range m.GetEntries() {
			size += len(e.GetData()) + 512
		}
	}
	return size
}

func (l *channelLog) stage(batch *pebble.Batch, m *raftpb.Message) error {
	if hard := hardState(m); !raft.IsEmptyHardState(hard) {
		if err := put(batch, hardStateKey(l.prefix), hard); err != nil {
			return err
		}
	}
	entries := m.GetEntries()
	if len(entries) == 0 {
		return nil
	}
	if first := entries[0].GetIndex(); first <= l.last {
		if err := batch.DeleteRange(entryKey(l.prefix, first), entriesEnd(l.prefix), nil); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := put(batch, entryKey(l.prefix, e.GetIndex()), e); err != nil {
			return err
		}
	}
	l.last = entries[len(entries)-1].GetIndex()
	return nil
}

// snapshot drops the log up to index, leaving the keep last entries for followers that lag a little.
func (l *channelLog) snapshot(index uint64, voters *raftpb.ConfState, data []byte, keep uint64) error {
	s, err := l.CreateSnapshot(index, voters, data)
	if errors.Is(err, raft.ErrSnapOutOfDate) {
		return nil
	}
	if err != nil {
		return err
	}
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	batch := l.store.db.NewBatch()
	if err := put(batch, snapshotKey(l.prefix), s); err != nil {
		return errors.Join(err, batch.Close())
	}
	compact := index > keep && index-keep >= first
	if compact {
		if err := batch.DeleteRange(entryKey(l.prefix, 0), entryKey(l.prefix, index-keep+1), nil); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil || !compact {
		return err
	}
	return l.Compact(index - keep)
}

// hardState is what a MsgStorageAppend says of it; empty if nothing.
func hardState(m *raftpb.Message) *raftpb.HardState {
	return &raftpb.HardState{Term: new(m.GetTerm()), Vote: new(m.GetVote()), Commit: new(m.GetCommit())}
}

func put(batch *pebble.Batch, key []byte, m proto.Message) error {
	op := batch.SetDeferred(len(key), proto.Size(m)) // encodes into the batch's own buffer
	copy(op.Key, key)
	value, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(op.Value[:0], m)
	switch {
	case err != nil:
		return err
	case len(value) != len(op.Value):
		return fmt.Errorf("encoding %T: %d bytes, not %d", m, len(value), len(op.Value))
	}
	return op.Finish()
}

// pebbleLog passes pebble's own messages on.
type pebbleLog struct{ log *slog.Logger }

func (p pebbleLog) Infof(format string, args ...any)  { p.log.Debug(fmt.Sprintf(format, args...)) }
func (p pebbleLog) Errorf(format string, args ...any) { p.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf must not return: pebble calls it when it cannot go on safely.
func (p pebbleLog) Fatalf(format string, args ...any) {
	panic("consensus storage: " + fmt.Sprintf(format, args...))
}
