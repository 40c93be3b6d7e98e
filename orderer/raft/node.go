package raft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
)

// node orders one channel.
type node struct {
	*orderer.Inlet
	channel *orderer.Channel
	o       Options
	s       *settings
	log     *channelLog
	metrics *channelMetrics

	toStorage *mailbox[job]
	toApply   *mailbox[*raftpb.Message]
	answers   *mailbox[answer] // to the loop

	mu       sync.Mutex
	proposed []proposal // blocks of this node that may come back committed; spares decoding them

	group  *errgroup.Group
	cancel context.CancelFunc
}

// job is work for the storage goroutine: one of its fields is set.
type job struct {
	write    *raftpb.Message
	snapshot *snapshot
}

// snapshot asks to drop the log up to index.
type snapshot struct {
	index  uint64
	voters *raftpb.ConfState
	tip    *commonpb.BlockHeader
}

// answer is what the storage and apply goroutines tell the loop.
type answer struct {
	steps   []*raftpb.Message // to be stepped into raft
	applied *applied
	dropped bool // the snapshot asked for has been taken
}

// applied says what became of committed entries.
type applied struct {
	index   uint64                // of the last of them
	blocks  int                   // written
	bytes   uint64                // of entry data
	changes []raftpb.ConfChangeI  // to be applied to raft, in order
	tip     *commonpb.BlockHeader // of the block file
}

// proposal is a block this node proposed, as a message and as the entry's data.
type proposal struct {
	block *commonpb.Block
	data  []byte
}

// newNode reads, or begins, the channel's log.
func newNode(o Options, c *orderer.Channel) (*node, error) {
	s, err := readSettings(o, c)
	if err != nil {
		return nil, err
	}
	log, found, err := o.Store.channel(c.ID())
	if err != nil {
		return nil, err
	}
	if !found {
		err = begin(log, c, s)
	}
	if err == nil {
		err = checkReach(c, s, log)
	}
	if err != nil {
		return nil, errors.Join(err, log.close())
	}
	return &node{
		Inlet:     orderer.NewInlet(),
		channel:   c,
		o:         o,
		s:         s,
		log:       log,
		metrics:   o.Metrics.channel(c.ID()),
		toStorage: newMailbox[job](),
		toApply:   newMailbox[*raftpb.Message](),
		answers:   newMailbox[answer](),
	}, nil
}

// begin begins the log of a new channel, or of a block file that came from elsewhere, which continues at the index in its last block.
func begin(log *channelLog, c *orderer.Channel, s *settings) error {
	header, err := wire.Marshal(c.Tip())
	if err != nil {
		return err
	}
	if err := log.bootstrap(max(1, s.meta.RaftIndex), s.meta.ConsenterIds, header); err != nil {
		return fmt.Errorf("beginning the consensus log of channel %s: %w", c.ID(), err)
	}
	return nil
}

// checkReach sees to it that log and block file meet: the log must not begin after the entry that the block file needs next, nor end before the
// entry its last block came from.
func checkReach(c *orderer.Channel, s *settings, log *channelLog) error {
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil {
		return err
	}
	if s.meta.RaftIndex+1 < first {
		snap, err := log.Snapshot()
		if err != nil {
			return err
		}
		header := &commonpb.BlockHeader{}
		if err := proto.Unmarshal(snap.GetData(), header); err != nil {
			return fmt.Errorf("channel %s: snapshot data: %w", c.ID(), err)
		}
		if header.Number > c.Tip().GetNumber() {
			return fmt.Errorf("channel %s: the block file ends with block [%d], but the consensus log begins after block [%d]: blocks between them are lost; restore the block file from a backup or another orderer",
				c.ID(), c.Tip().GetNumber(), header.Number)
		}
	}
	if s.meta.RaftIndex > last {
		return fmt.Errorf("channel %s: the block file ends with entry %d, but the consensus log ends with entry %d: the consensus storage is older than the block file; remove %s to continue from the block file",
			c.ID(), s.meta.RaftIndex, last, log.dir)
	}
	return nil
}

func (n *node) start(ctx context.Context) {
	ctx, n.cancel = context.WithCancel(ctx)
	n.group, ctx = errgroup.WithContext(ctx)
	n.group.Go(func() error { return n.guard(n.loop(ctx)) })
	n.group.Go(func() error { return n.guard(n.storage(ctx)) })
	n.group.Go(func() error { return n.guard(n.apply(ctx)) })
}

// guard makes Order fail once a goroutine has.
func (n *node) guard(err error) error {
	if err != nil && !errors.Is(err, context.Canceled) {
		n.channel.Log().Error("ordering has stopped", "err", err)
		n.Stop(err)
	}
	return err
}

// Close orders and writes what was taken in.
func (n *node) Close() error {
	n.Stop(orderer.ErrStopped)
	err := n.group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, n.log.close())
}

