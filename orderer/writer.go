package orderer

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Append gives b its place in the chain: a configuration in it takes effect, its metadata is filled in and signed, and it goes into the
// block file. It is neither durable nor visible before Commit. consenterMetadata is what the consenter wants to find in the last block after
// a restart; nil if nothing.
//
// An error means that the chain cannot go on: the consenter must stop.
func (c *Channel) Append(b *commonpb.Block, consenterMetadata []byte) error {
	if b.GetHeader().GetNumber() != c.tip.GetNumber()+1 || !bytes.Equal(b.GetHeader().GetPreviousHash(), block.HeaderHash(c.tip)) {
		return fmt.Errorf("channel %s: block [%d] does not follow block [%d]", c.id, b.GetHeader().GetNumber(), c.tip.GetNumber())
	}
	next, err := c.configured(b)
	if err != nil {
		return fmt.Errorf("channel %s: configuration block [%d]: %w", c.id, b.Header.Number, err)
	}
	lastConfig := c.lastConfig
	if next != nil {
		lastConfig = b.Header.Number
		if c.consensusType() != consensusType(next) {
			consenterMetadata = nil // it would mean nothing to the next consenter
		}
	}
	if err := Sign(c.registry.o.Signer(), b, lastConfig, consenterMetadata); err != nil {
		return fmt.Errorf("channel %s: signing block [%d]: %w", c.id, b.Header.Number, err)
	}
	began := time.Now()
	if err := c.blocks.AppendNoSync(b); err != nil {
		return fmt.Errorf("channel %s: writing block [%d]: %w", c.id, b.Header.Number, err)
	}
	c.registry.o.Metrics.stored(c.id, time.Since(began))
	c.registry.o.FailPoint("append")
	c.tip, c.lastConfig = b.Header, lastConfig
	if next != nil {
		c.bundle.Store(next)
		c.registry.configured(next)
	}
	return nil
}

// Commit makes the appended blocks visible to Deliver. With sync it makes them durable first; without, the caller answers for it that they
// would come back after a crash.
func (c *Channel) Commit(sync bool) error {
	if sync {
		if err := c.Sync(); err != nil {
			return err
		}
		c.registry.o.FailPoint("sync")
	}
	height := c.tip.GetNumber() + 1
	c.height.Store(height)
	c.registry.o.Metrics.height(c.id, height)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// Sync makes the appended blocks durable.
func (c *Channel) Sync() error {
	if err := c.blocks.Sync(); err != nil {
		return fmt.Errorf("channel %s: syncing the block file: %w", c.id, err)
	}
	return nil
}

// configured looks into a block for a configuration transaction, which stands alone in its block. It returns the channel's next
// configuration, or nil if b does not change it; a transaction that creates another channel creates it.
func (c *Channel) configured(b *commonpb.Block) (*channelconfig.Bundle, error) {
	if len(b.GetData().GetData()) != 1 {
		return nil, nil
	}
	e, err := tx.ParseEnvelope(b.Data.Data[0])
	if err != nil {
		return nil, nil // a message that no rule asks to be more than it is
	}
	switch e.Type() {
	case commonpb.HeaderType_ORDERER_TRANSACTION:
		if c.id != c.registry.SystemChannelID() {
			return nil, errors.New("only the system channel creates channels")
		}
		inner := &commonpb.Envelope{}
		if err := proto.Unmarshal(e.Data, inner); err != nil {
			return nil, fmt.Errorf("error unmarshaling the new channel's Envelope: %w", err)
		}
		return nil, c.registry.create(inner)
	case commonpb.HeaderType_CONFIG:
		envelope := &commonpb.ConfigEnvelope{}
		if err := proto.Unmarshal(e.Data, envelope); err != nil {
			return nil, fmt.Errorf("error unmarshaling ConfigEnvelope: %w", err)
		}
		next, err := c.Bundle().Apply(envelope)
		if err != nil {
			return nil, err
		}
		return next, next.OrdererSupports()
	default:
		return nil, nil
	}
}

// Sign fills the metadata slots of a block as 1.4.12 does:
//
//	ORDERER      Metadata{value: consenterMetadata}, empty without any
//	LAST_CONFIG  Metadata{value: LastConfig{index}}, unsigned
//	SIGNATURES   Metadata{value: OrdererBlockMetadata{last config, the bytes of slot ORDERER}, one signature}
//
// The signature covers the value, the signature header and the block header's DER form.
func Sign(signer tx.Signer, b *commonpb.Block, lastConfig uint64, consenterMetadata []byte) error {
	last := &commonpb.LastConfig{Index: lastConfig}
	if consenterMetadata != nil {
		if err := block.SetMetadata(b, commonpb.BlockMetadataIndex_ORDERER, &commonpb.Metadata{Value: consenterMetadata}); err != nil {
			return err
		}
	}
	if err := block.SetMetadata(b, commonpb.BlockMetadataIndex_LAST_CONFIG, &commonpb.Metadata{Value: wire.MustMarshal(last)}); err != nil {
		return err
	}
	value := wire.MustMarshal(&commonpb.OrdererBlockMetadata{
		LastConfig:        last,
		ConsenterMetadata: b.Metadata.Metadata[commonpb.BlockMetadataIndex_ORDERER],
	})
	nonce := make([]byte, 24)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	header := wire.MustMarshal(&commonpb.SignatureHeader{Creator: signer.Creator(), Nonce: nonce})
	signature, err := signer.Sign(bytes.Join([][]byte{value, header, block.HeaderBytes(b.Header)}, nil))
	if err != nil {
		return err
	}
	return block.SetMetadata(b, commonpb.BlockMetadataIndex_SIGNATURES, &commonpb.Metadata{
		Value:      value,
		Signatures: []*commonpb.MetadataSignature{{SignatureHeader: header, Signature: signature}},
	})
}

// ConsenterMetadata is what the consenter gave with the channel's last appended block; nil if nothing.
func (c *Channel) ConsenterMetadata() ([]byte, error) {
	last, err := c.blocks.Block(c.tip.GetNumber())
	if err != nil {
		return nil, err
	}
	m, err := block.Metadata(last, commonpb.BlockMetadataIndex_ORDERER)
	if err != nil {
		return nil, err
	}
	if len(m.Value) == 0 {
		return nil, nil
	}
	return m.Value, nil
}

func (c *Channel) consensusType() string { return consensusType(c.Bundle()) }

func consensusType(b *channelconfig.Bundle) string {
	o, ok := b.Orderer()
	if !ok {
		return ""
	}
	return o.ConsensusType
}
