package deliver

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestFilteredOnce: a block is filtered once for all streams, unless that failed or was long ago.
func TestFilteredOnce(t *testing.T) {
	var f filteredBlocks
	made := 0
	ask := func(number uint64, size int) {
		e, err := f.get(blockID{"ch", number}, func() (proto.Message, error) {
			made++
			b := &peerpb.FilteredBlock{Number: number, ChannelId: strings.Repeat("x", size)}
			return &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_FilteredBlock{FilteredBlock: b}}, nil
		})
		require.NoError(t, err)
		m := &peerpb.DeliverResponse{}
		require.NoError(t, proto.Unmarshal(e[0], m))
		require.Equal(t, number, m.GetFilteredBlock().GetNumber())
	}
	_, err := f.get(blockID{"ch", 7}, func() (proto.Message, error) { return nil, errors.New("the disk is gone") })
	require.ErrorContains(t, err, "the disk is gone")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { ask(7, 10) })
	}
	all.Wait()
	ask(7, 10)
	require.Equal(t, 1, made)
	ask(8, 10)
	require.Equal(t, 2, made)
	ask(9, maxKnown) // too long to be kept, and others must go
	ask(9, maxKnown)
	require.Equal(t, 4, made)
	ask(7, 10)
	require.Equal(t, 5, made)
	require.Less(t, f.size, maxKnown)
}
