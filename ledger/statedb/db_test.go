package statedb

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, fs vfs.FS, opts Options) *DB {
	opts.Log, opts.FS = slog.New(slog.DiscardHandler), fs
	d, err := Open("state", opts)
	require.NoError(t, err)
	return d
}

// apply commits one block that puts the entries.
func apply(t testing.TB, d *DB, number uint64, entries map[Key]Value) {
	b := d.NewBatch()
	for k, v := range entries {
		require.NoError(t, b.Put(k, v))
	}
	require.NoError(t, b.Block([]byte(fmt.Sprint("hash", number)), number))
	require.NoError(t, b.Apply())
}

// odd are names and keys that could be mistaken for each other.
var odd = []string{"", "a", "b", "a\x00", "\x00a", "\x00", "\xff", "\xff\xff", "ab", "\x01a", "a\x01b", strings.Repeat("n", 200)}

func TestAnyNamesAndKeys(t *testing.T) {
	fs := vfs.NewMem()
	d := open(t, fs, Options{})
	entries := map[Key]Value{}
	for _, ns := range odd {
		for _, collection := range odd {
			for _, key := range odd {
				k := Key{ns, collection, key}
				v := Value{Value: []byte(fmt.Sprintf("%q", k)), Version: Version{uint64(len(entries)), 7}}
				if len(entries)%3 == 0 {
					v.Metadata = []byte("metadata")
				}
				entries[k] = v
			}
		}
	}
	apply(t, d, 0, entries)
	for range 2 {
		for k, want := range entries {
			got, found, err := d.Get(k)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, string(want.Value), string(got.Value))
			require.Equal(t, string(want.Metadata), string(got.Metadata))
			require.Equal(t, want.Version, got.Version)
			f, err := d.NewFinder()
			require.NoError(t, err)
			version, found, err := f.Version(k)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, want.Version, version)
			k.Key += "-"
			_, found, err = f.Version(k)
			require.NoError(t, err)
			require.False(t, found)
			require.NoError(t, f.Close())
			k.Key = strings.TrimSuffix(k.Key, "-")
			metadata, err := d.Metadata(k)
			require.NoError(t, err)
			require.Equal(t, want.Metadata, metadata)
		}
		seen := map[Key]bool{}
		require.NoError(t, d.Each(func(k Key, v Value) error {
			require.Equal(t, entries[k].Version, v.Version)
			seen[k] = true
			return nil
		}))
		require.Len(t, seen, len(entries))
		requireRanges(t, d, entries)
		require.NoError(t, d.Close())
		d = open(t, fs, Options{})
	}
	require.NoError(t, d.Close())
}

// requireRanges holds every range over odd keys against a sorted list.
func requireRanges(t testing.TB, d *DB, entries map[Key]Value) {
	for _, ns := range odd {
		for _, start := range odd {
			for _, end := range odd {
				var want []string
				for k := range entries {
					if k.Namespace == ns && k.Collection == "" && k.Key >= start && (end == "" || k.Key < end) {
						want = append(want, k.Key)
					}
				}
				slices.Sort(want)
				require.Equal(t, want, keys(t, d.Reader, ns, start, end), "%q from %q to %q", ns, start, end)
			}
		}
	}
}

func keys(t testing.TB, r Reader, ns, start, end string) (keys []string) {
	it, err := r.Range(ns, start, end)
	require.NoError(t, err)
	for {
		key, v, ok, err := it.Next()
		require.NoError(t, err)
		if !ok {
			require.NoError(t, it.Close())
			return keys
		}
		require.NotEmpty(t, v.Value)
		keys = append(keys, key)
	}
}

