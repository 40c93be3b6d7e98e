package ledger

import "github.com/heddleledger/heddle/ledger/blockfile"

// Fail points of the ledger itself.
const (
	FailDecided = "ledger: codes and commit hash are decided"
	FailStored  = "ledger: the block is stored"
	FailApplied = "ledger: the state is applied"
)

// Failpoints are the steps of a commit between which a crash may fall, in their order; Options.Failpoint is called after each. Those of
// rolling over to a new segment are met only when that happens.
var Failpoints = []string{
	FailDecided,
	blockfile.FailSealed,
	blockfile.FailRolled,
	blockfile.FailHalfWritten,
	blockfile.FailWritten,
	blockfile.FailSynced,
	FailStored,
	FailApplied,
}
