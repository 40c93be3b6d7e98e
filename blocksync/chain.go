package blocksync

import (
	"bytes"
	"fmt"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// chain is the place in the hash chain that has been reached.
type chain struct {
	next     uint64 // number of the block to come
	lastHash []byte // header hash of the block before it; nil before block 0
}

func (c *Config) chain() (*chain, error) {
	at := &chain{next: c.Height()}
	if at.next == 0 {
		return at, nil
	}
	var err error
	if at.lastHash, err = c.LastHash(); err != nil {
		return nil, fmt.Errorf("hash of block [%d]: %w", at.next-1, err)
	}
	return at, nil
}

// check tells whether b is whole and continues the chain.
func (c *chain) check(b *commonpb.Block) error {
	if err := block.Check(b); err != nil {
		return err
	}
	if b.Header.Number != c.next {
		return fmt.Errorf("expected block [%d], got block [%d]", c.next, b.Header.Number)
	}
	if !bytes.Equal(b.Header.PreviousHash, c.lastHash) {
		return fmt.Errorf("block [%d] says the block before it hashes to %x, but that one hashes to %x", c.next, b.Header.PreviousHash, c.lastHash)
	}
	return nil
}

func (c *chain) advance(b *commonpb.Block) {
	c.next++
	c.lastHash = block.HeaderHash(b.Header)
}
