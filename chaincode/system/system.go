package system

import (
	"context"
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Channels are the channels that the peer has joined; *channel.Registry keeps them.
type Channels interface {
	// Bundle is the present configuration of a joined channel.
	Bundle(id string) (*channelconfig.Bundle, bool)
	// Ledger is the ledger of a joined channel.
	Ledger(id string) (*ledger.Ledger, bool)
	// IDs lists the joined channels.
	IDs() []string
	// Join makes the peer a member of the channel that genesis, its first block, describes.
	Join(ctx context.Context, genesis *commonpb.Block) error
}

func success(payload []byte) *peerpb.Response { return &peerpb.Response{Status: 200, Payload: payload} }

// failure is a refusal. Its text may quote arguments of any bytes; as a field of a message it has to be UTF-8.
func failure(format string, args ...any) *peerpb.Response {
	return &peerpb.Response{Status: 500, Message: strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")}
}

// answer is success with payload, or failure with the text of err.
func answer(payload []byte, err error) *peerpb.Response {
	if err != nil {
		return failure("%s", err)
	}
	return success(payload)
}

// Reserved tells whether name belongs to a system chaincode, so that no user chaincode may have it. Hidden ones are escc and vscc: parts
// of the peer that cannot be called.
func Reserved(name string) bool {
	switch name {
	case "lscc", "cscc", "qscc":
		return true
	}
	return Hidden(name)
}

// Hidden tells whether name is that of a system chaincode which no proposal may call.
func Hidden(name string) bool { return name == "escc" || name == "vscc" }

// signed is the signature over the proposal that makes the call.
func signed(c *chaincode.Call) policy.SignedData { return acl.Signed(c.Proposal) }
