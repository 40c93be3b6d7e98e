package differential

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBroadcastCaptured asks Heddle's orderer what a real 1.4.12 orderer was asked, and wants the same statuses and texts.
func TestBroadcastCaptured(t *testing.T) {
	captured, err := load[[]Answer](filepath.Join("testdata", "broadcast.zst"))
	require.NoError(t, err)
	var all []made
	for _, a := range *captured {
		all = append(all, made{kind: a.Kind, raw: a.Envelope})
	}
	for i, a := range ask(t, startHeddle(t), all) {
		require.Equal(t, (*captured)[i].outline(), a.outline(), a.Kind)
	}
}
