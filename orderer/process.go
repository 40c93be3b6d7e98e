package orderer

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// process decides what becomes of an envelope for this channel or, at the system channel, for one that does not exist.
func (c *Channel) process(e *tx.Envelope) (*Message, error) {
	switch e.Type() {
	case commonpb.HeaderType_CONFIG, commonpb.HeaderType_ORDERER_TRANSACTION:
		return nil, errors.New("message is of type that cannot be processed directly")
	case commonpb.HeaderType_CONFIG_UPDATE:
		return c.update(e)
	default:
		return c.judge(e)
	}
}

// judge decides whether a message that is no configuration may be ordered.
func (c *Channel) judge(e *tx.Envelope) (*Message, error) {
	if e.ChannelID() != c.id {
		return nil, ErrChannelDoesNotExist // only the system channel sees foreign ids
	}
	b := c.Bundle()
	if err := c.rules(b).normal(e); err != nil {
		return nil, err
	}
	return message(e, false, b.Sequence())
}

// update applies a config update to the channel, or creates the channel it names, and returns the configuration transaction to order.
func (c *Channel) update(e *tx.Envelope) (*Message, error) {
	if e.ChannelID() != c.id {
		return c.newChannel(e)
	}
	b := c.Bundle() // read once: if it changes, the sequence tells the consenter to judge again
	rules := c.rules(b)
	if err := rules.any(e); err != nil {
		return nil, fmt.Errorf("config update for existing channel did not pass initial checks: %w", err)
	}
	next, err := b.ProposeUpdate(e.Envelope())
	if err == nil {
		_, err = b.Next(next.Config)
	}
	if err != nil {
		return nil, fmt.Errorf("error applying config update to existing channel '%s': %w", c.id, err)
	}
	env, err := c.wrap(commonpb.HeaderType_CONFIG, c.id, next)
	if err != nil {
		return nil, err
	}
	made, err := tx.FromEnvelope(env)
	if err != nil {
		return nil, err
	}
	// Once more, on what will be ordered: it must not be too large, and this orderer must be allowed to write.
	if err := rules.any(made); err != nil {
		return nil, fmt.Errorf("config update for existing channel did not pass final checks: %w", err)
	}
	if err := b.CheckMaintenance(next); err != nil {
		return nil, fmt.Errorf("config update for existing channel did not pass maintenance checks: config transaction inspection failed: %w", err)
	}
	return message(made, true, b.Sequence())
}

// newChannel makes the transaction by which the system channel c creates the channel that e names.
func (c *Channel) newChannel(e *tx.Envelope) (*Message, error) {
	b := c.Bundle()
	if err := c.rules(b).size(e); err != nil { // anybody may ask for a channel, so before its contents are looked at
		return nil, err
	}
	template, err := channelconfig.NewChannelTemplate(b, e.Envelope())
	if err != nil {
		return nil, err
	}
	next, err := template.ProposeUpdate(e.Envelope())
	if err != nil {
		return nil, fmt.Errorf("error validating channel creation transaction for new channel '%s', could not succesfully apply update to template configuration: %w", e.ChannelID(), err)
	}
	inner, err := c.wrap(commonpb.HeaderType_CONFIG, e.ChannelID(), next)
	if err != nil {
		return nil, err
	}
	env, err := c.wrap(commonpb.HeaderType_ORDERER_TRANSACTION, c.id, inner)
	if err != nil {
		return nil, err
	}
	made, err := tx.FromEnvelope(env)
	if err != nil {
		return nil, err
	}
	if err := c.rules(b).any(made); err != nil {
		return nil, err
	}
	return message(made, true, b.Sequence())
}

