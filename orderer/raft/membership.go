package raft

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// checkMetadata holds a channel's etcdraft settings against what raft can work with.
func checkMetadata(m *etcdraftpb.ConfigMetadata) error {
	o := m.GetOptions()
	switch {
	case o == nil:
		return errors.New("nil Raft config metadata options")
	case o.HeartbeatTick == 0 || o.ElectionTick == 0 || o.MaxInflightBlocks == 0:
		return fmt.Errorf("none of HeartbeatTick (%d), ElectionTick (%d) and MaxInflightBlocks (%d) can be zero", o.HeartbeatTick, o.ElectionTick, o.MaxInflightBlocks)
	case o.ElectionTick <= o.HeartbeatTick:
		return fmt.Errorf("ElectionTick (%d) must be greater than HeartbeatTick (%d)", o.ElectionTick, o.HeartbeatTick)
	}
	d, err := time.ParseDuration(o.TickInterval)
	switch {
	case err != nil:
		return fmt.Errorf("failed to parse TickInterval (%s) to time duration: %w", o.TickInterval, err)
	case d <= 0:
		return errors.New("TickInterval cannot be zero")
	case len(m.Consenters) == 0:
		return errors.New("empty consenter set")
	}
	return checkConsenters(m.Consenters)
}

// checkConsenters sees to it that every certificate parses and none belongs to two consenters.
func checkConsenters(consenters []*etcdraftpb.Consenter) error {
	seen := map[string]bool{}
	for _, c := range consenters {
		if c == nil {
			return errors.New("nil consenter in metadata")
		}
		if err := checkCertificate("server", c.ServerTlsCert); err != nil {
			return err
		}
		if err := checkCertificate("client", c.ClientTlsCert); err != nil {
			return err
		}
		if seen[string(c.ServerTlsCert)] || seen[string(c.ClientTlsCert)] {
			return fmt.Errorf("duplicate consenter: server cert: %s, client cert: %s", quoted(c.ServerTlsCert), quoted(c.ClientTlsCert))
		}
		seen[string(c.ServerTlsCert)], seen[string(c.ClientTlsCert)] = true, true
	}
	return nil
}

func checkCertificate(role string, raw []byte) error {
	block, _ := pem.Decode(raw)
	if block == nil {
		return fmt.Errorf("%s TLS certificate is not PEM encoded: %s", role, quoted(raw))
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("%s TLS certificate has invalid ASN1 structure, %w: %s", role, err, quoted(raw))
	}
	return nil
}

// maxQuoted is how many bytes of a certificate an error quotes: more than certificates have, and far less than messages may have.
const maxQuoted = 4096

func quoted(raw []byte) string {
	if len(raw) <= maxQuoted {
		return string(raw)
	}
	return fmt.Sprintf("%s… (%d bytes)", raw[:maxQuoted], len(raw))
}

// checkConfig refuses a configuration transaction that writes consenters with which the channel could not go on: for this channel, any number
// but one; for a new channel, one that is not a consenter of this channel.
func (n *node) checkConfig(m *orderer.Message) error {
	update, creates, err := configUpdate(m.Envelope)
	if err != nil {
		return err
	}
	value, ok := update.GetWriteSet().GetGroups()["Orderer"].GetValues()["ConsensusType"]
	if !ok {
		return nil
	}
	kind, next := &ordererpb.ConsensusType{}, &etcdraftpb.ConfigMetadata{}
	if err := proto.Unmarshal(value.GetValue(), kind); err != nil {
		return fmt.Errorf("failed to unmarshal consensus type: %w", err)
	}
	if err := proto.Unmarshal(kind.Metadata, next); err != nil {
		return fmt.Errorf("failed to unmarshal consensus metadata: %w", err)
	}
	if err := checkMetadata(next); err != nil {
		return err
	}
	known, err := n.consenterCerts()
	if err != nil {
		return err
	}
	if !creates {
		return checkChange(known, next.Consenters)
	}
	for _, c := range next.Consenters {
		if !known[string(c.ClientTlsCert)] {
			return errors.New("new channel has consenter that is not part of system consenter set")
		}
	}
	return nil
}

// checkChange lets consenters, known by their client TLS certificates, stay as they are, or one of them change its certificate.
func checkChange(known map[string]bool, next []*etcdraftpb.Consenter) error {
	added, stay := 0, map[string]bool{}
	for _, c := range next {
		if known[string(c.ClientTlsCert)] {
			stay[string(c.ClientTlsCert)] = true
		} else {
			added++
		}
	}
	removed := len(known) - len(stay)
	switch {
	case added > 1 || removed > 1:
		return fmt.Errorf("update of more than one consenter at a time is not supported, requested changes: add %d node(s), remove %d node(s)", added, removed)
	case added != removed:
		return fmt.Errorf("the update asks for %d consenters; this orderer can only order alone", len(next))
	}
	return nil
}

// consenterCerts are the client TLS certificates of the channel's consenters.
func (n *node) consenterCerts() (map[string]bool, error) {
	conf, _ := n.channel.Bundle().Orderer() // a channel without it would not have been opened
	m := &etcdraftpb.ConfigMetadata{}
	if err := proto.Unmarshal(conf.ConsensusMetadata, m); err != nil {
		return nil, fmt.Errorf("failed to unmarshal consensus metadata: %w", err)
	}
	certs := map[string]bool{}
	for _, c := range m.Consenters {
		certs[string(c.GetClientTlsCert())] = true
	}
	return certs, nil
}

// configUpdate digs the update out of a configuration transaction; creates tells whether it makes a new channel.
func configUpdate(env *commonpb.Envelope) (update *commonpb.ConfigUpdate, creates bool, err error) {
	e, err := tx.FromEnvelope(env)
	if err != nil {
		return nil, false, err
	}
	if creates = e.Type() == commonpb.HeaderType_ORDERER_TRANSACTION; creates {
		inner := &commonpb.Envelope{}
		if err := proto.Unmarshal(e.Data, inner); err != nil {
			return nil, false, fmt.Errorf("error unmarshaling the new channel's Envelope: %w", err)
		}
		if e, err = tx.FromEnvelope(inner); err != nil {
			return nil, false, err
		}
	}
	if e.Type() != commonpb.HeaderType_CONFIG {
		return nil, false, fmt.Errorf("config transaction has unknown header type: %s", e.Type())
	}
	config, signed := &commonpb.ConfigEnvelope{}, &commonpb.ConfigUpdateEnvelope{}
	if err := proto.Unmarshal(e.Data, config); err != nil {
		return nil, false, fmt.Errorf("error unmarshaling ConfigEnvelope: %w", err)
	}
	last, err := tx.FromEnvelope(config.LastUpdate)
	if err != nil {
		return nil, false, err
	}
	if err := proto.Unmarshal(last.Data, signed); err != nil {
		return nil, false, fmt.Errorf("error unmarshaling ConfigUpdateEnvelope: %w", err)
	}
	update = &commonpb.ConfigUpdate{}
	if err := proto.Unmarshal(signed.ConfigUpdate, update); err != nil {
		return nil, false, fmt.Errorf("error unmarshaling ConfigUpdate: %w", err)
	}
	return update, creates, nil
}