// Order takes a message in. A configuration must not ask for consenters that this node cannot work with.
func (n *node) Order(ctx context.Context, m *orderer.Message) error {
	if m.Config {
		if err := n.checkConfig(m); err != nil {
			return err
		}
	}
	n.metrics.received(m.Config)
	return n.Inlet.Order(ctx, m)
}

// rejudge is Channel.Rejudge and, for a configuration that was computed anew, checkConfig.
func (n *node) rejudge(m *orderer.Message) (*orderer.Message, error) {
	judged, err := n.channel.Rejudge(m)
	if err != nil || judged == m || !judged.Config {
		return judged, err
	}
	return judged, n.checkConfig(judged)
}

// storage does the jobs in order; writes that wait together share one fsync.
func (n *node) storage(ctx context.Context) error {
	for {
		select {
		case <-n.toStorage.filled:
		case <-ctx.Done():
			return ctx.Err()
		}
		var writes []*raftpb.Message
		for _, j := range n.toStorage.take() {
			if j.write != nil {
				writes = append(writes, j.write)
				continue
			}
			if err := n.persist(writes); err != nil {
				return err
			}
			if err := n.drop(j.snapshot); err != nil {
				return err
			}
			writes = nil
		}
		if err := n.persist(writes); err != nil {
			return err
		}
	}
}

func (n *node) persist(writes []*raftpb.Message) error {
	if len(writes) == 0 {
		return nil
	}
	defer n.metrics.persisted()()
	if err := n.log.write(writes); err != nil {
		return fmt.Errorf("writing the consensus log: %w", err)
	}
	n.o.FailPoint("log")
	a := answer{}
	for _, m := range writes {
		a.steps = append(a.steps, m.GetResponses()...)
	}
	n.answers.put(a)
	return nil
}

// drop takes a snapshot. The block file must hold what the log forgets.
func (n *node) drop(s *snapshot) error {
	if err := n.channel.Sync(); err != nil {
		return err
	}
	n.o.FailPoint("snapshot-sync")
	header, err := wire.Marshal(s.tip)
	if err != nil {
		return err
	}
	if err := n.log.snapshot(s.index, s.voters, header); err != nil {
		return fmt.Errorf("taking a snapshot of the consensus log: %w", err)
	}
	n.o.FailPoint("snapshot")
	n.metrics.snapshot(s.tip.GetNumber())
	n.answers.put(answer{dropped: true})
	return nil
}

// apply writes the blocks of committed entries.
func (n *node) apply(ctx context.Context) error {
	at := n.s.meta.RaftIndex // entries up to here are in the block file
	for {
		select {
		case <-n.toApply.filled:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, m := range n.toApply.take() {
			done := &applied{}
			for _, e := range m.GetEntries() {
				if err := n.applyEntry(e, at, done); err != nil {
					return fmt.Errorf("entry %d: %w", e.GetIndex(), err)
				}
			}
			if done.blocks > 0 {
				if err := n.channel.Commit(false); err != nil { // the log is durable
					return err
				}
				n.o.FailPoint("commit")
				n.metrics.committed(n.channel.Tip().GetNumber())
			}
			done.tip = n.channel.Tip()
			n.answers.put(answer{steps: m.GetResponses(), applied: done})
		}
	}
}

func (n *node) applyEntry(e *raftpb.Entry, at uint64, done *applied) error {
	done.index = e.GetIndex()
	done.bytes += uint64(len(e.GetData()))
	switch e.GetType() {
	case raftpb.EntryConfChange:
		change := &raftpb.ConfChange{}
		done.changes = append(done.changes, change)
		return proto.Unmarshal(e.GetData(), change)
	case raftpb.EntryConfChangeV2:
		change := &raftpb.ConfChangeV2{}
		done.changes = append(done.changes, change)
		return proto.Unmarshal(e.GetData(), change)
	}
	if len(e.GetData()) == 0 || e.GetIndex() <= at {
		return nil // the empty entry of a new leader; a block written before the last restart
	}
	b, err := n.block(e.GetData())
	if err != nil {
		return err
	}
	meta := &etcdraftpb.BlockMetadata{ConsenterIds: n.s.meta.ConsenterIds, NextConsenterId: n.s.meta.NextConsenterId, RaftIndex: e.GetIndex()}
	value, err := wire.Marshal(meta)
	if err != nil {
		return err
	}
	if err := n.channel.Append(b, value); err != nil {
		return err
	}
	done.blocks++
	return nil
}

// block is the block whose encoding is data: the very one this node proposed, if it did, which need not be decoded.
func (n *node) block(data []byte) (*commonpb.Block, error) {
	if b := n.own(data); b != nil {
		return b, nil
	}
	b := &commonpb.Block{}
	if err := proto.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("decoding a block: %w", err)
	}
	return b, nil
}

// own takes the proposal with the data, and those before it, which will not come any more, off the list.
func (n *node) own(data []byte) *commonpb.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, p := range n.proposed {
		if bytes.Equal(p.data, data) {
			n.proposed = slices.Delete(n.proposed, 0, i+1)
			return p.block
		}
	}
	return nil
}
