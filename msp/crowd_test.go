package msp

import (
	"crypto/elliptic"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCrowd: whoever verifies at the same time gets the answer to what it asked, and not to what another did.
func TestCrowd(t *testing.T) {
	tables := NewKeyTables(3)
	type question struct {
		id           *Identity
		message, der []byte
		want         string
	}
	var questions []question
	for i := range 3 {
		key := ecKey(t, elliptic.P256())
		id := heat(t, bare(&key.PublicKey, familySHA2, tables))
		message := fmt.Appendf(nil, "message %d", i)
		digest, err := id.msp.digest(message)
		require.NoError(t, err)
		der, err := SignDigest(key, digest[:])
		require.NoError(t, err)
		questions = append(questions,
			question{id, message, der, ""},
			question{id, message[1:], der, "The signature is invalid"})
	}
	var wg sync.WaitGroup
	for n := range 4 * crowdSize {
		wg.Go(func() {
			for i := range 50 {
				q := questions[(n+i)%len(questions)]
				require.Equal(t, q.want, errorText(q.id.Verify(q.message, q.der)))
			}
		})
	}
	wg.Wait()
	require.Nil(t, tables.crowd.open)
}

// TestGathering: a gathering takes as many as there is room for, until it is left, and gives each its own answer.
func TestGathering(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	tables := NewKeyTables(1)
	id := heat(t, bare(&key.PublicKey, familySHA2, tables))
	var c crowd
	var gatherings []*gathering
	for i := range crowdSize + 2 {
		digest, err := id.msp.digest([]byte{byte(i)})
		require.NoError(t, err)
		der, err := SignDigest(key, digest[:])
		require.NoError(t, err)
		if i%5 == 0 {
			digest[0] ^= 1
		}
		check, err := id.judge(digest, der)
		require.NoError(t, err)
		g, mine := c.join(check, tables)
		require.Equal(t, i%crowdSize, mine)
		if mine == 0 {
			gatherings = append(gatherings, g)
		}
		require.Same(t, gatherings[len(gatherings)-1], g)
	}
	require.Len(t, gatherings, 2)
	require.Same(t, gatherings[1], c.open)
	c.leave(gatherings[0])
	require.Same(t, gatherings[1], c.open, "it was full, and another one is open")
	c.leave(gatherings[1])
	require.Nil(t, c.open)
	for n, g := range gatherings {
		g.answer(tables)
		<-g.done
		for i := range min(crowdSize, crowdSize+2-n*crowdSize) {
			require.Equal(t, (n*crowdSize+i)%5 != 0, g.valid[i], "gathering %d, signature %d", n, i)
		}
	}
}
