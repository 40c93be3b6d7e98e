package localnet

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps the directory for this process: two of them running one network would take each other's nodes for their own. It is given
// back by closing the file, at the latest when the process ends.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("the network in %s is running already; stop it first, or take another directory", dir)
	}
	return f, nil
}
