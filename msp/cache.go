package msp

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const (
	// cacheShards spreads lock contention; a power of two.
	cacheShards = 16
	// cachePerShard times cacheShards is how many identities a Manager remembers.
	cachePerShard = 256
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
	if len(s.ring) < cachePerShard {
		s.ring = append(s.ring, e)
		return id
	}
	for s.ring[s.hand].read.Swap(false) {
		s.hand = (s.hand + 1) % len(s.ring)
	}
	delete(s.entries, s.ring[s.hand].key)
	s.ring[s.hand] = e
	s.hand = (s.hand + 1) % len(s.ring)
	return id
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
