package msp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"sync"
	"sync/atomic"

	"github.com/heddleledger/heddle/msp/p256"
)

// tableAfter is how many verifications by a key make a table of it worthwhile: making one takes as long as ten.
const tableAfter = 16

// KeyTables are tables that speed up the verification of signatures by keys that sign often, such as those of endorsers and orderers. There
// are at most as many as its limit (p256.TableSize bytes each): a key that has become busy takes the place of one that has not been used for
// a while. It is shared by managers, and safe for concurrent use.
type KeyTables struct {
	limit int

	mu   sync.Mutex
	ring []*hotKey // those that have a table
	hand int

	batches sync.Pool // of *batch, to use again
	crowd   crowd     // of those who verify one signature each
}

// NewKeyTables makes room for limit tables. With 0, signatures are verified by crypto/ecdsa alone.
func NewKeyTables(limit int) *KeyTables { return &KeyTables{limit: limit} }

// hotKey is a public key on P-256 whose use is counted.
type hotKey struct {
	tables *KeyTables
	pub    *ecdsa.PublicKey
	uses   atomic.Uint32 // since it was last thought of
	used   atomic.Bool   // since the hand last passed
	table  atomic.Pointer[p256.Table]
}

// watch starts to count the uses of a key. It returns nil for one that can have no table.
func (t *KeyTables) watch(pub *ecdsa.PublicKey) *hotKey {
	if t == nil || t.limit <= 0 || pub == nil || pub.Curve != elliptic.P256() {
		return nil
	}
	return &hotKey{tables: t, pub: pub}
}

// use counts a verification by the key, and returns the table to do it with, if there is one.
func (h *hotKey) use() *p256.Table {
	if h == nil {
		return nil
	}
	table := h.table.Load()
	if table == nil {
		if h.uses.Add(1)%tableAfter != 0 {
			return nil
		}
		if table = h.tables.admit(h); table == nil {
			return nil
		}
	}
	if !h.used.Load() {
		h.used.Store(true)
	}
	return table
}

// admit makes a table of a busy key if there is room, or a key with a table that was not used since it was last looked at. It returns nil if
// there is neither, or if somebody else is at it.
func (t *KeyTables) admit(h *hotKey) *p256.Table {
	if !t.mu.TryLock() {
		return nil
	}
	defer t.mu.Unlock()
	if table := h.table.Load(); table != nil {
		return table
	}
	if len(t.ring) >= t.limit && !t.evict() {
		return nil
	}
	table, err := p256.NewTable(h.pub)
	if err != nil {
		return nil // no point of the curve: crypto/ecdsa will say so
	}
	h.used.Store(true)
	h.table.Store(table)
	t.ring = append(t.ring, h)
	return table
}

// evict takes the table from the first key that was not used since the hand last passed it, looking at each once.
func (t *KeyTables) evict() bool {
	for range t.ring {
		t.hand %= len(t.ring)
		h := t.ring[t.hand]
		if h.used.Swap(false) {
			t.hand++
			continue
		}
		h.table.Store(nil)
		last := len(t.ring) - 1
		t.ring[t.hand] = t.ring[last]
		t.ring[last] = nil
		t.ring = t.ring[:last]
		return true
	}
	return false
}
