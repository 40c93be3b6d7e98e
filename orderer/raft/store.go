package raft

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/heddleledger/heddle/ledger/durable"
	"github.com/heddleledger/heddle/orderer/raft/journal"
)

// Store is a node's consensus storage on disk: a directory with a journal for each of its channels.
type Store struct {
	dir  string
	lock io.Closer
}

// OpenStore opens or creates the storage in dir.
func OpenStore(dir string) (*Store, error) {
	if err := durable.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("creating the consensus storage: %w", err)
	}
	older, err := fs.Glob(os.DirFS(dir), "MANIFEST-*")
	if err != nil {
		return nil, err
	}
	if len(older) > 0 {
		return nil, fmt.Errorf("the consensus storage in %s was written by an older version of this program, which kept it in a database: stop the node "+
			"in order with that version, and then remove the directory to continue from the block files", dir)
	}
	lock, err := durable.Lock(dir)
	if err != nil {
		return nil, fmt.Errorf("the consensus storage in %s is in use by another process: %w", dir, err)
	}
	return &Store{dir, lock}, nil
}

// Close closes the storage; every channel's consenter must be closed.
func (s *Store) Close() error { return s.lock.Close() }

// channelLog is one channel's part of the Store, with the entries that raft may still ask for in memory. What changes the file is for one
// goroutine at a time.
type channelLog struct {
	*raft.MemoryStorage
	dir  string
	file *journal.Journal
}

// channel reads a channel's log. found is false if there is none.
func (s *Store) channel(id string) (l *channelLog, found bool, err error) {
	c, dir := contents{}, filepath.Join(s.dir, id)
	file, err := journal.Open(dir, c.read)
	if err != nil {
		return nil, false, fmt.Errorf("reading the consensus log of channel %s: %w", id, err)
	}
	memory, err := c.storage()
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("reading the consensus log of channel %s: %w", id, err), file.Close())
	}
	return &channelLog{memory, dir, file}, c.snapshot != nil, nil
}

func (l *channelLog) close() error { return l.file.Close() }

// bootstrap begins a log with voters: as if everything up to index, which must be at least 1, had been dropped.
func (l *channelLog) bootstrap(index uint64, voters []uint64, data []byte) error {
	snapshot := &raftpb.Snapshot{
		Data:     data,
		Metadata: &raftpb.SnapshotMetadata{Index: new(index), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: voters}},
	}
	hard := &raftpb.HardState{Term: new(uint64(1)), Commit: new(index), Vote: new(uint64(0))}
	if err := l.restart(snapshot, hard, nil); err != nil {
		return err
	}
	return errors.Join(l.ApplySnapshot(snapshot), l.SetHardState(hard))
}

// restart writes all that a log holds, in place of what was written before.
func (l *channelLog) restart(snapshot *raftpb.Snapshot, hard *raftpb.HardState, entries []*raftpb.Entry) error {
	return l.file.Restart(func(b []byte) ([]byte, error) {
		b, err := appendRecord(b, snapshotRecord, snapshot)
		if err != nil {
			return nil, err
		}
		return appendState(b, hard, entries)
	})
}

// write makes what messages of type MsgStorageAppend carry durable, in one frame, and then readable. It syncs only if one of them has answers that
// depend on it.
func (l *channelLog) write(messages []*raftpb.Message) error {
	sync := false
	for _, m := range messages {
		sync = sync || len(m.GetResponses()) > 0
	}
	err := l.file.Append(func(b []byte) (_ []byte, err error) {
		for _, m := range messages {
			if b, err = appendState(b, hardState(m), m.GetEntries()); err != nil {
				return nil, err
			}
		}
		return b, nil
	}, sync)
	if err != nil {
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

// snapshot drops the log up to index from the file. Entries below index may be gone from memory already, but not the one at index.
func (l *channelLog) snapshot(index uint64, voters *raftpb.ConfState, data []byte) error {
	s, err := l.CreateSnapshot(index, voters, data)
	if errors.Is(err, raft.ErrSnapOutOfDate) {
		return nil
	}
	if err != nil {
		return err
	}
	hard, _, err := l.InitialState()
	if err != nil {
		return err
	}
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	var rest []*raftpb.Entry
	if last > index {
		if rest, err = l.Entries(index+1, last+1, noLimit); err != nil {
			return err
		}
	}
	return l.restart(s, hard, rest)
}

const noLimit = 1<<64 - 1

// forget drops the entries up to index from memory, but for the keep last of them. The file still has them.
func (l *channelLog) forget(index, keep uint64) error {
	first, err := l.FirstIndex()
	if err != nil || index < first+keep {
		return err
	}
	return l.Compact(index - keep)
}

// hardState is what a MsgStorageAppend says of it; empty if nothing.
func hardState(m *raftpb.Message) *raftpb.HardState {
	return &raftpb.HardState{Term: new(m.GetTerm()), Vote: new(m.GetVote()), Commit: new(m.GetCommit())}
}
