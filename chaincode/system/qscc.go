package system

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// QSCC answers queries about the chain of a joined channel. Its arguments are function, channel, and what to look for.
type QSCC struct {
	ACL      *acl.Checker
	Channels Channels
}

// Name is "qscc".
func (q *QSCC) Name() string { return "qscc" }

// Invoke answers one query.
func (q *QSCC) Invoke(_ context.Context, c *chaincode.Call) *peerpb.Response {
	args := c.Input.GetArgs()
	if len(args) < 2 {
		return failure("Incorrect number of arguments, %d", len(args))
	}
	function, channelID := string(args[0]), string(args[1])
	if function != "GetChainInfo" && len(args) < 3 {
		return failure("missing 3rd argument for %s", function)
	}
	l, ok := q.Channels.Ledger(channelID)
	if !ok {
		return failure("Invalid chain ID, %s", channelID)
	}
	// The resource is named after the function, so an unknown function is an unmapped resource.
	if err := q.ACL.Check("qscc/"+function, channelID, signed(c)); err != nil {
		return failure("access denied for [%s][%s]: [%s]", function, channelID, err)
	}
	if function == "GetChainInfo" {
		return message(l.Info())
	}
	wanted := args[2]
	switch function {
	case "GetBlockByNumber":
		return blockByNumber(l, wanted)
	case "GetBlockByHash":
		b, err := l.BlockByHash(wanted)
		return found(b, err, "Failed to get block hash %s, error %v", wanted)
	case "GetBlockByTxID":
		b, err := l.BlockByTxID(string(wanted))
		return found(b, err, "Failed to get block for txID %s, error %v", wanted)
	case "GetTransactionByID":
		t, err := l.TransactionByID(string(wanted))
		return found(t, err, "Failed to get transaction with id %s, error %v", wanted)
	}
	return failure("Requested function %s not found.", function)
}

// blockByNumber takes a decimal number; the largest uint64 stands for the last block.
func blockByNumber(l *ledger.Ledger, decimal []byte) *peerpb.Response {
	n, err := strconv.ParseUint(string(decimal), 10, 64)
	if err != nil {
		return failure("Failed to parse block number with error %s", err)
	}
	raw, err := l.RawBlock(n)
	if err != nil {
		return failure("Failed to get block number %d, error %s", n, err)
	}
	return success(raw)
}

func found(m proto.Message, err error, format string, wanted []byte) *peerpb.Response {
	if err != nil {
		return failure(format, wanted, err)
	}
	return message(m)
}

func message(m proto.Message) *peerpb.Response { return answer(wire.Marshal(m)) }
