package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Commit decides the last codes by MVCC, writes codes and commit hash into the block's metadata and into b.Txs, and applies the block. When it
// returns nil the block is durable and its state is visible. Blocks are taken strictly in order; after an error that leaves the block file and
// state in doubt, no more are taken. ctx can only keep a commit from starting.
func (l *Ledger) Commit(ctx context.Context, b *Block) error {
	return l.commit(ctx, b, l.blocks.Append)
}

// CommitNoSync is Commit for a peer that is catching up. The block and its state are visible, and outlive the process, but a crash of the machine
// may take them back, as a whole and never out of order, until the next Commit, Sync or Close.
func (l *Ledger) CommitNoSync(ctx context.Context, b *Block) error {
	return l.commit(ctx, b, l.blocks.AppendNoSync)
}

// Sync makes all committed blocks durable.
func (l *Ledger) Sync() error {
	if err := l.acquire(); err != nil {
		return err
	}
	defer l.release()
	return l.blocks.Sync()
}

// flushEvery bounds, in blocks, what a crash takes back of the state, and so how long opening the ledger takes then. With large blocks the size of the
// state store's memory is the narrower bound.
const flushEvery = 1000

func (l *Ledger) commit(ctx context.Context, b *Block, put func(*commonpb.Block) error) error {
	if err := l.acquire(); err != nil {
		return err
	}
	defer l.release()
	l.committing.Lock()
	defer l.committing.Unlock()
	if err := errors.Join(l.failed, ctx.Err()); err != nil {
		return err
	}
	if err := b.check(l.Info()); err != nil {
		return err
	}
	times := steps{began: time.Now()}
	u, hash, err := l.finish(b)
	if err != nil {
		return fmt.Errorf("deciding block [%d]: %w", b.Header.Number, err)
	}
	times.decided = time.Now()
	if err := l.reach(FailDecided); err != nil {
		return err
	}
	batch, took, err := l.store(b, u, put)
	if err != nil {
		return fmt.Errorf("committing block [%d]: %w", b.Header.Number, err)
	}
	times.stored, times.storage = time.Now(), took
	if err := l.reach(FailStored); err != nil {
		return errors.Join(err, batch.Close())
	}
	if err := batch.Apply(); err != nil {
		return l.fail(b, err)
	}
	times.applied = time.Now()
	l.commitHash = hash
	l.publish(b.Header)
	l.opts.Metrics.committed(l.channelID, times)
	if (b.Header.Number+1)%flushEvery == 0 {
		if err := l.state.StartFlush(); err != nil {
			return l.fail(b, err)
		}
	}
	return l.reach(FailApplied)
}

// finish gives the block its final codes and its commit hash. Block 0 has no commit hash; block 1 starts the chain of hashes.
func (l *Ledger) finish(b *Block) (*updates, []byte, error) {
	conflicts, u, err := decide(l.state.Reader, b.Header.Number, b.Txs)
	if err != nil {
		return nil, nil, err
	}
	codes := make([]peerpb.TxValidationCode, len(b.Txs))
	for i, c := range conflicts {
		if c != nil {
			b.Txs[i].Code, b.Txs[i].Conflict = c.Code(), c
		}
		codes[i] = b.Txs[i].Code
	}
	block.SetCodes(b.Block, codes)
	if b.Header.Number != 1 && l.commitHash == nil {
		return u, nil, nil
	}
	hash := commitHash(codes, u, l.commitHash)
	block.SetCommitHash(b.Block, hash)
	return u, hash, nil
}

// store writes the block to its file, which takes the time it tells, and meanwhile fills the batch that must follow it.
func (l *Ledger) store(b *Block, u *updates, put func(*commonpb.Block) error) (batch *statedb.Batch, took time.Duration, err error) {
	var g errgroup.Group
	g.Go(func() error {
		began := time.Now()
		defer func() { took = time.Since(began) }()
		return put(b.Block)
	})
	batch, err = l.batch(b, u)
	if stored := g.Wait(); stored != nil {
		if batch != nil {
			stored = errors.Join(stored, batch.Close())
		}
		return nil, took, stored
	}
	if err != nil {
		return nil, took, l.fail(b, err)
	}
	return batch, took, nil
}

// batch collects everything the block changes in the state store.
func (l *Ledger) batch(b *Block, u *updates) (*statedb.Batch, error) {
	batch := l.state.NewBatch()
	err := u.writeTo(batch)
	if err == nil {
		err = u.expire(batch, b.Header.Number)
	}
	if err == nil {
		err = l.index(batch, b)
	}
	if err == nil {
		err = batch.Block(block.HeaderHash(b.Header), b.Header.Number)
	}
	if err != nil {
		return nil, errors.Join(err, batch.Close())
	}
	return batch, nil
}

// index adds the transactions to the index and the valid ones' writes to the history. Of several transactions with one id the first is found.
func (l *Ledger) index(batch *statedb.Batch, b *Block) (err error) {
	known, err := l.state.NewFinder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, known.Close()) }()
	seen := make(map[string]bool, len(b.Txs))
	for i := range b.Txs {
		t := &b.Txs[i]
		at := statedb.Version{Block: b.Header.Number, Tx: uint64(i)}
		if id := b.indexID(i); id != "" && !seen[id] {
			seen[id] = true
			found := false
			if !t.Fresh || t.ID == "" {
				_, found, err = known.Tx(id)
			}
			if err == nil && !found {
				err = batch.Tx(id, statedb.TxLocation{Version: at, Code: uint8(t.Code)})
			}
			if err != nil {
				return err
			}
		}
		if t.Code == peerpb.TxValidationCode_VALID && t.Type == commonpb.HeaderType_ENDORSER_TRANSACTION && !l.opts.DisableHistory {
			if err := t.addHistory(batch, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Tx) addHistory(batch *statedb.Batch, at statedb.Version) error {
	for _, ns := range t.RWSet.Namespaces {
		for _, w := range ns.KV.GetWrites() {
			if err := batch.History(ns.Name, w.GetKey(), at); err != nil {
				return err
			}
		}
	}
	return nil
}

// fail is for errors after the block was stored: only opening the ledger again brings the state up to it.
func (l *Ledger) fail(b *Block, err error) error {
	l.failed = fmt.Errorf("block [%d] is stored, but its state could not be applied (%w): restart the peer to apply it from the block file",
		b.Header.Number, err)
	return l.failed
}

func (l *Ledger) reach(step string) error {
	if l.opts.Failpoint == nil {
		return nil
	}
	if err := l.opts.Failpoint(step); err != nil {
		l.failed = err
		return err
	}
	return nil
}
