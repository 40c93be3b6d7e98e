package channel

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/wire/commonpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens a registry that is closed with the test.
func open(t testing.TB, o Options) *Registry {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet()
	}
	r, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// join opens a registry and joins one channel.
func join(t testing.TB, o Options, genesis *commonpb.Block) *Channel {
	t.Helper()
	r := open(t, o)
	require.NoError(t, r.Join(t.Context(), genesis))
	ids := r.IDs()
	require.Len(t, ids, 1)
	c, ok := r.Get(ids[0])
	require.True(t, ok)
	return c
}
