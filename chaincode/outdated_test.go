package chaincode_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutdatedVersionsEnd(t *testing.T) {
	p, b := newLaunchingPeer(t, "serve", false)
	p.define(channel, "kv", "1.0", "code")
	p.define(channel, "other", "1.0", "code of other")
	for _, name := range []string{"kv", "other"} {
		_, err := p.invoke(t.Context(), name, "echo", "x")
		require.NoError(t, err)
	}
	defined := func(versions ...string) func(string) bool {
		return func(v string) bool { return slices.Contains(versions, v) }
	}
	p.Outdated("kv", defined("1.0", "2.0")) // another channel has not upgraded yet
	slow := make(chan error, 1)
	go func() {
		_, err := p.invoke(context.Background(), "kv", "sleep", "600")
		slow <- err
	}()
	time.Sleep(200 * time.Millisecond)
	p.Outdated("kv", defined("2.0"))
	require.NoError(t, <-slow, "what is under way ends first")
	require.Eventually(t, func() bool {
		_, err := p.invoke(t.Context(), "kv", "echo", "x")
		return err == nil && b.count.Load() == 3
	}, 20*time.Second, 20*time.Millisecond, "the old instance is gone: whoever wants it all the same has a new one")
	_, err := p.invoke(t.Context(), "other", "echo", "x")
	require.NoError(t, err)
	require.EqualValues(t, 3, b.count.Load(), "the other chaincode was left alone")
}
