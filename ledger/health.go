package ledger

import "fmt"

// CheckState tells whether the state store works.
func (l *Ledger) CheckState() error {
	if err := l.acquire(); err != nil {
		return err
	}
	defer l.release()
	return l.state.Check()
}

// CheckBlocks tells whether the block file works: whether its last block can be read and is whole.
func (l *Ledger) CheckBlocks() error {
	if err := l.acquire(); err != nil {
		return err
	}
	defer l.release()
	if height := l.Height(); height > 0 {
		if _, err := l.blocks.RawBlock(height - 1); err != nil {
			return fmt.Errorf("reading block [%d]: %w", height-1, err)
		}
	}
	return nil
}
