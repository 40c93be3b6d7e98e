package raft

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
)

// Options configure the consenters of a node. All fields but Metrics, TickInterval and FailPoint must be set.
type Options struct {
	Store *Store
	// ServerCert is the PEM certificate that the node shows to its peers; the consenter set of a channel that opens is searched for its public key.
	ServerCert func() []byte
	Mode       orderer.BatchCutting
	// TickInterval overrides the channel's tick interval.
	TickInterval time.Duration
	Metrics      *Metrics
	// FailPoint, for crash tests, is called between durable steps with the name of the step just done.
	FailPoint func(step string)
}

// defaultSnapshotInterval is how many bytes of entries make a snapshot if the channel's configuration does not say.
const defaultSnapshotInterval = 16 << 20

// aloneSnapshotInterval is the most that the log of a node that orders alone grows by until it is begun anew: nobody else will ever ask for it. The disk
// holds the former one as well.
const aloneSnapshotInterval = 16 << 20

// keepEntries is how many applied entries stay in memory, for followers that lag a little.
const keepEntries = 4

// New gives consenters of type "etcdraft".
func New(o Options) orderer.NewConsenter {
	if o.FailPoint == nil {
		o.FailPoint = func(string) {}
	}
	return func(ctx context.Context, c *orderer.Channel) (orderer.Consenter, error) {
		n, err := newNode(o, c)
		if refusal := (*notServed)(nil); errors.As(err, &refusal) {
			c.Log().Warn("this node does not order the channel", "reason", refusal)
			return refusal.consenter(), nil
		}
		if err != nil {
			return nil, err
		}
		n.start(ctx)
		return n, nil
	}
}

// notServed says why this node does not order a channel. Its blocks can still be read.
type notServed struct{ reason string }

func (e *notServed) Error() string { return e.reason }

func (e *notServed) consenter() orderer.Consenter {
	i := orderer.NewInlet()
	i.Stop(e)
	return inactive{i}
}

type inactive struct{ *orderer.Inlet }

func (inactive) Close() error { return nil }

// settings are what the channel's configuration and last block say.
type settings struct {
	id               uint64
	meta             *etcdraftpb.BlockMetadata // of the last block, or of a channel that has just been created
	tick             time.Duration
	electionTick     int
	heartbeatTick    int
	maxInFlight      int
	maxMessage       uint64
	snapshotInterval uint64
}

func readSettings(o Options, c *orderer.Channel) (*settings, error) {
	conf, _ := c.Bundle().Orderer() // a channel without it would not have been opened
	m := &etcdraftpb.ConfigMetadata{}
	if err := proto.Unmarshal(conf.ConsensusMetadata, m); err != nil {
		return nil, fmt.Errorf("failed to unmarshal consensus metadata: %w", err)
	}
	if m.Options == nil {
		return nil, errors.New("etcdraft options have not been provided")
	}
	if err := checkMetadata(m); err != nil {
		return nil, err
	}
	value, err := c.ConsenterMetadata()
	if err != nil {
		return nil, fmt.Errorf("failed to read Raft metadata: %w", err)
	}
	s := &settings{
		tick:             o.TickInterval,
		electionTick:     int(m.Options.ElectionTick),
		heartbeatTick:    int(m.Options.HeartbeatTick),
		maxInFlight:      int(m.Options.MaxInflightBlocks),
		maxMessage:       uint64(conf.BatchSize.GetPreferredMaxBytes()),
		snapshotInterval: uint64(m.Options.SnapshotIntervalSize),
	}
	if s.meta, err = blockMetadata(value, m); err != nil {
		return nil, err
	}
	if s.tick > 0 {
		c.Log().Info(fmt.Sprintf("TickIntervalOverride is set, overriding channel configuration tick interval to %v", s.tick))
	} else {
		if s.tick, err = time.ParseDuration(m.Options.TickInterval); err != nil {
			return nil, fmt.Errorf("failed to parse TickInterval (%s) to time duration", m.Options.TickInterval)
		}
	}
	if s.snapshotInterval == 0 {
		s.snapshotInterval = defaultSnapshotInterval
	}
	if len(m.Consenters) == 1 {
		s.snapshotInterval = min(s.snapshotInterval, aloneSnapshotInterval)
	}
	s.id, err = self(o.ServerCert(), s.meta, m, c.ID())
	return s, err
}

// blockMetadata decodes what the last block carries; a channel without such a block numbers its consenters from 1.
func blockMetadata(value []byte, m *etcdraftpb.ConfigMetadata) (*etcdraftpb.BlockMetadata, error) {
	meta := &etcdraftpb.BlockMetadata{}
	if value != nil {
		if err := proto.Unmarshal(value, meta); err != nil {
			return nil, fmt.Errorf("failed to read Raft metadata: failed to unmarshal block's metadata: %w", err)
		}
		if len(meta.ConsenterIds) != len(m.Consenters) {
			return nil, fmt.Errorf("the last block numbers %d consenters, the channel's configuration has %d", len(meta.ConsenterIds), len(m.Consenters))
		}
		return meta, nil
	}
	for range m.Consenters {
		meta.NextConsenterId++
		meta.ConsenterIds = append(meta.ConsenterIds, meta.NextConsenterId)
	}
	meta.NextConsenterId++
	return meta, nil
}

// self is this node's id: that of the consenter whose server certificate has our public key.
func self(cert []byte, meta *etcdraftpb.BlockMetadata, m *etcdraftpb.ConfigMetadata, channel string) (uint64, error) {
	if len(cert) == 0 {
		return 0, errors.New("TLS is required for running ordering nodes of type etcdraft.")
	}
	own, err := publicKey(cert)
	if err != nil {
		return 0, fmt.Errorf("this node's TLS certificate: %w", err)
	}
	for i, c := range m.Consenters {
		key, err := publicKey(c.GetServerTlsCert())
		if err != nil {
			return 0, fmt.Errorf("TLS certificate of consenter %s:%d: %w", c.GetHost(), c.GetPort(), err)
		}
		if !bytes.Equal(key, own) {
			continue
		}
		if len(m.Consenters) > 1 {
			return 0, &notServed{fmt.Sprintf("channel %s has %d consenters; this orderer can only order alone", channel, len(m.Consenters))}
		}
		return meta.ConsenterIds[i], nil
	}
	return 0, &notServed{fmt.Sprintf("channel %s is not serviced by me", channel)}
}

// publicKey is the encoded public key of a PEM certificate.
func publicKey(cert []byte) ([]byte, error) {
	block, _ := pem.Decode(cert)
	if block == nil {
		return nil, errors.New("invalid PEM block")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	return parsed.RawSubjectPublicKeyInfo, nil
}
