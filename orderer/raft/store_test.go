package raft

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir, channel string) *channelLog {
	t.Helper()
	s, err := OpenStore(dir)
	require.NoError(t, err)
	l, _, err := s.channel(channel)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return l
}

// begun is a log of one voter whose first entry will have index 2.
func begun(t *testing.T, dir, channel string) *channelLog {
	t.Helper()
	l := open(t, dir, channel)
	require.NoError(t, l.bootstrap(1, []uint64{1}, []byte("genesis")))
	return l
}

// reopen reads the channel's log again from disk.
func reopen(t *testing.T, l *channelLog, dir, channel string) *channelLog {
	t.Helper()
	require.NoError(t, l.close())
	return open(t, dir, channel)
}

// write is a MsgStorageAppend: entries first..last of a term, and a hard state.
func write(term, first, last, commit uint64) *raftpb.Message {
	m := &raftpb.Message{Term: new(term), Vote: new(uint64(1)), Commit: new(commit), Responses: []*raftpb.Message{{}}}
	for i := first; i <= last; i++ {
		m.Entries = append(m.Entries, &raftpb.Entry{Term: new(term), Index: new(i), Data: fmt.Appendf(nil, "%d/%d", term, i)})
	}
	return m
}

// inMemory are the entries in memory, as term/index.
func inMemory(t *testing.T, l *channelLog) string {
	t.Helper()
	first, err := l.FirstIndex()
	require.NoError(t, err)
	last, err := l.LastIndex()
	require.NoError(t, err)
	if first > last {
		return fmt.Sprintf("%d..", first)
	}
	entries, err := l.Entries(first, last+1, 1<<20)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, string(e.GetData()))
	}
	return strings.Join(out, " ")
}

func TestLogSurvives(t *testing.T) {
	dir := t.TempDir()
	l := begun(t, dir, "ch")
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 4, 3), write(2, 5, 5, 5)}))
	require.Equal(t, "2/2 2/3 2/4 2/5", inMemory(t, l))

	l = reopen(t, l, dir, "ch")
	require.Equal(t, "2/2 2/3 2/4 2/5", inMemory(t, l))
	hard, voters, err := l.InitialState()
	require.NoError(t, err)
	require.Equal(t, []uint64{1}, voters.GetVoters())
	require.Equal(t, []uint64{2, 1, 5}, []uint64{hard.GetTerm(), hard.GetVote(), hard.GetCommit()})
	require.NoError(t, l.close())
}

// TestOverwrittenSuffix: a new leader's shorter log replaces what was not committed.
func TestOverwrittenSuffix(t *testing.T) {
	dir := t.TempDir()
	l := begun(t, dir, "ch")
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 9, 3)}))
	require.NoError(t, l.write([]*raftpb.Message{write(3, 4, 5, 3)}))
	l = reopen(t, l, dir, "ch")
	require.Equal(t, "2/2 2/3 3/4 3/5", inMemory(t, l))
	require.NoError(t, l.write([]*raftpb.Message{write(4, 3, 6, 3), write(5, 5, 5, 3)}))
	l = reopen(t, l, dir, "ch")
	require.Equal(t, "2/2 4/3 4/4 5/5", inMemory(t, l))
	require.NoError(t, l.close())
}

func TestSnapshotDropsTheLog(t *testing.T) {
	dir := t.TempDir()
	l := begun(t, dir, "ch")
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 200, 198)}))
	voters := &raftpb.ConfState{Voters: []uint64{1, 2}}
	require.NoError(t, l.snapshot(198, voters, []byte("at 198")))
	require.NoError(t, l.snapshot(198, voters, []byte("again")), "a snapshot that is not newer changes nothing")
	l = reopen(t, l, dir, "ch")
	former, err := os.Stat(filepath.Join(dir, "ch", "spare"))
	require.NoError(t, err)
	present, err := os.Stat(filepath.Join(dir, "ch", "log_000002"))
	require.NoError(t, err)
	require.Less(t, present.Size(), former.Size()/10, "entries below are gone from disk")
	require.Equal(t, "2/199 2/200", inMemory(t, l), "a restarted node begins at its snapshot")
	snap, err := l.Snapshot()
	require.NoError(t, err)
	require.Equal(t, "at 198", string(snap.GetData()))
	require.Equal(t, []uint64{1, 2}, snap.GetMetadata().GetConfState().GetVoters())
	hard, _, err := l.InitialState()
	require.NoError(t, err)
	require.Equal(t, []uint64{2, 1, 198}, []uint64{hard.GetTerm(), hard.GetVote(), hard.GetCommit()})
	require.NoError(t, l.close())
}

