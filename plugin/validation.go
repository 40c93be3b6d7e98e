package plugin

import (
	"context"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Validation judges transactions that run a chaincode or write in its namespace. Which plugin does is in the chaincode's definition (-V, by
// default vscc).
type Validation interface {
	// Validate returns nil if what a transaction does in a namespace is valid. An error makes the whole transaction invalid, with the code
	// ENDORSEMENT_POLICY_FAILURE; unless it is an *ExecutionFailure, which stops the channel on this peer.
	Validate(ctx context.Context, r *ValidationRequest) error
}

// ValidationRequest is a transaction to judge for one namespace. Its envelope, headers and creator's signature are good.
type ValidationRequest struct {
	*tx.Transaction                 // open
	Block           *commonpb.Block // do not change it
	Position        int             // of the transaction in the block
	Namespace       string          // the chaincode whose plugin is asked: the one invoked, or one in whose namespace the transaction writes
	Set             *rwset.Set      // all that the transaction reads and writes
	Policy          []byte          // the chaincode's endorsement policy, encoded
	State           State           // as the block before left it
	MSPs            *msp.Manager    // of the channel
	Capabilities    channelconfig.ApplicationCapabilities
	Endorsed        []policy.SignedData // the endorsements, for Policy.Evaluate
	// Default is the judgement of Fabric's own plugin, vscc.
	Default func() error
}

// Evaluate holds the endorsements against an encoded signature policy.
func (r *ValidationRequest) Evaluate(encoded []byte) error {
	p, err := policy.FromBytes(encoded, r.MSPs)
	if err != nil {
		return err
	}
	return p.Evaluate(r.Endorsed)
}

// State is a channel's state. What is missing is nil.
type State interface {
	Get(ns, key string) ([]byte, error)
	// Metadata is the metadata of a key by name.
	Metadata(ns, key string) (map[string][]byte, error)
	// HashedMetadata is the metadata of a private key, found by its hash.
	HashedMetadata(ns, collection string, keyHash []byte) (map[string][]byte, error)
	// Range iterates over the keys with start <= key < end; an empty end means the namespace's end. The iterator must be closed.
	Range(ns, start, end string) (*ledger.Iterator, error)
}

// ExecutionFailure says that a transaction could not be judged: the state cannot be read, say. No block can be committed then.
type ExecutionFailure struct{ Reason error }

func (e *ExecutionFailure) Error() string { return e.Reason.Error() }
func (e *ExecutionFailure) Unwrap() error { return e.Reason }

// DefaultValidation judges as vscc does.
type DefaultValidation struct{}

func (DefaultValidation) Validate(_ context.Context, r *ValidationRequest) error { return r.Default() }
