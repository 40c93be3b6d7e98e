package validation

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Prepared is a block whose transactions have been decoded and their signatures verified.
type Prepared struct {
	block  *commonpb.Block
	bundle *channelconfig.Bundle
	caps   channelconfig.ApplicationCapabilities
	txs    []transaction
}

// Number is the block's number.
func (p *Prepared) Number() uint64 { return p.block.Header.Number }

// ChangesConfig tells whether the block holds a configuration transaction: the block after it must be prepared under the configuration that
// this one leaves.
func (p *Prepared) ChangesConfig() bool {
	for i := range p.txs {
		if p.txs[i].config != nil {
			return true
		}
	}
	return false
}

// transaction is one envelope of a block, as far as it could be decoded.
type transaction struct {
	id      string
	kind    commonpb.HeaderType
	refused *refusal // whatever the state says
	late    *refusal // unless an earlier block holds a transaction of this id, which is the graver fault
	stop    error    // the peer cannot go on

	envelope *tx.Envelope             // nil if it could not be decoded
	config   *commonpb.ConfigEnvelope // of a configuration transaction

	// Of an endorser transaction. What follows the first line is set if nothing is in late.
	*tx.Transaction
	creator      policy.SignedData
	endorsements []policy.SignedData
	set          *rwset.Set
	chaincode    string   // that was invoked
	version      string   // that the endorsers ran
	judgedBy     []string // namespaces whose endorsement policies must be satisfied, in the order in which they are asked
}

// refusal is a code and its reason.
type refusal struct {
	code peerpb.TxValidationCode
	err  error
}

func refuse(code peerpb.TxValidationCode, format string, args ...any) *refusal {
	return &refusal{code, fmt.Errorf(format, args...)}
}

// refused makes a refusal of an error of package tx.
func refused(err error) *refusal {
	r := &refusal{peerpb.TxValidationCode_INVALID_OTHER_REASON, err}
	var coded *tx.Error
	if errors.As(err, &coded) {
		r.code = coded.Code
	}
	return r
}

// maxRun is how many transactions are prepared together, at most.
const maxRun = 32

// Prepare does what needs neither the state nor other transactions: it decodes and it verifies signatures, many transactions at a time. The
// block must have passed block.Check. bundle is the channel's configuration as the block before has left it. It fails only when ctx ends or
// the configuration has no application section.
func (v *Validator) Prepare(ctx context.Context, b *commonpb.Block, bundle *channelconfig.Bundle) (*Prepared, error) {
	app, ok := bundle.Application()
	if !ok {
		return nil, fmt.Errorf("[channel %s] does not have application config so is incompatible", v.channelID)
	}
	p := &Prepared{block: b, bundle: bundle, caps: app.Capabilities, txs: make([]transaction, len(b.Data.Data))}
	size := runSize(len(p.txs), v.workers)
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(v.workers, len(p.txs)) {
		g.Go(func() error {
			for ctx.Err() == nil {
				end := int(next.Add(int64(size)))
				begin := end - size
				if begin >= len(p.txs) {
					return nil
				}
				end = min(end, len(p.txs))
				r := run{channelID: v.channelID, bundle: bundle, caps: p.caps, txs: p.txs[begin:end]}
				r.prepare(b.Data.Data[begin:end])
			}
			return ctx.Err()
		})
	}
	return p, g.Wait()
}

// runSize is how many of a block's transactions a worker takes at a time: such that each worker gets as many runs, if each gets any.
func runSize(txs, workers int) int {
	runs := workers * ((txs-1)/(workers*maxRun) + 1)
	return (txs-1)/runs + 1
}
