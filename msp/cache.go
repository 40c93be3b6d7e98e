package msp

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const (
	// cacheShards spreads lock contention; a power of two.
	cacheShards = 16
	// cachePerShard times cacheShards, 16,384, is how many identities a Manager remembers: a channel's clients and nodes, with room to spare. One
	// of usual size takes some 6.5 KB of memory, and to parse it anew as long as two signatures take to verify.
	cachePerShard = 1024
	// cacheShardBytes is how long the serialized identities of a shard may be together. Usual ones, of less than 1 KiB, never come to that.
	cacheShardBytes = cachePerShard * 2 << 10
	// cacheMaxKey is the longest serialized identity worth remembering, in bytes. An identity may carry any amount of
	// junk after its certificate, and the cache must not be a way to fill memory.
	cacheMaxKey = 16 << 10
)

// identityCache maps serialized identities to parsed ones. It is bounded, and drops by second chance: an entry that was
// read since the hand last passed stays.
type identityCache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	entries map[string]*cacheEntry
	ring    []*cacheEntry
	hand    int
	bytes   int // of the keys
}

type cacheEntry struct {
	key  string
	id   *Identity
	read atomic.Bool
}

func newIdentityCache() *identityCache {
	c := &identityCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].entries = map[string]*cacheEntry{}
	}
	return c
}

func (c *identityCache) shard(key []byte) *cacheShard {
	return &c.shards[maphash.Bytes(c.seed, key)&(cacheShards-1)]
}

func (c *identityCache) get(key []byte) (*Identity, bool) {
	s := c.shard(key)
	s.mu.RLock()
	e, ok := s.entries[string(key)]
	s.mu.RUnlock()
	if !ok {
		return nil, false
	}
	if !e.read.Load() {
		e.read.Store(true)
	}
	return e.id, true
}

// add remembers id and returns it, or the identity another goroutine remembered first.
func (c *identityCache) add(key []byte, id *Identity) *Identity {
	if len(key) > cacheMaxKey {
		return id
	}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[string(key)]; ok {
		return e.id
	}
	e := &cacheEntry{key: string(key), id: id}
	s.entries[e.key] = e
	for len(s.ring) == cachePerShard || s.bytes+len(key) > cacheShardBytes {
		s.drop()
	}
	s.ring = append(s.ring, e)
	s.bytes += len(key)
	return id
}

// drop forgets the first entry from the hand on that was not read since the hand last passed it.
func (s *cacheShard) drop() {
	s.hand %= len(s.ring)
	for s.ring[s.hand].read.Swap(false) {
		s.hand = (s.hand + 1) % len(s.ring)
	}
	gone, last := s.ring[s.hand], len(s.ring)-1
	s.ring[s.hand], s.ring[last] = s.ring[last], nil
	s.ring = s.ring[:last]
	delete(s.entries, gone.key)
	s.bytes -= len(gone.key)
	s.hand++
}

func (c *identityCache) len() int {
	n := 0
	for i := range c.shards {
		c.shards[i].mu.RLock()
		n += len(c.shards[i].entries)
		c.shards[i].mu.RUnlock()
	}
	return n
}
