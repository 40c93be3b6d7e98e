package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// lockWait is how long a node waits for the one before it, killed but not yet gone, to give its folder up.
	lockWait = 5 * time.Second
	lockPoll = 50 * time.Millisecond
)

// errInUse is why a folder that another process holds cannot be locked.
var errInUse = errors.New("is in use")

// lock keeps a node's data for this process. key is the configuration's name of the folder and holder what the next node will read there, should
// it find the folder taken. The kernel gives the lock back when the file is closed or the process ends, and then after the locks that the stores
// in the folder hold themselves.
func lock(ctx context.Context, log *slog.Logger, key, dir, holder string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of %s: %w", key, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "node.lock"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("locking the folder of %s: %w", key, err)
	}
	if err := waitForLock(ctx, log, f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: the folder %s %w", key, dir, err), f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeHolder(f, holder)); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the folder of %s: %w", key, err), f.Close())
	}
	return f, nil
}

// waitForLock takes the lock as soon as it can be had. Its error completes the sentence "the folder …".
func waitForLock(ctx context.Context, log *slog.Logger, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for waited := false; ; waited = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("cannot be locked: %w", err)
		}
		if !waited {
			log.Info("Waiting for another process to give up the node's folder", "file", f.Name(), "holder", holderOf(f))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w by %s; stop that one first, or give this node a folder of its own", errInUse, holderOf(f))
		case <-time.After(lockPoll):
		}
	}
}

// thisProcess describes the node to whoever finds its folder taken.
func thisProcess(node string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return fmt.Sprintf("%s, process %d on %s, which began at %s", node, os.Getpid(), host, time.Now().Format(time.RFC3339))
}

// maxHolder bounds what is read from a lock file, in bytes.
const maxHolder = 512

func holderOf(f *os.File) string {
	text := make([]byte, maxHolder)
	n, err := f.ReadAt(text, 0)
	if n == 0 || err != nil && !errors.Is(err, io.EOF) {
		return "another process"
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(text[:n]), "?"))
}

func writeHolder(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text+"\n"), 0)
	return err
}
