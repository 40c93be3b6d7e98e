// Package durable does what it takes for files to survive a machine that stops, whose bytes and whose names in the directory are made durable
// apart, and a second process.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeDir makes a directory and those above it, each with a durable entry in the one above. It may have been made, but not made durable,
// before.
func MakeDir(dir string) error {
	if _, err := os.Stat(filepath.Dir(dir)); errors.Is(err, fs.ErrNotExist) {
		if err := MakeDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(dir))
}

// SyncDir makes durable which entries a directory has.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
