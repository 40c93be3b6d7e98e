package explain

import (
	"context"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Source is where blocks come from.
type Source struct {
	// Blocks calls each with the blocks from first to last, in order.
	Blocks func(ctx context.Context, first, last uint64, each func(*commonpb.Block) error) error
	// ByTxID is the block that holds the first transaction with an id.
	ByTxID func(ctx context.Context, txid string) (*commonpb.Block, error)
	// Definition is the encoded definition (ChaincodeData) that a chaincode has now; nil if it has none.
	Definition func(ctx context.Context, name string) ([]byte, error)
}

// Query says which transaction to explain.
type Query struct {
	Channel string
	TxID    string  // empty if the transaction is named by its place in the chain
	Block   *uint64 // the block that holds it; nil for the first block that holds a transaction of this id
	Index   int     // where in the block it is; looked at only if TxID is empty
	// Most is how many blocks before the transaction's are looked through for the reason of its code; 0 means all of them.
	Most uint64
}

// Find explains a transaction. The error says that the blocks could not be had, or that there is no such transaction; whatever else cannot be
// told is said in the result.
func Find(ctx context.Context, source Source, q Query) (*Transaction, error) {
	b, err := source.find(ctx, q)
	if err != nil {
		return nil, err
	}
	all := b.GetData().GetData()
	if q.TxID == "" {
		if q.Index < 0 || q.Index >= len(all) {
			return nil, fmt.Errorf("block [%d] of channel %s holds %d transactions; there is none at %d", b.GetHeader().GetNumber(), q.Channel, len(all), q.Index)
		}
		return At(ctx, source, q, b, q.Index)
	}
	for i, raw := range all {
		if e, err := tx.ParseEnvelope(raw); err == nil && idOf(e) == q.TxID {
			return At(ctx, source, q, b, i)
		}
	}
	return nil, fmt.Errorf("block [%d] of channel %s holds no transaction %s", b.GetHeader().GetNumber(), q.Channel, q.TxID)
}

// idOf is the id by which a peer finds a transaction. Configuration transactions carry none; they go by what nonce and creator give.
func idOf(e *tx.Envelope) string {
	if id := e.TxID(); id != "" {
		return id
	}
	return e.ExpectedTxID()
}

func (s Source) find(ctx context.Context, q Query) (*commonpb.Block, error) {
	if q.Block == nil {
		return s.ByTxID(ctx, q.TxID)
	}
	return s.block(ctx, *q.Block)
}

func (s Source) block(ctx context.Context, n uint64) (b *commonpb.Block, err error) {
	err = s.Blocks(ctx, n, n, func(got *commonpb.Block) error {
		b = got
		return nil
	})
	if err == nil && b.GetHeader().GetNumber() != n {
		err = fmt.Errorf("block [%d] was asked for, and block [%d] came", n, b.GetHeader().GetNumber())
	}
	return b, err
}

// At explains transaction i of a block.
func At(ctx context.Context, source Source, q Query, b *commonpb.Block, i int) (*Transaction, error) {
	t := &Transaction{Channel: q.Channel, TxID: q.TxID, Block: b.GetHeader().GetNumber(), Index: i, Transactions: len(b.GetData().GetData()),
		BlockHash: fmt.Sprintf("%x", block.HeaderHash(b.GetHeader()))}
	codes := block.Codes(b)
	if i >= len(codes) {
		return nil, fmt.Errorf("block [%d] does not say how its transaction %d was judged: ask a peer, not an orderer", t.Block, i)
	}
	t.Code = codes[i].String()
	before, err := source.configBefore(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("the configuration in force at block [%d]: %w", t.Block, err)
	}
	if err := t.read(b.Data.Data[i], before.MSPs()); err != nil {
		t.Unreadable = err.Error()
	}
	switch code := codes[i]; code {
	case peerpb.TxValidationCode_VALID:
		t.Reason = "its signatures satisfy the endorsement policies, and nothing that it has read had changed"
		if t.Config != nil {
			t.Reason = "the ordering service accepted the update under the channel's policies, and the peer agreed"
		}
	case peerpb.TxValidationCode_MVCC_READ_CONFLICT, peerpb.TxValidationCode_PHANTOM_READ_CONFLICT:
		err = t.explainConflict(newPast(ctx, source, t.Block, q.Most), b, code)
	default:
		err = t.explainRefusal(newPast(ctx, source, t.Block, q.Most), b, codes, before)
	}
	if err != nil {
		t.Doubt = err.Error()
	}
	return t, nil
}

// configBefore is the configuration under which a block was validated; of the first block, its own.
func (s Source) configBefore(ctx context.Context, b *commonpb.Block) (*channelconfig.Bundle, error) {
	n := b.GetHeader().GetNumber()
	if n == 0 {
		return channelconfig.FromBlock(b)
	}
	previous, err := s.block(ctx, n-1)
	if err != nil {
		return nil, err
	}
	number, err := block.LastConfig(previous)
	if err != nil {
		return nil, err
	}
	if number != n-1 {
		if previous, err = s.block(ctx, number); err != nil {
			return nil, err
		}
	}
	return channelconfig.FromBlock(previous)
}

func (t *Transaction) explainConflict(p *past, b *commonpb.Block, code peerpb.TxValidationCode) error {
	c, err := p.conflict(b, t.Index, code == peerpb.TxValidationCode_PHANTOM_READ_CONFLICT)
	if err != nil {
		return err
	}
	if c == nil {
		t.Reason = "something that it has read had changed"
		return p.searched("no write that is at odds with it was found")
	}
	t.Conflict, t.Reason = newConflict(c), c.Error()
	return nil
}

// explainRefusal decides the block once more, and takes what comes out for the transaction.
func (t *Transaction) explainRefusal(p *past, b *commonpb.Block, codes []peerpb.TxValidationCode, before *channelconfig.Bundle) error {
	if err := p.findRepeated(b, codes); err != nil {
		return err
	}
	v := validation.New(t.Channel, validation.Options{})
	prepared, err := v.Prepare(p.ctx, b, before)
	if err != nil {
		return err
	}
	verdict, err := v.Decide(p.ctx, prepared, p)
	if err != nil {
		return fmt.Errorf("the block could not be judged again: %w", err)
	}
	computed := peerpb.TxValidationCode_VALID
	for _, r := range verdict.Refusals {
		if r.Index != t.Index {
			continue
		}
		computed, t.Reason, t.Policy = r.Code, r.Err.Error(), policy.Explain(r.Err)
		if more := r.Explain(); more != "" && t.Policy == nil {
			t.Reason += ": " + more
		}
	}
	if computed.String() != t.Code {
		t.Computed = computed.String()
		return p.searched(fmt.Sprintf("judged again, the code comes out as %s", computed))
	}
	if p.cut {
		return p.searched("what is older is taken as it is now: definitions of chaincodes, and keys without policies of their own")
	}
	return nil
}

// findRepeated asks, for each transaction that the peer refused for its id, whether an earlier block holds one of the same.
func (p *past) findRepeated(b *commonpb.Block, codes []peerpb.TxValidationCode) error {
	for i, raw := range b.Data.Data {
		if i >= len(codes) || codes[i] != peerpb.TxValidationCode_DUPLICATE_TXID {
			continue
		}
		e, err := tx.ParseEnvelope(raw)
		if err != nil {
			continue
		}
		first, err := p.source.ByTxID(p.ctx, e.TxID())
		if err != nil {
			return err
		}
		p.repeated[e.TxID()] = first.GetHeader().GetNumber() < p.number
	}
	return nil
}

// searched says how far the search went.
func (p *past) searched(what string) error {
	if p.floor == 0 {
		return errors.New(what)
	}
	return fmt.Errorf("%s; blocks %d to %d were looked through, more can be with --blocks", what, p.from, p.number-1)
}
