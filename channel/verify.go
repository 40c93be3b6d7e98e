package channel

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// Verify checks that a block is this channel's and that its signatures satisfy the channel's policy for blocks. That its data matches its header
// is for block.Check to say. While a configuration block is on its way through the pipeline, Verify waits for it.
func (c *Channel) Verify(b *commonpb.Block) error {
	c.mu.Lock()
	barrier := c.barrier
	c.mu.Unlock()
	if err := c.ledger.Wait(c.running, barrier); err != nil {
		return c.stopped()
	}
	return verify(b, c.Bundle())
}

func verify(b *commonpb.Block, bundle *channelconfig.Bundle) error {
	n := b.GetHeader().GetNumber()
	id, err := channelOf(b)
	if err != nil {
		return fmt.Errorf("Failed getting channel id from block with id [%d] on channel [%s]: [%w]", n, bundle.ChannelID(), err)
	}
	if id != bundle.ChannelID() {
		return fmt.Errorf("Invalid block's channel id. Expected [%s]. Given [%s]", bundle.ChannelID(), id)
	}
	metadata, err := block.Metadata(b, commonpb.BlockMetadataIndex_SIGNATURES)
	if err != nil {
		return fmt.Errorf("Failed unmarshalling medatata for signatures [%w]", err)
	}
	header := block.HeaderBytes(b.Header)
	signed := make([]policy.SignedData, len(metadata.Signatures))
	for i, s := range metadata.Signatures {
		h := &commonpb.SignatureHeader{}
		if err := wire.UnmarshalAs14(s.GetSignatureHeader(), h); err != nil {
			return fmt.Errorf("Failed unmarshalling signature header for block with id [%d] on channel [%s]: [%w]", n, id, err)
		}
		var data []byte
		for _, part := range [][]byte{metadata.Value, s.SignatureHeader, header} {
			data = append(data, part...)
		}
		signed[i] = policy.SignedData{Data: data, Identity: h.Creator, Signature: s.Signature}
	}
	p, _ := bundle.Policy(channelconfig.PolicyBlockValidation)
	if err := p.Evaluate(signed); err != nil {
		return fmt.Errorf("block [%d] on channel [%s]: policy %s: %w", n, id, channelconfig.PolicyBlockValidation, err)
	}
	return nil
}

// channelOf is the channel that the first envelope of a block names. Nothing else of the envelope has to make sense.
func channelOf(b *commonpb.Block) (string, error) {
	if len(b.GetData().GetData()) == 0 {
		return "", errors.New("failed to retrieve channel id - block is empty")
	}
	envelope, payload, header := &commonpb.Envelope{}, &commonpb.Payload{}, &commonpb.ChannelHeader{}
	if err := wire.UnmarshalAs14(b.Data.Data[0], envelope); err != nil {
		return "", fmt.Errorf("error unmarshaling Envelope: %w", err)
	}
	if err := wire.UnmarshalAs14(envelope.Payload, payload); err != nil {
		return "", fmt.Errorf("error unmarshaling Payload: %w", err)
	}
	if payload.Header == nil {
		return "", errors.New("failed to retrieve channel id - payload header is empty")
	}
	if err := wire.UnmarshalAs14(payload.Header.ChannelHeader, header); err != nil {
		return "", fmt.Errorf("error unmarshaling ChannelHeader: %w", err)
	}
	return header.ChannelId, nil
}
