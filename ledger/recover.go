package ledger

import (
	"fmt"

	"github.com/heddleledger/heddle/ledger/blockfile"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// recover applies the blocks above the savepoint again and takes up where the last block left off.
func (l *Ledger) recover() error {
	height := l.blocks.Height()
	savepoint, err := l.state.Savepoint()
	if err != nil {
		return err
	}
	if savepoint > height {
		file, offset := l.blocks.End()
		return &blockfile.CorruptError{File: file, Offset: offset, Block: height,
			What: fmt.Sprintf("the file ends, though the state was made of %d blocks: later blocks were cut off", savepoint)}
	}
	if savepoint < height {
		if err := l.replay(savepoint, height); err != nil {
			return err
		}
	}
	if height == 0 {
		return nil
	}
	last, err := l.blocks.Block(height - 1)
	if err != nil {
		return err
	}
	l.commitHash = block.CommitHash(last)
	l.publish(last.Header)
	return nil
}

// replay applies the blocks from savepoint on again, and puts the result on the disk, lest the next start does the same.
func (l *Ledger) replay(savepoint, height uint64) error {
	l.opts.Log.Info("applying blocks to the state again", "channel", l.channelID, "from", savepoint, "to", height-1)
	for n := savepoint; n < height; n++ {
		if err := l.reapply(n); err != nil {
			return fmt.Errorf("applying block [%d] to the state again: %w", n, err)
		}
	}
	return l.state.Flush()
}

// reapply applies a stored block, whose codes are final.
func (l *Ledger) reapply(n uint64) error {
	stored, err := l.blocks.Block(n)
	if err != nil {
		return err
	}
	b, err := restore(stored)
	if err != nil {
		return err
	}
	u := newUpdates(l.state.Reader)
	for i := range b.Txs {
		if t := &b.Txs[i]; t.Code == peerpb.TxValidationCode_VALID && t.RWSet != nil {
			if err := u.apply(t.RWSet, statedb.Version{Block: n, Tx: uint64(i)}); err != nil {
				return err
			}
		}
	}
	batch, err := l.batch(b, u)
	if err != nil {
		return err
	}
	return batch.Apply()
}
