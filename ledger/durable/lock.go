package durable

import (
	"io"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Lock keeps other processes that ask for it out of dir, until it is closed or this process ends.
func Lock(dir string) (io.Closer, error) { return vfs.Default.Lock(filepath.Join(dir, "LOCK")) }