// judgeCreation holds the configuration inside a channel creation e against what the system channel's present configuration makes of the
// update inside it.
func (c *Channel) judgeCreation(e *tx.Envelope) error {
	o, _ := c.Bundle().Orderer()                                              // an open channel has it
	if most := o.MaxChannels; most > 0 && uint64(c.registry.count()) > most { // the system channel counts, so "more than"
		return fmt.Errorf("channel creation would exceed maximimum number of channels: %d", most)
	}
	if o.ConsensusState != ordererpb.ConsensusType_STATE_NORMAL {
		return fmt.Errorf("channel creation is not permitted: %w", ErrMaintenanceMode)
	}
	inner := &commonpb.Envelope{}
	if err := proto.Unmarshal(e.Data, inner); err != nil {
		return fmt.Errorf("payload data error unmarshaling to envelope: %w", err)
	}
	envelope, err := configEnvelope(inner)
	if err != nil {
		return err
	}
	template, err := channelconfig.NewChannelTemplate(c.Bundle(), envelope.LastUpdate)
	if err != nil {
		return fmt.Errorf("error constructing new channel config from update: %w", err)
	}
	want, err := template.ProposeUpdate(envelope.LastUpdate)
	if err != nil {
		return fmt.Errorf("error proposing channel update to new channel config: %w", err)
	}
	if !proto.Equal(want, envelope) {
		return errors.New("config proposed by the channel creation request did not match the config received with the channel creation request")
	}
	if _, err := template.Next(want.Config); err != nil {
		return fmt.Errorf("new bundle invalid: %w", err)
	}
	return nil
}

// Rejudge returns m if the channel's configuration is still the one m was judged by, or else judges it again: a configuration is computed
// anew from the update inside it.
func (c *Channel) Rejudge(m *Message) (*Message, error) {
	if m.Sequence >= c.Sequence() {
		return m, nil
	}
	e, err := tx.FromEnvelope(m.Envelope)
	if err != nil {
		return nil, err
	}
	if !m.Config {
		return c.judge(e)
	}
	inner := m.Envelope
	if e.Type() == commonpb.HeaderType_ORDERER_TRANSACTION {
		inner = &commonpb.Envelope{}
		if err := proto.Unmarshal(e.Data, inner); err != nil {
			return nil, fmt.Errorf("error unmarshaling the new channel's Envelope: %w", err)
		}
	}
	envelope, err := configEnvelope(inner)
	if err != nil {
		return nil, err
	}
	update, err := tx.FromEnvelope(envelope.LastUpdate)
	if err != nil {
		return nil, err
	}
	return c.update(update)
}

// Dropped logs that a message which was answered with SUCCESS will not be ordered.
func (c *Channel) Dropped(err error) {
	c.log.Warn("dropping a message that is no longer good under the channel's new configuration", "err", err)
}

// configEnvelope opens an envelope of type CONFIG. Its LastUpdate is never nil.
func configEnvelope(env *commonpb.Envelope) (*commonpb.ConfigEnvelope, error) {
	e, err := tx.FromEnvelope(env)
	if err != nil {
		return nil, fmt.Errorf("wrapped configtx envelope: %w", err)
	}
	if e.Type() != commonpb.HeaderType_CONFIG {
		return nil, errors.New("wrapped configtx envelope not a config transaction")
	}
	envelope := &commonpb.ConfigEnvelope{}
	if err := proto.Unmarshal(e.Data, envelope); err != nil {
		return nil, fmt.Errorf("error unmarshalling wrapped configtx config envelope from payload: %w", err)
	}
	if envelope.LastUpdate == nil {
		return nil, errors.New("updated config does not include a config update")
	}
	return envelope, nil
}

// wrap makes a transaction signed by this orderer.
func (c *Channel) wrap(kind commonpb.HeaderType, channel string, data proto.Message) (*commonpb.Envelope, error) {
	return tx.NewEnvelope(c.registry.o.Signer(), &commonpb.ChannelHeader{
		Type:      int32(kind),
		ChannelId: channel,
		Timestamp: &timestamppb.Timestamp{Seconds: c.registry.o.Now().Unix()},
	}, data)
}

// message is what is ordered of e, whose Raw is nil or canonical.
func message(e *tx.Envelope, config bool, sequence uint64) (*Message, error) {
	m := &Message{Envelope: e.Envelope(), Raw: e.Raw, Config: config, Sequence: sequence}
	if m.Raw != nil {
		return m, nil
	}
	var err error
	m.Raw, err = wire.Marshal(m.Envelope)
	return m, err
}
