package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/querypb"
)

func history(t testing.TB, s *Simulator, ns, key string) (all []*querypb.KeyModification) {
	it, err := s.History(ns, key)
	require.NoError(t, err)
	defer it.Close()
	for {
		m, err := it.Next()
		require.NoError(t, err)
		if m == nil {
			return all
		}
		all = append(all, m)
	}
}

func TestHistory(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 80)
	s := newSimulator(t, l, "tx1")

	// Counter "cnt" was written by valid transactions 1, 2, 3, oldest first; conflicting ones left nothing.
	all := history(t, s, "kv", "cnt")
	var values []string
	for _, m := range all {
		values = append(values, string(m.Value))
		require.False(t, m.IsDelete)
		require.NotNil(t, m.Timestamp)
		code, err := l.Code(m.TxId)
		require.NoError(t, err)
		require.Zero(t, code)
	}
	require.Equal(t, []string{"1", "2", "3"}, values)

	all = history(t, s, "kv", "k2") // put in one block, deleted in a later one
	require.NotEmpty(t, all)
	require.True(t, all[len(all)-1].IsDelete)
	require.Empty(t, all[len(all)-1].Value)

	require.Empty(t, history(t, s, "kv", "no such key"))
	require.Empty(t, history(t, s, "", ConfigKey), "configuration has no history")

	raw, err := s.Results()
	require.NoError(t, err)
	require.Empty(t, raw, "history is not recorded")
}

func TestHistoryOutlivesItsSimulator(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	replay(t, l, 30)
	s := newSimulator(t, l, "tx1")
	it, err := s.History("kv", "a")
	require.NoError(t, err)
	s.Close()
	m, err := it.Next()
	require.NoError(t, err)
	require.NotNil(t, m)
	it.Close()
	it.Close()
	_, err = it.Next()
	require.EqualError(t, err, "this iterator is closed")
}

func TestHistoryDisabled(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{DisableHistory: true})
	replay(t, l, 12)
	_, err := newSimulator(t, l, "tx1").History("kv", "a")
	require.EqualError(t, err, "history database not enabled")
}