func TestSnapshotStays(t *testing.T) {
	d := open(t, vfs.NewMem(), Options{})
	k := Key{Namespace: "ns", Key: "k"}
	apply(t, d, 0, map[Key]Value{k: {Value: []byte("old")}})
	s := d.NewSnapshot()
	b := d.NewBatch()
	require.NoError(t, b.Delete(k))
	require.NoError(t, b.Put(Key{Namespace: "ns", Key: "m"}, Value{Value: []byte("new"), Metadata: []byte("m")}))
	require.NoError(t, b.Tx("id", TxLocation{Version{1, 2}, 3}))
	require.NoError(t, b.Block([]byte("h"), 1))
	require.NoError(t, b.Apply())

	v, found, err := s.Get(k)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "old", string(v.Value))
	require.Equal(t, []string{"k"}, keys(t, s.Reader, "ns", "", ""))
	savepoint, err := s.Savepoint()
	require.NoError(t, err)
	require.EqualValues(t, 1, savepoint)
	metadata, err := s.Metadata(Key{Namespace: "ns", Key: "m"})
	require.NoError(t, err)
	require.Nil(t, metadata)
	require.NoError(t, s.Close())

	_, found, err = d.Get(k)
	require.NoError(t, err)
	require.False(t, found)
	metadata, err = d.Metadata(Key{Namespace: "ns", Key: "m"})
	require.NoError(t, err)
	require.Equal(t, "m", string(metadata))
	require.NoError(t, d.Close())
}

func TestIndexes(t *testing.T) {
	d := open(t, vfs.NewMem(), Options{})
	ids := []string{"", "a", strings.Repeat("ab", 32), strings.Repeat("AB", 32), strings.Repeat("zz", 32), "T" + strings.Repeat("0", 63)}
	b := d.NewBatch()
	for i, id := range ids {
		require.NoError(t, b.Tx(id, TxLocation{Version{uint64(i), uint64(1000 * i)}, uint8(i)}))
	}
	for _, at := range []Version{{300, 1}, {2, 70000}, {2, 3}, {1 << 40, 0}} {
		require.NoError(t, b.History("ns", "k", at))
	}
	require.NoError(t, b.History("ns", "k\x00", Version{9, 9}))
	require.NoError(t, b.History("nsk", "", Version{9, 9}))
	due := []Expiry{{Key{"ns", "c", "h"}, 500, 3}, {Key{"ns", "c", "i"}, 500, 300}, {Key{"ns", "d", ""}, 501, 3}}
	for _, e := range due {
		require.NoError(t, b.Expire(e))
	}
	require.NoError(t, b.Block([]byte("hash"), 77))
	require.NoError(t, b.Apply())

	for i, id := range ids {
		at, found, err := d.Tx(id)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, TxLocation{Version{uint64(i), uint64(1000 * i)}, uint8(i)}, at)
	}
	_, found, err := d.Tx("b")
	require.NoError(t, err)
	require.False(t, found)
	n, found, err := d.BlockNumber([]byte("hash"))
	require.NoError(t, err)
	require.True(t, found)
	require.EqualValues(t, 77, n)

	it, err := d.History("ns", "k")
	require.NoError(t, err)
	var history []Version
	for {
		at, ok, err := it.Next()
		require.NoError(t, err)
		if !ok {
			break
		}
		history = append(history, at)
	}
	require.NoError(t, it.Close())
	require.Equal(t, []Version{{2, 3}, {2, 70000}, {300, 1}, {1 << 40, 0}}, history)

	got, err := d.Expiring(500)
	require.NoError(t, err)
	require.Equal(t, due[:2], got)
	b = d.NewBatch()
	require.NoError(t, b.Unschedule(due[0]))
	require.NoError(t, b.Apply())
	got, err = d.Expiring(500)
	require.NoError(t, err)
	require.Equal(t, due[1:2], got)
	require.NoError(t, d.Close())
}

