package raft

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s
}

// reopen reads the channel's log again from disk.
func reopen(t *testing.T, s *Store, dir, channel string) (*Store, *channelLog) {
	t.Helper()
	require.NoError(t, s.Close())
	s = open(t, dir)
	l, found, err := s.channel(channel)
	require.NoError(t, err)
	require.True(t, found)
	return s, l
}

// write is a MsgStorageAppend: entries first..last of a term, and a hard state.
func write(term, first, last, commit uint64) *raftpb.Message {
	m := &raftpb.Message{Term: new(term), Vote: new(uint64(1)), Commit: new(commit), Responses: []*raftpb.Message{{}}}
	for i := first; i <= last; i++ {
		m.Entries = append(m.Entries, &raftpb.Entry{Term: new(term), Index: new(i), Data: fmt.Appendf(nil, "%d/%d", term, i)})
	}
	return m
}

// contents are the entries in memory, as term/index.
func contents(t *testing.T, l *channelLog) string {
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
	s := open(t, dir)
	l, found, err := s.channel("ch")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, l.bootstrap(1, []uint64{1}, []byte("genesis")))
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 4, 3), write(2, 5, 5, 5)}))
	require.Equal(t, "2/2 2/3 2/4 2/5", contents(t, l))

	s, l = reopen(t, s, dir, "ch")
	require.Equal(t, "2/2 2/3 2/4 2/5", contents(t, l))
	hard, voters, err := l.InitialState()
	require.NoError(t, err)
	require.Equal(t, []uint64{1}, voters.GetVoters())
	require.Equal(t, []uint64{2, 1, 5}, []uint64{hard.GetTerm(), hard.GetVote(), hard.GetCommit()})
	require.NoError(t, s.Close())
}

// TestOverwrittenSuffix: a new leader's shorter log replaces what was not committed.
func TestOverwrittenSuffix(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l, _, err := s.channel("ch")
	require.NoError(t, err)
	require.NoError(t, l.bootstrap(1, []uint64{1}, nil))
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 9, 3)}))
	require.NoError(t, l.write([]*raftpb.Message{write(3, 4, 5, 3)}))
	s, l = reopen(t, s, dir, "ch")
	require.Equal(t, "2/2 2/3 3/4 3/5", contents(t, l))
	require.NoError(t, l.write([]*raftpb.Message{write(4, 3, 6, 3), write(5, 5, 5, 3)}))
	s, l = reopen(t, s, dir, "ch")
	require.Equal(t, "2/2 4/3 4/4 5/5", contents(t, l))
	require.NoError(t, s.Close())
}

func TestSnapshotDropsTheLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l, _, err := s.channel("ch")
	require.NoError(t, err)
	require.NoError(t, l.bootstrap(1, []uint64{1}, nil))
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 20, 18)}))
	voters := &raftpb.ConfState{Voters: []uint64{1, 2}}
	require.NoError(t, l.snapshot(18, voters, []byte("at 18"), 4))
	require.Equal(t, "2/15 2/16 2/17 2/18 2/19 2/20", contents(t, l), "four entries are kept for followers")
	require.NoError(t, l.snapshot(18, voters, []byte("again"), 4), "a snapshot that is not newer changes nothing")
	s, l = reopen(t, s, dir, "ch")
	require.Equal(t, "2/19 2/20", contents(t, l), "a restarted node begins at its snapshot")
	snap, err := l.Snapshot()
	require.NoError(t, err)
	require.Equal(t, "at 18", string(snap.GetData()))
	require.Equal(t, []uint64{1, 2}, snap.GetMetadata().GetConfState().GetVoters())
	require.NoError(t, l.write([]*raftpb.Message{write(2, 21, 30, 30)}))
	require.NoError(t, l.snapshot(30, nil, nil, 4))

	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: entryKey(l.prefix, 0), UpperBound: entriesEnd(l.prefix)})
	require.NoError(t, err)
	kept := 0
	for it.First(); it.Valid(); it.Next() {
		kept++
	}
	require.NoError(t, it.Close())
	require.Equal(t, 4, kept, "entries below are gone from disk")
	require.NoError(t, s.Close())
}

// TestChannelsAreApart: names that are prefixes of each other do not meet.
func TestChannelsAreApart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	names := []string{"a", "ab", "abe", "c", strings.Repeat("z", 249)}
	for i, name := range names {
		l, found, err := s.channel(name)
		require.NoError(t, err)
		require.False(t, found)
		require.NoError(t, l.bootstrap(1, []uint64{1}, []byte(name)))
		require.NoError(t, l.write([]*raftpb.Message{write(uint64(i+2), 2, 3, 3)}))
	}
	for i, name := range names {
		var l *channelLog
		s, l = reopen(t, s, dir, name)
		require.Equal(t, fmt.Sprintf("%d/2 %d/3", i+2, i+2), contents(t, l))
	}
	require.NoError(t, s.Close())
}

func TestDamagedLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l, _, err := s.channel("ch")
	require.NoError(t, err)
	require.NoError(t, l.bootstrap(1, []uint64{1}, nil))
	require.NoError(t, l.write([]*raftpb.Message{write(2, 2, 9, 3)}))
	require.NoError(t, s.db.Delete(entryKey(l.prefix, 5), pebble.Sync))
	_, _, err = s.channel("ch")
	require.EqualError(t, err, "reading the consensus log of channel ch: entry 5 is missing; the log goes on with entry 6")
	require.NoError(t, s.db.Set(entryKey(l.prefix, 5), []byte("\xff"), pebble.Sync))
	_, _, err = s.channel("ch")
	require.ErrorContains(t, err, "reading the consensus log of channel ch: entry ")
	require.NoError(t, s.db.Set(versionKey, binary.BigEndian.AppendUint32(nil, 2), pebble.Sync))
	require.NoError(t, s.Close())
	_, err = OpenStore(dir, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "has format 00000002; this program reads format 1")
}
