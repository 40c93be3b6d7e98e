package node

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
)

// TestOffline: a command that needs the peer's folder tells a folder that is taken from one that cannot be used.
func TestOffline(t *testing.T) {
	logs, err := logging.New(io.Discard, "", "")
	require.NoError(t, err)
	conf := &config.Core{}
	conf.Peer.FileSystemPath = filepath.Join(t.TempDir(), "data")
	ran := 0
	do := func() error { ran++; return nil }

	require.NoError(t, offline(t.Context(), conf, logs, do))
	held, err := lock(t.Context(), logs.Named("nodeCmd"), "peer.fileSystemPath", conf.Peer.FileSystemPath, "the peer one")
	require.NoError(t, err)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	err = offline(stopped, conf, logs, do)
	require.ErrorContains(t, err, "as another peer node command is executing, wait for that command to complete")
	require.ErrorContains(t, err, "is in use by the peer one")
	require.NoError(t, held.Close())

	require.NoError(t, os.RemoveAll(conf.Peer.FileSystemPath))
	require.NoError(t, os.WriteFile(conf.Peer.FileSystemPath, nil, 0o600))
	err = offline(t.Context(), conf, logs, do)
	require.ErrorContains(t, err, "not a directory")
	require.NotContains(t, err.Error(), "another peer node command")
	require.Equal(t, 1, ran)
}
