package validation

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Options tune a Validator.
type Options struct {
	Workers int // how many transactions Prepare looks at together; 0 means GOMAXPROCS
	// Plugins judge what chaincode does, by the name that its definition has for one. nil stands for the default plugin, as vscc.
	Plugins map[string]plugin.Validation
}

// Validator judges the blocks of one channel. Prepare may run for one block while Decide runs for the one before; calls of Decide come
// one at a time, in the order of the blocks.
type Validator struct {
	channelID string
	workers   int
	plugins   map[string]plugin.Validation
	policies  *policyCache // of Decide only
}

// New makes the validator of a channel.
func New(channelID string, o Options) *Validator {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Plugins == nil {
		o.Plugins = map[string]plugin.Validation{vsccName: plugin.DefaultValidation{}}
	}
	return &Validator{channelID: channelID, workers: o.Workers, plugins: o.Plugins, policies: newPolicyCache()}
}

// State is what the blocks before the one to decide have left. *ledger.Snapshot is one.
type State interface {
	plugin.State
	// HasTx says whether an earlier block holds a transaction of that id, valid or not.
	HasTx(txid string) (bool, error)
}

// Verdict is the outcome for one block.
type Verdict struct {
	Block    *ledger.Block         // each transaction with its code so far, for ledger.Commit
	Refusals []Refusal             // of every transaction that is not valid, in the order of the block
	Invoked  []string              // per transaction, the chaincode that it ran as name:version; empty if that cannot be trusted, or there is none
	Next     *channelconfig.Bundle // the configuration from the next block on; nil if this block does not change it
}

// Refusal says why a transaction is not valid.
type Refusal struct {
	Index int    // in the block
	TxID  string // as claimed; may be empty
	Code  peerpb.TxValidationCode
	Err   error
}

// Explain says more than Err does, in one line: how the policy was missed, or what is wrong with the creator's certificate; empty if there is
// nothing to add. It repeats work that deciding has done, so it is for some transactions, not for all.
func (r Refusal) Explain() string {
	if e := policy.Explain(r.Err); e != nil {
		return e.String()
	}
	var creator *creatorError
	if errors.As(r.Err, &creator) {
		d := creator.ids.Describe(creator.creator)
		return fmt.Sprintf("%s: %s", d, d.Problem)
	}
	return ""
}

// creatorError is about a creator that the channel's MSPs do not accept.
type creatorError struct {
	error
	creator []byte
	ids     *msp.Manager
}

func (e *creatorError) Unwrap() error { return e.error }
