package system

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// CSCC joins channels and answers queries about their configuration.
type CSCC struct {
	ACL      *acl.Checker
	Channels Channels
}

// Name is "cscc".
func (s *CSCC) Name() string { return "cscc" }

// Invoke runs one function.
func (s *CSCC) Invoke(ctx context.Context, c *chaincode.Call) *peerpb.Response {
	args := c.Input.GetArgs()
	if len(args) == 0 || (len(args) < 2 && string(args[0]) != "GetChannels") {
		return failure("Incorrect number of arguments, %d", len(args))
	}
	function := string(args[0])
	switch function {
	case "JoinChain":
		return s.join(ctx, c, args[1])
	case "GetChannels":
		return s.channels(c)
	case "GetConfigBlock":
		return s.guarded(c, acl.CsccGetConfigBlock, s.configBlock)
	case "GetConfigTree":
		return s.guarded(c, acl.CsccGetConfigTree, s.configTree)
	case "SimulateConfigTreeUpdate":
		return s.guarded(c, acl.CsccSimulateConfigTreeUpdate, s.simulateUpdate)
	}
	return failure("Requested function %s not found.", function)
}

// guarded runs a function on the channel that the second argument names, for callers that may use resource there.
func (s *CSCC) guarded(c *chaincode.Call, resource string, run func(channelID string, args [][]byte) *peerpb.Response) *peerpb.Response {
	args := c.Input.GetArgs()
	channelID := string(args[1])
	if err := s.ACL.Check(resource, channelID, signed(c)); err != nil {
		return failure("access denied for [%s][%s]: %s", args[0], channelID, err)
	}
	return run(channelID, args)
}

func (s *CSCC) join(ctx context.Context, c *chaincode.Call, raw []byte) *peerpb.Response {
	genesis := &commonpb.Block{}
	if err := wire.Unmarshal(raw, genesis); err != nil {
		return failure("Failed to reconstruct the genesis block, error unmarshaling block: %s", err)
	}
	e, err := firstEnvelope(genesis)
	if err != nil {
		return failure("\"JoinChain\" request failed to extract channel id from the block due to [%s]", err)
	}
	if err := checkGenesis(e); err != nil {
		return failure("\"JoinChain\" for chainID = %s failed because of validation of configuration block, because of %s", e.ChannelID(), err)
	}
	if err := s.ACL.CheckResource(acl.CsccJoinChain, signed(c)); err != nil {
		return failure("access denied for [JoinChain][%s]: [%s]", e.ChannelID(), err)
	}
	return answer(nil, s.Channels.Join(ctx, genesis))
}

func firstEnvelope(b *commonpb.Block) (*tx.Envelope, error) {
	if len(b.GetData().GetData()) == 0 {
		return nil, errors.New("failed to retrieve channel id - block is empty")
	}
	return tx.ParseEnvelope(b.Data.Data[0])
}

// checkGenesis asks of a channel's first block what Fabric asks: a configuration with an Application group.
func checkGenesis(e *tx.Envelope) error {
	if e.Type() != commonpb.HeaderType_CONFIG {
		return fmt.Errorf("Bad configuration envelope: invalid type %s, expected %s", e.Type(), commonpb.HeaderType_CONFIG)
	}
	config := &commonpb.ConfigEnvelope{}
	if err := proto.Unmarshal(e.Data, config); err != nil {
		return fmt.Errorf("Bad configuration envelope: error unmarshaling message for type CONFIG: %w", err)
	}
	groups := config.GetConfig().GetChannelGroup().GetGroups()
	switch {
	case config.Config == nil:
		return errors.New("Nil config envelope Config")
	case config.Config.ChannelGroup == nil:
		return errors.New("Nil channel group")
	case groups == nil:
		return errors.New("No channel configuration groups are available")
	case groups["Application"] == nil:
		return errors.New("Invalid configuration block, missing Application configuration group")
	}
	return nil
}

func (s *CSCC) channels(c *chaincode.Call) *peerpb.Response {
	if err := s.ACL.CheckResource(acl.CsccGetChannels, signed(c)); err != nil {
		return failure("access denied for [GetChannels]: %s", err)
	}
	r := &peerpb.ChannelQueryResponse{}
	for _, id := range s.Channels.IDs() {
		r.Channels = append(r.Channels, &peerpb.ChannelInfo{ChannelId: id})
	}
	return answer(wire.Marshal(r))
}

func (s *CSCC) configBlock(channelID string, _ [][]byte) *peerpb.Response {
	l, ok := s.Channels.Ledger(channelID)
	if !ok {
		return failure("Unknown chain ID, %s", channelID)
	}
	return answer(newestConfigBlock(l))
}

// newestConfigBlock is the last configuration block of the chain, encoded.
func newestConfigBlock(l *ledger.Ledger) ([]byte, error) {
	tip, err := l.Block(math.MaxUint64)
	if err != nil {
		return nil, fmt.Errorf("reading the last block: %w", err)
	}
	n, err := block.LastConfig(tip)
	if err != nil {
		return nil, err
	}
	return l.RawBlock(n)
}

func (s *CSCC) configTree(channelID string, _ [][]byte) *peerpb.Response {
	b, ok := s.Channels.Bundle(channelID)
	if !ok {
		return failure("Unknown chain ID, %s", channelID)
	}
	return answer(wire.Marshal(&peerpb.ConfigTree{ChannelConfig: b.Config()}))
}

// simulateUpdate tells whether a signed configuration update would be accepted.
func (s *CSCC) simulateUpdate(channelID string, args [][]byte) *peerpb.Response {
	if len(args) < 3 || len(args[2]) == 0 {
		return failure("Config delta bytes must not be nil")
	}
	b, ok := s.Channels.Bundle(channelID)
	if !ok {
		return failure("Unknown chain ID, %s", channelID)
	}
	e, err := tx.ParseEnvelope(args[2])
	if err != nil {
		return failure("%s", err)
	}
	if e.Type() != commonpb.HeaderType_CONFIG_UPDATE {
		return failure("invalid payload header type: %d", e.Type())
	}
	if _, err := b.ProposeUpdate(&commonpb.Envelope{Payload: e.Payload, Signature: e.Signature}); err != nil {
		return failure("%s", err)
	}
	return success([]byte("Simulation is successful"))
}
