package chaincode

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// invokeChaincode runs another chaincode for this one. On the same channel it shares the simulation; on another it gets a simulator of
// that channel's ledger whose results go nowhere. The answer is the whole message that ended the called chaincode.
func (t *transaction) invokeChaincode(ctx context.Context, m *peerpb.ChaincodeMessage) ([]byte, error) {
	spec := &peerpb.ChaincodeSpec{}
	if err := decode(m.Payload, spec); err != nil {
		return nil, err
	}
	if spec.ChaincodeId == nil {
		return nil, errors.New("no chaincode named to call")
	}
	callee := calleeOf(spec.ChaincodeId.Name, t.call)
	if callee.Input = spec.Input; callee.Input == nil {
		callee.Input = &peerpb.ChaincodeInput{}
	}
	if err := t.h.s.authorize(callee); err != nil {
		return nil, err
	}
	if callee.ChannelID != t.call.ChannelID {
		l, ok := t.h.s.Ledger(callee.ChannelID)
		if !ok {
			return nil, fmt.Errorf("failed to find ledger for channel: %s", callee.ChannelID)
		}
		simulator, err := l.NewSimulator(callee.TxID)
		if err != nil {
			return nil, err
		}
		defer simulator.Close()
		callee.Simulator = simulator
	}
	if !t.h.s.IsSystem(callee.Name) {
		d, err := Definition(callee.Simulator, callee.Name)
		if err != nil {
			return nil, err
		}
		if err := t.h.s.Packages.CheckPolicy(d); err != nil {
			return nil, err
		}
		callee.Version = d.Version
	}
	result, err := t.h.s.run(ctx, callee)
	if err != nil {
		return nil, fmt.Errorf("execute failed: %w", err)
	}
	return proto.Marshal(result)
}

// calleeOf is the call that caller makes to "name[:version][/channel]". The version is of no account: the channel's definition has one.
func calleeOf(name string, caller *Call) *Call {
	c := &Call{
		ChannelID: caller.ChannelID, TxID: caller.TxID, Proposal: caller.Proposal, Decorations: caller.Decorations, Simulator: caller.Simulator,
	}
	name, channel, _ := strings.Cut(name, "/")
	if channel != "" {
		c.ChannelID = channel
	}
	c.Name, _, _ = strings.Cut(name, ":")
	return c
}

// notCallable are names that mean a system chaincode to Fabric 1.4 and that chaincode may not call.
var notCallable = map[string]bool{"cscc": true, "escc": true, "vscc": true}

// authorize tells whether c may be made from chaincode. System chaincodes check their callers themselves.
func (s *Support) authorize(c *Call) error {
	switch {
	case notCallable[c.Name]:
		return fmt.Errorf("system chaincode %s cannot be invoked with a cc2cc invocation", c.Name)
	case s.IsSystem(c.Name):
		return nil
	case c.Proposal == nil:
		return fmt.Errorf("signed proposal must not be nil from caller [%s.%s#]", c.ChannelID, c.Name)
	}
	return s.AuthorizeCall(c.ChannelID, c.Proposal)
}

// callSystem calls a system chaincode and puts its answer in the form that chaincode on a stream would give it.
func (s *Support) callSystem(ctx context.Context, sys System, c *Call) (*peerpb.ChaincodeMessage, error) {
	payload, err := proto.Marshal(sys.Invoke(ctx, c))
	if err != nil {
		return nil, fmt.Errorf("encoding the response of %s: %w", c.Name, err)
	}
	return &peerpb.ChaincodeMessage{
		Type: peerpb.ChaincodeMessage_COMPLETED, Payload: payload, Txid: c.TxID, ChannelId: c.ChannelID, ChaincodeEvent: c.event,
	}, nil
}
