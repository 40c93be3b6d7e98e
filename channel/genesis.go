package channel

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// checkGenesis reads the configuration in a channel's first block, and refuses one that this peer could not follow.
func checkGenesis(genesis *commonpb.Block) (*channelconfig.Bundle, error) {
	if err := block.Check(genesis); err != nil {
		return nil, err
	}
	if genesis.Header.Number != 0 {
		return nil, fmt.Errorf("cannot create ledger from genesis block: block number should have been 0 but was %d", genesis.Header.Number)
	}
	bundle, err := channelconfig.FromBlock(genesis)
	if err != nil {
		return nil, err
	}
	if err := bundle.PeerSupports(); err != nil {
		return nil, err
	}
	if _, ok := bundle.Orderer(); !ok {
		return nil, errors.New("no orderer config in bundle")
	}
	if len(bundle.OrdererAddresses()) == 0 {
		return nil, errors.New("no ordering service endpoint provided in configuration block")
	}
	return bundle, nil
}

// judgeGenesis takes the genesis block's only transaction for valid: there is no configuration yet to judge it by.
func judgeGenesis(genesis *commonpb.Block) (*ledger.Block, error) {
	e, err := tx.ParseEnvelope(genesis.Data.Data[0])
	if err != nil {
		return nil, err
	}
	if e.Type() != commonpb.HeaderType_CONFIG {
		return nil, fmt.Errorf("Bad configuration envelope: invalid type %s, expected %s", e.Type(), commonpb.HeaderType_CONFIG)
	}
	writes, err := ledger.ConfigRWSet(e)
	if err != nil {
		return nil, err
	}
	return &ledger.Block{Block: genesis, Txs: []ledger.Tx{{ID: e.TxID(), Type: e.Type(), Code: peerpb.TxValidationCode_VALID, RWSet: writes}}}, nil
}

func storedConfig(s *ledger.Snapshot) (*commonpb.Config, error) {
	raw, err := s.Get("", ledger.ConfigKey)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, errors.New("there is none")
	}
	config := &commonpb.Config{}
	return config, wire.UnmarshalAs14(raw, config)
}
