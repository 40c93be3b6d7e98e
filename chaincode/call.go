package chaincode

import (
	"context"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Call is one invocation of a chaincode within a transaction.
type Call struct {
	ChannelID string // empty for a call outside any channel, which only system chaincodes take
	TxID      string
	Name      string
	Version   string // of the channel's definition; system chaincodes have none
	Input     *peerpb.ChaincodeInput
	Init      bool         // run Init of the installed package Name, Version, whatever the channel's state says
	Proposal  *tx.Proposal // what the client signed
	// Decorations are what the peer adds to the input. Those that the input has are a client's or a calling chaincode's, and are dropped.
	Decorations map[string][]byte
	Simulator   *ledger.Simulator // of ChannelID; nil outside any channel. The caller closes it, after Invoke has returned.

	event *peerpb.ChaincodeEvent
}

// SetEvent is how a system chaincode attaches an event to the transaction.
func (c *Call) SetEvent(name string, payload []byte) {
	c.event = &peerpb.ChaincodeEvent{EventName: name, Payload: payload}
}

// named says in an event, if there is one, which chaincode and transaction it is of.
func (c *Call) named(event *peerpb.ChaincodeEvent) *peerpb.ChaincodeEvent {
	if event != nil {
		event.ChaincodeId, event.TxId = c.Name, c.TxID
	}
	return event
}

// System is a system chaincode: a direct call in this process. It may use everything in the call; it owns nothing of it.
type System interface {
	Name() string
	Invoke(ctx context.Context, c *Call) *peerpb.Response
}

// id names a chaincode at one version; a zero version is that of a chaincode started by hand under a bare name.
type id struct{ name, version string }

func (i id) String() string {
	if i.version == "" {
		return i.name
	}
	return i.name + ":" + i.version
}
