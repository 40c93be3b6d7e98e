package blocksync

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDrought: that nobody serves a channel is told once, when patience ends, and again only after somebody has served it.
func TestDrought(t *testing.T) {
	at := func(minutes int) time.Time { return time.Unix(0, 0).Add(time.Duration(minutes) * time.Minute) }
	var d drought
	for minute, want := range []bool{false, false, false, true, false, false} {
		require.Equal(t, want, d.tooLong(false, at(minute), 3*time.Minute), "minute %d", minute)
	}
	require.False(t, d.tooLong(true, at(10), 3*time.Minute))
	require.False(t, d.tooLong(false, at(11), 3*time.Minute))
	require.False(t, d.tooLong(false, at(13), 3*time.Minute))
	require.True(t, d.tooLong(false, at(14), 3*time.Minute))
	require.False(t, d.tooLong(false, at(100), 0), "no threshold")
}
