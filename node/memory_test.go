package node

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what string
		heap heap
		want int
	}{
		{"nothing collected yet", heap{}, 600},
		{"a small peer", heap{live: 15 * mib, roots: mib, scanned: 5 * mib}, 150},
		{"as much as Go would", heap{live: 23 * mib, roots: mib, scanned: 5 * mib}, 100},
		{"full caches", heap{live: 95 * mib, roots: mib, scanned: 8 * mib}, 25},
		{"many channels", heap{live: 199 * mib, roots: mib, scanned: 100 * mib}, 50},
		{"an enormous cache", heap{live: 100 << 30, scanned: 8 * mib}, 1},
	} {
		require.Equal(t, c.want, gcPercent(c.heap, 24*mib), c.what)
	}
}

func TestNextHeadroom(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		headroom uint64
		lasted   time.Duration
		want     uint64
	}{
		{8 * mib, 2 * time.Minute, 8 * mib},
		{8 * mib, 75 * time.Millisecond, 16 * mib},
		{16 * mib, 150 * time.Millisecond, 16 * mib},
		{24 * mib, 300 * time.Millisecond, 12 * mib},
		{8 * mib, 0, 24 * mib},
		{24 * mib, time.Second, 8 * mib},
	} {
		require.InDelta(t, c.want, nextHeadroom(c.headroom, c.lasted), 1, "%d MiB for %v", c.headroom/mib, c.lasted)
	}
}

func gogc() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// What the environment says is left alone; what was set before is set again.
func TestSteadyGC(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(7))
	t.Setenv("GOGC", "7")
	stop := steadyGC()
	require.Equal(t, 7, gogc())
	stop()
	require.Equal(t, 7, gogc())

	t.Setenv("GOGC", "")
	stop = steadyGC()
	require.NotEqual(t, 7, gogc())
	cache := make([]byte, 12*mostHeadroom)
	require.Eventually(t, func() bool {
		runtime.GC()
		return gogc() < 10
	}, time.Minute, time.Millisecond, "the heap grows by little of what the cache is")
	runtime.KeepAlive(cache)
	stop()
	runtime.GC()
	require.Equal(t, 7, gogc())
}
