package msp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// busy is an identity that has signed one message.
type busy struct {
	*Identity
	sig []byte
}

func newBusy(t *testing.T, tables *KeyTables) *busy {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	digest := sha256.Sum256([]byte("message"))
	sig, err := SignDigest(key, digest[:])
	require.NoError(t, err)
	return &busy{bare(&key.PublicKey, familySHA2, tables), sig}
}

// verify checks the signature n times, and that it is refused just as often for another message.
func (b *busy) verify(t *testing.T, n int) {
	t.Helper()
	for range n {
		require.NoError(t, b.Verify([]byte("message"), b.sig))
		require.EqualError(t, b.Verify([]byte("another"), b.sig), "The signature is invalid")
	}
}

func (b *busy) hasTable() bool { return b.hot.table.Load() != nil }

func TestBusyKeysGetTables(t *testing.T) {
	tables := NewKeyTables(2)
	first, second, third := newBusy(t, tables), newBusy(t, tables), newBusy(t, tables)
	first.verify(t, 1)
	require.False(t, first.hasTable(), "a key that is seldom used needs none")
	first.verify(t, tableAfter)
	require.True(t, first.hasTable())
	second.verify(t, tableAfter)
	require.True(t, second.hasTable())

	// There is room for two. The third must wait until the hand has passed one twice without its having been used.
	third.verify(t, tableAfter/2)
	require.False(t, third.hasTable())
	second.verify(t, 1)
	third.verify(t, tableAfter)
	require.True(t, third.hasTable())
	require.Len(t, tables.ring, 2)
	first.verify(t, 1)
	second.verify(t, 1)
	third.verify(t, 1)
}

func TestNoTables(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	require.Nil(t, NewKeyTables(1).watch(&key.PublicKey), "only keys on P-256 can have one")
	off := newBusy(t, NewKeyTables(0))
	require.Nil(t, off.hot)
	off.verify(t, 2*tableAfter)
	none := newBusy(t, nil)
	none.verify(t, 1)
}

func TestTablesAreShared(t *testing.T) {
	tables := NewKeyTables(3)
	var g sync.WaitGroup
	for range 4 {
		b := newBusy(t, tables)
		for range 3 {
			g.Go(func() { b.verify(t, 3*tableAfter) })
		}
	}
	g.Wait()
	require.LessOrEqual(t, len(tables.ring), 3)
}
