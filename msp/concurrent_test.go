package msp

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/heddleledger/heddle/wire/msppb"
)

// TestManyAtOnce is for the race detector: goroutines that meet identities for the first time together.
func TestManyAtOnce(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	ids := NewManager(mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)}))
	var members [][]byte
	for range 20 {
		members = append(members, serialized("M", root.leaf("a", "peer")))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, b := range members {
				id, err := ids.Identity(b)
				if assert.NoError(t, err) {
					assert.NoError(t, ids.Validate(id))
					assert.NoError(t, ids.Satisfies(id, Role("M", msppb.MSPRole_PEER)))
					assert.Error(t, ids.Satisfies(id, Role("M", msppb.MSPRole_CLIENT)))
				}
			}
		})
	}
	all.Wait()
	assert.Equal(t, len(members), ids.cache.len())
}
