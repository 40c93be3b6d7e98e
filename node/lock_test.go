package node

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/logging"
)

// TestLock: a node waits a little for the one before it, and then says who has its folder.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var text bytes.Buffer
	logs, err := logging.New(&text, "", "")
	require.NoError(t, err)
	take := func(ctx context.Context, holder string) (io.Closer, error) {
		return lock(ctx, logs.Named("nodeCmd"), "peer.fileSystemPath", dir, holder)
	}
	first, err := take(t.Context(), "the peer one, process 1")
	require.NoError(t, err)
	require.Empty(t, text.String())

	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	_, err = take(ctx, "the peer two, process 2")
	require.EqualError(t, err, "peer.fileSystemPath: the folder "+dir+
		" is in use by the peer one, process 1; stop that one first, or give this node a folder of its own")
	require.Contains(t, text.String(), "Waiting for another process to give up the node's folder")

	closed := make(chan error, 1)
	time.AfterFunc(2*lockPoll, func() { closed <- first.Close() })
	second, err := take(t.Context(), "the peer two")
	require.NoError(t, err)
	require.NoError(t, <-closed)
	_, err = take(ctx, "the peer three")
	require.ErrorContains(t, err, "is in use by the peer two; stop")
	require.NoError(t, second.Close())

	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	_, err = take(t.Context(), "")
	require.ErrorContains(t, err, "not a directory")
}
