package ledger

import (
	"errors"
	"fmt"
	"sync"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/querypb"
	"github.com/heddleledger/heddle/wire/tx"
)

// HistoryIterator walks over the committed writes of a key, oldest first. Index and state are those of one view; the values are read from the blocks.
type HistoryIterator struct {
	l       *Ledger
	ns, key string

	mu     sync.Mutex // guards what follows
	it     *statedb.HistoryIterator
	raw    []byte // the block last read
	number uint64 // its number, if raw is not nil
	closed bool
}

// History iterates over all writes of a key by valid transactions up to this state. The iterator must be closed; it stays open when the snapshot closes.
func (s *Snapshot) History(ns, key string) (*HistoryIterator, error) {
	if s.l.opts.DisableHistory {
		return nil, errors.New("history database not enabled")
	}
	h := &HistoryIterator{l: s.l, ns: ns, key: key}
	err := s.iterate(func(r statedb.Reader) (err error) {
		h.it, err = r.History(ns, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Next is the next modification; nil at the end.
func (h *HistoryIterator) Next() (*querypb.KeyModification, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errIteratorClosed
	}
	for {
		at, ok, err := h.it.Next()
		if err != nil || !ok {
			return nil, err
		}
		m, err := h.modification(at)
		if err != nil {
			return nil, fmt.Errorf("history of key [%s:%s], block [%d], transaction %d: %w", h.ns, h.key, at.Block, at.Tx, err)
		}
		if m != nil {
			return m, nil
		}
	}
}

// modification reads what a transaction wrote to the key.
func (h *HistoryIterator) modification(at statedb.Version) (*querypb.KeyModification, error) {
	if h.raw == nil || h.number != at.Block {
		raw, err := h.l.blocks.RawBlock(at.Block)
		if err != nil {
			return nil, err
		}
		h.raw, h.number = raw, at.Block
	}
	envelope, err := envelopeAt(h.raw, at)
	if err != nil {
		return nil, err
	}
	e, err := tx.ParseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	set, err := writtenBy(e)
	if err != nil || set == nil {
		return nil, err
	}
	for _, ns := range set.Namespaces {
		if ns.Name != h.ns {
			continue
		}
		for _, w := range ns.KV.GetWrites() {
			if w.GetKey() == h.key {
				return &querypb.KeyModification{TxId: e.TxID(), Value: w.GetValue(), Timestamp: e.Channel.GetTimestamp(),
					IsDelete: w.GetIsDelete() || len(w.GetValue()) == 0}, nil
			}
		}
	}
	return nil, nil
}

// Close ends the iteration. Calling it again does nothing.
func (h *HistoryIterator) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if err := h.it.Close(); err != nil {
		h.l.opts.Log.Error("closing a history query", "channel", h.l.channelID, "error", err)
	}
	h.l.release()
}
