package durable

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// SyncData makes durable what a file holds, and of what is known about it no more than it takes to read that: not when it was written.
func SyncData(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var synced error
	if err := c.Control(func(fd uintptr) {
		for {
			if synced = unix.Fdatasync(int(fd)); !errors.Is(synced, unix.EINTR) {
				return
			}
		}
	}); err != nil {
		return err
	}
	return os.NewSyscallError("fdatasync", synced)
}
