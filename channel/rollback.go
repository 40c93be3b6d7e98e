package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/ledger"
)

// Rollback takes one channel of a peer that does not run back to its block n; dir is that of Options. The peer fetches the blocks behind it
// again when it runs.
func Rollback(log *slog.Logger, dir, id string, n uint64) error {
	ids, err := joined(dir)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, id) {
		return fmt.Errorf("ledgerID [%s] does not exist", id) // Fabric's text
	}
	return ledger.Rollback(log, filepath.Join(dir, id), n)
}

// Reset is Rollback of every channel to its first block. One that cannot be reset does not keep the others from it.
func Reset(log *slog.Logger, dir string) error {
	ids, err := joined(dir)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if e := ledger.Reset(log, filepath.Join(dir, id)); e != nil {
			err = errors.Join(err, fmt.Errorf("channel [%s]: %w", id, e))
		}
	}
	return err
}

// joined lists the channels that have a folder in dir, sorted; none if there is no dir.
func joined(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("listing the ledgers: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// FormerHeights are the heights that channels had before they were rolled back, as long as they have not been Rebuilt.
func (r *Registry) FormerHeights() map[string]uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	former := map[string]uint64{}
	for id, c := range r.channels {
		if n := c.ledger.FormerHeight(); n > 0 {
			former[id] = n
		}
	}
	return former
}

// Rebuilt returns once every channel that is open has as many blocks again as it had before it was rolled back, or with an error when ctx
// ends or the registry closes.
func (r *Registry) Rebuilt(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, id := range r.IDs() {
		if c, ok := r.Get(id); ok {
			g.Go(func() error { return c.ledger.Rebuilt(ctx) })
		}
	}
	return g.Wait()
}
