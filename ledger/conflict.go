package ledger

import (
	"errors"
	"fmt"
	"strings"

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
	var b strings.Builder
	switch {
	case c.Guessed:
		fmt.Fprintf(&b, "%s, of which only hashes are recorded, does not give the same result any more", c.queryText())
		if c.Writer != nil {
			fmt.Fprintf(&b, "; of the keys there, %.128q was written last, by %s", c.Key.Key, c.writerText())
		}
		return b.String()
	case c.Query != nil:
		fmt.Fprintf(&b, "%s ", c.queryText())
		if c.Read == nil {
			fmt.Fprintf(&b, "did not give key %.128q", c.Key.Key)
		} else {
			fmt.Fprintf(&b, "gave key %.128q at version %s", c.Key.Key, versionText(c.Read))
		}
	default:
		fmt.Fprintf(&b, "%s was read ", c.keyText())
		if c.Read == nil {
			b.WriteString("when it did not exist")
		} else {
			fmt.Fprintf(&b, "at version %s", versionText(c.Read))
		}
	}
	what := "wrote it"
	switch {
	case c.Current == nil && c.Read == nil:
		return b.String() // cannot be, but for what a hostile endorser made up
	case c.Current == nil:
		what = "deleted it"
	case c.Read == nil:
		what = "created it"
	}
	if c.Writer == nil {
		fmt.Fprintf(&b, ", and is at version %s now", versionText(c.Current))
	} else {
		fmt.Fprintf(&b, ", but %s %s", c.writerText(), what)
	}
	return b.String()
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
	where := fmt.Sprintf("(block %d, transaction %d)", c.Writer.Block, c.Writer.Tx)
	if c.WriterID == "" {
		return "the transaction at " + strings.Trim(where, "()")
	}
	return "transaction " + c.WriterID + " " + where
}

// versionText is block and transaction of a version.
func versionText(v *statedb.Version) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%d:%d", v.Block, v.Tx)
}

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

// Explain completes the conflict that Commit has found for transaction i of a block: who wrote what the transaction had read. It is nil for a
// transaction that has none. It costs reading a block from the disk.
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
