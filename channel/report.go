package channel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	// maxReported is how many refused transactions of a block are explained in the log, each on a line; the others are counted. Whoever fills
	// blocks with transactions that fail must not fill the log, nor keep the peer busy with explanations.
	maxReported = 10
	// maxReason bounds what is logged about one, in bytes: the names of keys are the chaincode's.
	maxReason = 4 << 10
)

// report tells log and owner about a committed block.
func (c *Channel) report(v *validation.Verdict) {
	n := v.Block.Header.Number
	refusals := withConflicts(v)
	for _, r := range refusals[:min(maxReported, len(refusals))] {
		c.log.Warn("transaction refused", "block", n, "tx", r.Index, "txid", r.TxID, "code", r.Code.String(), "reason", c.reason(v.Block, r))
	}
	if len(refusals) > maxReported {
		c.log.Warn("more transactions refused; peer tx explain tells why", "block", n, "codes", countCodes(refusals[maxReported:]))
	}
	c.log.Info("committed block", "block", n, "transactions", len(v.Block.Txs), "refused", len(refusals))
	if c.o.OnCommit != nil {
		c.o.OnCommit(Committed{ChannelID: c.id, Block: v.Block, Refusals: refusals, Chaincodes: definitions(v.Block)})
	}
}

// withConflicts are all transactions of a committed block that are not valid: those that validation refused and those that MVCC did, in order.
func withConflicts(v *validation.Verdict) []validation.Refusal {
	var all []validation.Refusal
	decided := v.Refusals
	for i := range v.Block.Txs {
		t := &v.Block.Txs[i]
		switch {
		case len(decided) > 0 && decided[0].Index == i:
			all, decided = append(all, decided[0]), decided[1:]
		case t.Conflict != nil:
			all = append(all, validation.Refusal{Index: i, TxID: t.ID, Code: t.Code, Err: t.Conflict})
		}
	}
	return all
}

// reason is why a transaction was refused, as far as it can be told in a line.
func (c *Channel) reason(b *ledger.Block, r validation.Refusal) string {
	if _, err := c.ledger.Explain(b, r.Index); err != nil {
		c.log.Warn("looking for the transaction that won", "block", b.Header.Number, "tx", r.Index, "err", err)
	}
	reason := r.Err.Error()
	if more := r.Explain(); more != "" {
		reason += ": " + more
	}
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	return reason
}

// countCodes is text such as "MVCC_READ_CONFLICT: 12, DUPLICATE_TXID: 1".
func countCodes(refusals []validation.Refusal) string {
	count := map[peerpb.TxValidationCode]int{}
	for _, r := range refusals {
		count[r.Code]++
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s: %d", code, count[code]))
	}
	return strings.Join(parts, ", ")
}

// definitions are the chaincode definitions that a committed block has written.
func definitions(b *ledger.Block) []*peerpb.ChaincodeData {
	var all []*peerpb.ChaincodeData
	for i := range b.Txs {
		t := &b.Txs[i]
		if t.Code != peerpb.TxValidationCode_VALID || t.RWSet == nil {
			continue
		}
		for j := range t.RWSet.Namespaces {
			ns := &t.RWSet.Namespaces[j]
			if ns.Name != "lscc" {
				continue
			}
			for _, w := range ns.KV.Writes {
				data := &peerpb.ChaincodeData{}
				// The other entry that lscc writes, a chaincode's collections, is under a key that is no chaincode's name.
				if wire.UnmarshalTextAs14(w.Value, data) == nil && data.Name == w.Key {
					all = append(all, data)
				}
			}
		}
	}
	return all
}