// TestForget: what nobody needs in memory goes from there alone.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	l := begun(t, dir, "ch")
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 9, 8)}))
	for _, index := range []uint64{1, 3, 5} {
		require.NoError(t, l.forget(index, 4))
		require.Equal(t, "2/2 2/3 2/4 2/5 2/6 2/7 2/8 2/9", inMemory(t, l))
	}
	for range 2 {
		require.NoError(t, l.forget(8, 4))
		require.Equal(t, "2/5 2/6 2/7 2/8 2/9", inMemory(t, l))
	}
	l = reopen(t, l, dir, "ch")
	require.Equal(t, "2/2 2/3 2/4 2/5 2/6 2/7 2/8 2/9", inMemory(t, l))
	require.NoError(t, l.close())
}

// TestChannelsAreApart: names that are prefixes of each other do not meet.
func TestChannelsAreApart(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a", "ab", "abe", "c", strings.Repeat("z", 249)}
	for i, name := range names {
		l := begun(t, dir, name)
		require.NoError(t, l.write([]*raftpb.Message{write(uint64(i+2), 2, 3, 3)}))
		require.NoError(t, l.close())
	}
	for i, name := range names {
		l := open(t, dir, name)
		require.Equal(t, fmt.Sprintf("%d/2 %d/3", i+2, i+2), inMemory(t, l))
		require.NoError(t, l.close())
	}
}

func TestOpenStore(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	require.NoError(t, err)
	_, err = OpenStore(dir)
	require.ErrorContains(t, err, "is in use by another process")
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST-000001"), nil, 0o644))
	_, err = OpenStore(dir)
	require.ErrorContains(t, err, "was written by an older version of this program")
}

// TestContents: what no node writes is refused.
func TestContents(t *testing.T) {
	record := func(kind byte, m proto.Message) []byte {
		b, err := appendRecord(nil, kind, m)
		require.NoError(t, err)
		return b
	}
	snapshot := record(snapshotRecord, &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(3))}})
	entry := func(i uint64) []byte { return record(entryRecord, &raftpb.Entry{Index: new(i)}) }
	for _, c := range []struct {
		frame []byte
		want  string
	}{
		{entry(4), "a snapshot must come first, and only there"},
		{slices.Concat(snapshot, snapshot), "a snapshot must come first, and only there"},
		{slices.Concat(snapshot, entry(4), entry(6)), "entry 5 is missing; the log goes on with entry 6"},
		{slices.Concat(snapshot, entry(3)), "entry 3 is below the snapshot, whose index is 3"},
		{slices.Concat(snapshot, record('x', &raftpb.Entry{})), `a record of unknown kind 'x'`},
		{snapshot[:len(snapshot)-1], "a record is cut short"},
		{[]byte{snapshotRecord, 0xff}, "a record is cut short"},
	} {
		require.EqualError(t, new(contents).read(c.frame), c.want)
	}
	require.ErrorContains(t, new(contents).read([]byte{snapshotRecord, 1, 0xff}), "proto")
}

// FuzzContents: any frame is read or refused, and what was read can be written, and reads the same.
func FuzzContents(f *testing.F) {
	snapshot, err := appendRecord(nil, snapshotRecord, &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(3))}})
	require.NoError(f, err)
	entry, err := appendRecord(nil, entryRecord, &raftpb.Entry{Index: new(uint64(4)), Data: []byte("data")})
	require.NoError(f, err)
	hard, err := appendRecord(nil, hardStateRecord, &raftpb.HardState{Term: new(uint64(4))})
	require.NoError(f, err)
	f.Add(slices.Concat(snapshot, hard, entry, entry))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c := &contents{}
		if c.read(frame) != nil || c.snapshot == nil {
			return
		}
		if _, err := c.storage(); err != nil {
			return
		}
		b, err := appendRecord(nil, snapshotRecord, c.snapshot)
		require.NoError(t, err)
		b, err = appendState(b, c.hard, c.entries)
		require.NoError(t, err)
		again := &contents{}
		require.NoError(t, again.read(b))
		require.Len(t, again.entries, len(c.entries))
		require.True(t, proto.Equal(c.snapshot, again.snapshot))
	})
}
