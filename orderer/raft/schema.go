package raft

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A frame of a channel's journal is a sequence of records: a kind, the length of the value (uvarint) and the value, a protobuf message of package
// raftpb. A frame is one step: what it says changes together.
//
//	's'   Snapshot: index, term and voters up to which the log has been dropped; data = header of the last block. Only the first record has it
//	'h'   HardState: term, vote, commit; the last one counts
//	'e'   Entry: follows the entry before it, or takes the place of an earlier one and all after that
const (
	snapshotRecord  = 's'
	hardStateRecord = 'h'
	entryRecord     = 'e'
)

// appendRecord appends m as a record of that kind to b.
func appendRecord(b []byte, kind byte, m proto.Message) ([]byte, error) {
	b = binary.AppendUvarint(append(b, kind), uint64(proto.Size(m)))
	return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
}

// appendState appends the records of a hard state, unless it is empty, and of entries.
func appendState(b []byte, hard *raftpb.HardState, entries []*raftpb.Entry) (_ []byte, err error) {
	if !raft.IsEmptyHardState(hard) {
		if b, err = appendRecord(b, hardStateRecord, hard); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if b, err = appendRecord(b, entryRecord, e); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// contents are what a journal says in all.
type contents struct {
	snapshot *raftpb.Snapshot // nil if nothing has been read yet
	hard     *raftpb.HardState
	entries  []*raftpb.Entry // that follow the snapshot, without gaps
}

// read takes in a frame.
func (c *contents) read(frame []byte) error {
	for len(frame) > 0 {
		kind := frame[0]
		length, n := binary.Uvarint(frame[1:])
		if n <= 0 || length > uint64(len(frame)-1-n) {
			return errors.New("a record is cut short")
		}
		value := frame[1+n : 1+n+int(length)]
		frame = frame[1+n+int(length):]
		if err := c.record(kind, value); err != nil {
			return err
		}
	}
	return nil
}

func (c *contents) record(kind byte, value []byte) error {
	if (kind == snapshotRecord) != (c.snapshot == nil) {
		return errors.New("a snapshot must come first, and only there")
	}
	switch kind {
	case snapshotRecord:
		c.snapshot, c.hard = &raftpb.Snapshot{}, &raftpb.HardState{}
		return proto.Unmarshal(value, c.snapshot)
	case hardStateRecord:
		return proto.Unmarshal(value, c.hard)
	case entryRecord:
		e := &raftpb.Entry{}
		if err := proto.Unmarshal(value, e); err != nil {
			return err
		}
		return c.add(e)
	}
	return fmt.Errorf("a record of unknown kind %q", kind)
}

// add adds an entry, in whose favor those from its index on are dropped.
func (c *contents) add(e *raftpb.Entry) error {
	index, from := e.GetIndex(), c.snapshot.GetMetadata().GetIndex()+1
	if next := from + uint64(len(c.entries)); index > next {
		return fmt.Errorf("entry %d is missing; the log goes on with entry %d", next, index)
	}
	if index < from {
		return fmt.Errorf("entry %d is below the snapshot, whose index is %d", index, from-1)
	}
	c.entries = append(c.entries[:index-from], e)
	return nil
}

// storage holds the contents in memory, where raft reads them.
func (c *contents) storage() (*raft.MemoryStorage, error) {
	m := raft.NewMemoryStorage()
	if c.snapshot == nil {
		return m, nil
	}
	return m, errors.Join(m.ApplySnapshot(c.snapshot), m.SetHardState(c.hard), m.Append(c.entries))
}
