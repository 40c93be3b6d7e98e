package node

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// The heap grows by a headroom from one garbage collection to the next: by as much as is allocated in collectEvery, within bounds in bytes.
const (
	leastHeadroom = 8 << 20
	mostHeadroom  = 24 << 20
	collectEvery  = 150 * time.Millisecond
)

// steadyGC lets the heap grow by the headroom from one garbage collection to the next, until stop is called, unless the environment's GOGC says how
// it grows. By itself Go lets it grow by as much as it holds. That is too little while a node is small, whose processor is then busy collecting; and
// too much once most of what it holds is memory of Pebble's (memtables, cached blocks), which costs a collection nothing, since there are no pointers in
// it. GOMEMLIMIT is kept by Go's runtime in any case.
func steadyGC() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	s := &steadier{headroom: leastHeadroom, last: time.Now()}
	s.percent = gcPercent(readHeap(), s.headroom)
	former := debug.SetGCPercent(s.percent)
	s.awaitCollection()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopped = true
		debug.SetGCPercent(former)
	}
}

// steadier sets the GOGC anew after each collection.
type steadier struct {
	mu       sync.Mutex
	headroom uint64
	last     time.Time // of the collections
	percent  int
	stopped  bool
}

// awaitCollection has collected called after the next collection, by the goroutine that Go runs cleanups on: nothing refers to what is allocated here.
func (s *steadier) awaitCollection() {
	runtime.AddCleanup(new([64]byte), (*steadier).collected, s)
}

func (s *steadier) collected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	now := time.Now()
	s.headroom = nextHeadroom(s.headroom, now.Sub(s.last))
	s.last = now
	if want := gcPercent(readHeap(), s.headroom); want > s.percent+s.percent/8 || want < s.percent-s.percent/8 { // setting it stops the world for a moment
		debug.SetGCPercent(want)
		s.percent = want
	}
	s.awaitCollection()
}

// heap is what the last garbage collection found, in bytes.
type heap struct {
	live    uint64 // objects in use
	roots   uint64 // stacks and globals
	scanned uint64 // what of both may hold pointers, and so makes the collection's work
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/total:bytes"},
	}
	metrics.Read(samples)
	return heap{
		live: samples[0].Value.Uint64(), roots: samples[1].Value.Uint64() + samples[2].Value.Uint64(), scanned: samples[3].Value.Uint64(),
	}
}

// nextHeadroom follows a headroom that lasted for some time.
func nextHeadroom(headroom uint64, lasted time.Duration) uint64 {
	pace := float64(headroom) / max(lasted, time.Millisecond).Seconds()
	return uint64(min(max(leastHeadroom, pace*collectEvery.Seconds()), mostHeadroom))
}

// gcPercent is the GOGC that lets h grow by headroom or, if that is more, by as much as a collection has to scan, so that in a node of any size
// collecting stays as cheap, for each byte allocated, as Go's default makes it.
func gcPercent(h heap, headroom uint64) int {
	const least = 4 << 20 // Go counts a smaller heap as this
	return max(1, int(100*max(headroom, h.scanned)/max(least, h.live+h.roots)))
}
