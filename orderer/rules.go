package orderer

import (
	"errors"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Errors that have a status of their own; everything else is BAD_REQUEST. Their texts are Fabric's.
var (
	ErrChannelDoesNotExist = errors.New("channel does not exist")
	ErrPermissionDenied    = errors.New("permission denied")
	ErrMaintenanceMode     = errors.New("maintenance mode")
)

// rules judges one message by one configuration.
type rules struct {
	bundle   *channelconfig.Bundle
	orderer  *channelconfig.Orderer
	now      time.Time
	noExpiry bool
	// newChannel is set on the system channel: it judges a transaction that creates a channel.
	newChannel func(*tx.Envelope) error
}

func (c *Channel) rules(b *channelconfig.Bundle) *rules {
	o, _ := b.Orderer() // an open channel has it
	r := &rules{bundle: b, orderer: o, now: c.registry.o.Now(), noExpiry: c.registry.o.NoExpirationChecks}
	if c.registry.system() == c {
		r.newChannel = c.judgeCreation
	}
	return r
}

// normal judges a message that is no configuration.
func (r *rules) normal(e *tx.Envelope) error {
	if r.orderer.Capabilities.ConsensusTypeMigration && r.orderer.ConsensusState != ordererpb.ConsensusType_STATE_NORMAL {
		return fmt.Errorf("normal transactions are rejected: %w", ErrMaintenanceMode)
	}
	return r.any(e)
}

// any judges every message, in Fabric's order.
func (r *rules) any(e *tx.Envelope) error {
	if len(e.Payload) == 0 {
		return errors.New("Message was empty")
	}
	if err := r.size(e); err != nil {
		return err
	}
	if e.Header.Signature == nil { // of a message from outside
		if err := e.ParseSignature(); err != nil {
			return fmt.Errorf("could not convert message to signedData: GetSignatureHeaderFromBytes failed, err %w", errors.Unwrap(err))
		}
	}
	if !r.noExpiry && r.orderer.Capabilities.ExpirationCheck {
		if at := r.expires(e.Creator()); !at.IsZero() && !r.now.Before(at) {
			return errors.New("identity expired")
		}
	}
	if err := satisfy(r.bundle, e, channelWriters, ordererWriters); err != nil {
		return err
	}
	if r.newChannel != nil && e.Type() == commonpb.HeaderType_ORDERER_TRANSACTION {
		return r.newChannel(e)
	}
	return nil
}

// size refuses what no block has room for.
func (r *rules) size(e *tx.Envelope) error {
	if size, most := uint64(len(e.Payload)+len(e.Signature)), uint64(r.orderer.BatchSize.GetAbsoluteMaxBytes()); size > most {
		return fmt.Errorf("message payload is %d bytes and exceeds maximum allowed %d bytes", size, most)
	}
	return nil
}

// expires is when the creator's certificate ends; identities of the channel's MSPs are remembered by their manager.
func (r *rules) expires(creator []byte) time.Time {
	if id, err := r.bundle.MSPs().Identity(creator); err == nil {
		return id.ExpiresAt()
	}
	return msp.ExpiresAt(creator)
}

func inMaintenance(b *channelconfig.Bundle) bool {
	o, ok := b.Orderer()
	return ok && o.ConsensusState == ordererpb.ConsensusType_STATE_MAINTENANCE
}
