package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirectories(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		require.NoError(t, MakeDir(dir))
		require.DirExists(t, dir)
	}
	require.NoError(t, SyncDir(dir))
	require.ErrorIs(t, SyncDir(filepath.Join(dir, "d")), fs.ErrNotExist)
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, MakeDir(filepath.Join(file, "d")))
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		lock, err := Lock(dir)
		require.NoError(t, err)
		_, err = Lock(dir)
		require.Error(t, err)
		require.NoError(t, lock.Close())
	}
}

func TestSyncData(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	_, err = f.WriteString("text")
	require.NoError(t, err)
	require.NoError(t, SyncData(f))
	require.NoError(t, f.Close())
	require.Error(t, SyncData(f))
}
