package ledger

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Conflict is the first thing that a transaction has read and that was no longer so at its place in the block.
type Conflict struct {
	statedb.Key                           // the key that changed; in a collection it is the key's hash
	Query       *kvrwsetpb.RangeQueryInfo // the range query whose result changed; nil for a key that was read by itself
	Read        *statedb.Version          // as the transaction saw the key; nil if it did not exist
	Current     *statedb.Version          // as the key was then; nil if it did not exist
	Writer      *statedb.Version          // which transaction made it so; nil if that is not known
	WriterID    string                    // its id, if known
	Guessed     bool                      // only hashes of the query's result are recorded: the key is the one in the range that was written last
}

// Code is the validation code of a transaction with this conflict; VALID for none.
func (c *Conflict) Code() peerpb.TxValidationCode {
	switch {
	case c == nil:
		return peerpb.TxValidationCode_VALID
	case c.Query != nil:
		return peerpb.TxValidationCode_PHANTOM_READ_CONFLICT
	}
	return peerpb.TxValidationCode_MVCC_READ_CONFLICT
}

// Error says in one line what was read, what became of it and by whom.
func (c *Conflict) Error() string {
	if !c.Guessed {
		return c.seen() + c.became()
	}
	text := c.queryText() + ", of which only hashes are recorded, does not give the same result any more"
	if c.Writer != nil {
		text += fmt.Sprintf("; of the keys there, %.128q was written last, by %s", c.Key.Key, c.writerText())
	}
	return text
}

// seen is what the transaction has read.
func (c *Conflict) seen() string {
	switch {
	case c.Query != nil && c.Read == nil:
		return fmt.Sprintf("%s did not give key %.128q", c.queryText(), c.Key.Key)
	case c.Query != nil:
		return fmt.Sprintf("%s gave key %.128q at version %s", c.queryText(), c.Key.Key, versionText(c.Read))
	case c.Read == nil:
		return c.keyText() + " was read when it did not exist"
	}
	return fmt.Sprintf("%s was read at version %s", c.keyText(), versionText(c.Read))
}

// became is what another transaction made of it.
func (c *Conflict) became() string {
	switch {
	case c.Current == nil && c.Read == nil:
		return "" // cannot be, but for what a hostile endorser made up
	case c.Writer == nil && c.Current == nil:
		return ", and does not exist"
	case c.Writer == nil:
		return ", and is at version " + versionText(c.Current)
	case c.Current == nil:
		return fmt.Sprintf(", but %s deleted it", c.writerText())
	case c.Read == nil:
		return fmt.Sprintf(", but %s created it", c.writerText())
	}
	return fmt.Sprintf(", but %s wrote it", c.writerText())
}

func (c *Conflict) keyText() string {
	if c.Collection != "" {
		return fmt.Sprintf("private key of hash %.32x in collection %s of chaincode %s", c.Key.Key, c.Collection, c.Namespace)
	}
	return fmt.Sprintf("key %.128q of chaincode %s", c.Key.Key, c.Namespace)
}

func (c *Conflict) queryText() string {
	return fmt.Sprintf("the range query from %.128q to %.128q in chaincode %s", c.Query.GetStartKey(), c.Query.GetEndKey(), c.Namespace)
}

func (c *Conflict) writerText() string {
	if c.WriterID == "" {
		return fmt.Sprintf("the transaction at block %d, transaction %d", c.Writer.Block, c.Writer.Tx)
	}
	return fmt.Sprintf("transaction %s (block %d, transaction %d)", c.WriterID, c.Writer.Block, c.Writer.Tx)
}

// versionText is block and transaction of a version.
func versionText(v *statedb.Version) string { return fmt.Sprintf("%d:%d", v.Block, v.Tx) }

// conflict is that of a key, by itself or in a range query, with what it is now.
func (m *mvcc) conflict(k statedb.Key, q *kvrwsetpb.RangeQueryInfo, read *kvrwsetpb.Version, now version) *Conflict {
	c := &Conflict{Key: k, Query: q}
	if read != nil {
		c.Read = &statedb.Version{Block: read.BlockNum, Tx: read.TxNum}
	}
	if up := m.find(k); up != nil {
		c.Writer = &up.Version
		now = version{up.Version, !up.deleted}
	}
	if now.found {
		c.Current, c.Writer = &now.Version, &now.Version
	}
	return c
}

// maxExplained is the largest block, in bytes, that Explain reads for a transaction's id: whoever fills large blocks must not have them all
// read again, for no more than a line in the log, while the next block waits to be committed.
const maxExplained = 1 << 20

// Explain completes the conflict that Commit has found for transaction i of a block: who wrote what the transaction had read. It is nil for a
// transaction that has none. It costs reading a block of at most maxExplained from the disk; in a larger one, the writer is told by its place.
func (l *Ledger) Explain(b *Block, i int) (*Conflict, error) {
	c := b.Txs[i].Conflict
	if c == nil {
		return nil, nil
	}
	if err := l.acquire(); err != nil {
		return nil, err
	}
	defer l.release()
	if c.Writer == nil && c.Collection == "" && !c.Guessed && !l.opts.DisableHistory {
		v, found, err := l.state.LastWrite(c.Namespace, c.Key.Key, statedb.Version{Block: b.Header.Number, Tx: uint64(i)})
		if err != nil {
			return nil, err
		}
		if found {
			c.Writer = &v
		}
	}
	switch {
	case c.Writer == nil:
		return c, nil
	case c.Writer.Block == b.Header.Number:
		c.WriterID = b.indexID(int(c.Writer.Tx))
		return c, nil
	case l.blocks.Size(c.Writer.Block) > maxExplained:
		return c, nil
	}
	raw, err := l.blocks.RawBlock(c.Writer.Block)
	if errors.Is(err, ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	envelope, err := envelopeAt(raw, *c.Writer)
	if err != nil {
		return nil, err
	}
	if e, err := tx.ParseEnvelope(envelope); err == nil {
		c.WriterID = e.TxID()
	}
	return c, nil
}
