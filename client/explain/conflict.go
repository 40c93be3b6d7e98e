package explain

import (
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// conflict finds the newest write before transaction i of a block that is at odds with what the transaction has read; with phantoms, with the
// results of its range queries instead. Nil if no block that may be looked at has one.
func (p *past) conflict(b *commonpb.Block, i int, phantom bool) (*ledger.Conflict, error) {
	_, set := written(b.Data.Data[i])
	if set == nil {
		return nil, nil
	}
	codes := block.Codes(b)
	for j := i - 1; j >= 0; j-- {
		if j < len(codes) && codes[j] == peerpb.TxValidationCode_VALID {
			p.note(b.Data.Data[j], statedb.Version{Block: b.Header.Number, Tx: uint64(j)})
		}
	}
	for {
		var newest *ledger.Conflict
		for k, w := range p.values {
			c := clash(set, k, w, phantom)
			if c != nil && (newest == nil || newest.Writer.Before(*c.Writer)) {
				newest = c
			}
		}
		if newest != nil {
			return newest, nil
		}
		if more, err := p.back(); err != nil || !more {
			return nil, err
		}
	}
}

// clash holds the last write of a key against what a transaction has read.
func clash(set *rwset.Set, k statedb.Key, w *write, phantom bool) *ledger.Conflict {
	for _, ns := range set.Namespaces {
		if ns.Name != k.Namespace {
			continue
		}
		if phantom {
			for _, q := range ns.KV.RangeQueriesInfo {
				if c := clashInRange(q, k, w); c != nil {
					return c
				}
			}
			continue
		}
		if read, ok := readOf(&ns, k); ok {
			return compare(k, read, w)
		}
	}
	return nil
}

// readOf is the version of a key that a transaction has read, if it has.
func readOf(ns *rwset.Namespace, k statedb.Key) (*kvrwsetpb.Version, bool) {
	if k.Collection == "" {
		for _, r := range ns.KV.Reads {
			if r.GetKey() == k.Key {
				return r.GetVersion(), true
			}
		}
		return nil, false
	}
	for _, c := range ns.Collections {
		if c.Name != k.Collection {
			continue
		}
		for _, r := range c.Hashed.HashedReads {
			if string(r.GetKeyHash()) == k.Key {
				return r.GetVersion(), true
			}
		}
	}
	return nil, false
}

func clashInRange(q *kvrwsetpb.RangeQueryInfo, k statedb.Key, w *write) *ledger.Conflict {
	last := !q.GetItrExhausted() && k.Key == q.GetEndKey() // the last key that was given is part of the range
	if k.Collection != "" || k.Key < q.GetStartKey() || q.GetEndKey() != "" && k.Key >= q.GetEndKey() && !last {
		return nil
	}
	if q.GetReadsMerkleHashes() != nil {
		return &ledger.Conflict{Key: k, Query: q, Writer: &w.at, WriterID: w.txID, Guessed: true}
	}
	var read *kvrwsetpb.Version
	for _, r := range q.GetRawReads().GetKvReads() {
		if r.GetKey() == k.Key {
			read = r.GetVersion()
		}
	}
	c := compare(k, read, w)
	if c != nil {
		c.Query = q
	}
	return c
}

// compare is the conflict between a key as it was read and as a transaction left it; nil if they agree.
func compare(k statedb.Key, read *kvrwsetpb.Version, w *write) *ledger.Conflict {
	c := &ledger.Conflict{Key: k, Writer: &w.at, WriterID: w.txID}
	if read != nil {
		c.Read = &statedb.Version{Block: read.BlockNum, Tx: read.TxNum}
	}
	if !w.deleted {
		c.Current = &w.at
	}
	if c.Read == nil && c.Current == nil || c.Read != nil && c.Current != nil && *c.Read == *c.Current {
		return nil
	}
	return c
}
