package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/ledger/durable"
)

// The files and folders of a ledger. formerFile is there while the ledger has fewer blocks than before a rollback, and tells how many it had.
const (
	blocksFolder = "blocks"
	stateFolder  = "state"
	formerFile   = "height_before_rollback"
)

// Rollback takes the ledger in dir, which nobody may have open, back to its block n. What Open then finds are those blocks, from which it makes
// the state anew; and the ledger remembers what it has lost, see Rebuilt. Damage behind block n does no harm. Interrupted, it can be
// repeated, and the ledger can be opened.
func Rollback(log *slog.Logger, dir string, n uint64) error {
	return rollback(log, dir, func(last uint64) (uint64, error) {
		if n >= last {
			return 0, fmt.Errorf("target block number [%d] should be less than the biggest block number [%d]", n, last) // Fabric's text
		}
		return n, nil
	})
}

// Reset is Rollback to the first block, of a ledger of any height.
func Reset(log *slog.Logger, dir string) error {
	return rollback(log, dir, func(uint64) (uint64, error) { return 0, nil })
}

// rollback takes the ledger back to the block that choose names, who is told the number of the last one.
func rollback(log *slog.Logger, dir string, choose func(last uint64) (uint64, error)) (err error) {
	blocks, err := blockfile.OpenCutting(filepath.Join(dir, blocksFolder))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blocks.Close()) }()
	height := blocks.Height()
	if height == 0 {
		return fmt.Errorf("the ledger in %s has no sound block; remove the folder and join the channel again", dir)
	}
	n, err := choose(height - 1)
	if err != nil {
		return err
	}
	if err := rememberHeight(dir, height); err != nil {
		return err
	}
	// The state goes first, and for good: it must not know blocks that are not in the file.
	if err := os.RemoveAll(filepath.Join(dir, stateFolder)); err != nil {
		return fmt.Errorf("removing the state: %w", err)
	}
	if err := durable.SyncDir(dir); err != nil {
		return err
	}
	if err := blocks.Cut(n + 1); err != nil {
		return err
	}
	log.Info("cut the ledger back; its state is made again at the next start", "channel", filepath.Base(dir), "last block", n, "before", height-1)
	return nil
}

// rememberHeight writes the height down, unless the ledger was higher before an earlier rollback.
func rememberHeight(dir string, height uint64) error {
	former, err := formerHeight(dir)
	if err != nil || former >= height {
		return err
	}
	path := filepath.Join(dir, formerFile)
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return fmt.Errorf("writing the height down: %w", err)
	}
	_, err = f.WriteString(strconv.FormatUint(height, 10))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the height down: %w", err)
	}
	return durable.SyncDir(dir)
}

// formerHeight is the height before the rollback that the ledger has not recovered from; 0 if there is none.
func formerHeight(dir string) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(dir, formerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the height before a rollback: %w", err)
	}
	former, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a height: %w; remove it if the ledger need not catch up", filepath.Join(dir, formerFile), err)
	}
	return former, nil
}

// FormerHeight is how many blocks the ledger had before it was rolled back, if it was and has not been Rebuilt since; else 0.
func (l *Ledger) FormerHeight() uint64 { return l.former.Load() }

// Rebuilt returns once the ledger has as many blocks as it had before it was rolled back; at once if it was not. Errors are those of Wait.
func (l *Ledger) Rebuilt(ctx context.Context) error {
	former := l.FormerHeight()
	if former == 0 {
		return nil
	}
	if err := l.Wait(ctx, former-1); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(l.dir, formerFile)); err != nil {
		return fmt.Errorf("forgetting the height before a rollback: %w", err)
	}
	l.former.Store(0)
	return nil
}