// A crash takes the store back to a whole number of blocks, and nothing reaches the disk before BeforeFlush has run.
func TestCrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	applied, promised := 0, 0
	d := open(t, fs, Options{BeforeFlush: func() { promised = applied }})
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		applied = n + 1
		entries := map[Key]Value{}
		for i := range 100 {
			entries[Key{Namespace: "ns", Key: fmt.Sprint(i)}] = Value{Value: []byte(fmt.Sprint("block ", n)), Version: Version{uint64(n), uint64(i)}}
		}
		apply(t, d, uint64(n), entries)
		if random.IntN(8) == 0 {
			require.NoError(t, d.db.Flush())
		}
		crashed := open(t, fs.CrashClone(vfs.CrashCloneCfg{}), Options{})
		savepoint, err := crashed.Savepoint()
		require.NoError(t, err)
		require.LessOrEqual(t, savepoint, uint64(promised))
		require.NoError(t, crashed.Each(func(k Key, v Value) error {
			require.Equal(t, savepoint-1, v.Version.Block)
			return nil
		}))
		require.NoError(t, crashed.Close())
	}
	require.NoError(t, d.Close())
	require.Equal(t, 40, promised)
}

func TestFormatVersion(t *testing.T) {
	fs := vfs.NewMem()
	d := open(t, fs, Options{})
	require.NoError(t, d.db.Set([]byte{prefixFormat}, []byte{9}, pebble.NoSync))
	require.NoError(t, d.Close())
	_, err := Open("state", Options{Log: slog.New(slog.DiscardHandler), FS: fs})
	require.ErrorContains(t, err, "format version 9, this program knows version 1")
}

func TestMetadataNamespaces(t *testing.T) {
	var n metadataNamespaces
	require.False(t, n.has("a"))
	n.add("a")
	n.add("b")
	require.True(t, n.has("a") && n.has("b"))
	require.False(t, n.has("c"))
	require.Len(t, slices.Collect(maps.Keys(*n.m.Load())), 2)
}

func FuzzParse(f *testing.F) {
	f.Add(appendValue(nil, Value{[]byte("v"), []byte("m"), Version{300, 2}}))
	f.Add(appendTxLocation(nil, TxLocation{Version{300, 2}, 11}))
	f.Add(appendStateKey(nil, Key{"ns", "", "k"}))
	f.Add(appendStateKey(nil, Key{"ns", "c", "k"}))
	f.Add(appendExpiryKey(nil, Expiry{Key{"ns", "c", "k"}, 5, 6}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := parseValue(b); err == nil {
			again, err := parseValue(appendValue(nil, v))
			require.NoError(t, err)
			require.Equal(t, v.Version, again.Version)
			require.Equal(t, string(v.Value), string(again.Value))
			require.Equal(t, string(v.Metadata), string(again.Metadata))
		}
		if l, err := parseTxLocation(b); err == nil {
			again, err := parseTxLocation(appendTxLocation(nil, l))
			require.NoError(t, err)
			require.Equal(t, l, again)
		}
		if k, err := parseStateKey(b); err == nil && (k.Collection != "" || b[0] == prefixPublic) {
			again, err := parseStateKey(appendStateKey(nil, k))
			require.NoError(t, err)
			require.Equal(t, k, again)
		}
		if e, err := parseExpiryKey(b); err == nil {
			again, err := parseExpiryKey(appendExpiryKey(nil, e))
			require.NoError(t, err)
			require.Equal(t, e, again)
		}
		_, _ = parseNumber(b)
		_, _ = parseHistorySuffix(b)
	})
}

// TestCheck: that the disk takes no more writes shows until it does again.
func TestCheck(t *testing.T) {
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		return nil
	}))
	d := open(t, fs, Options{})
	require.NoError(t, d.Check())
	full.Store(true)
	apply(t, d, 0, map[Key]Value{{Namespace: "ns", Key: "k"}: {Value: []byte("v")}})
	require.NoError(t, d.StartFlush())
	require.Eventually(t, func() bool { return d.Check() != nil }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, d.Check(), syscall.ENOSPC)
	full.Store(false)
	require.Eventually(t, func() bool { return d.StartFlush() == nil && d.Check() == nil }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, d.Close())
}
