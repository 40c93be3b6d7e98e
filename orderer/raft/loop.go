package raft

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// leader is the loop's own state.
type leader struct {
	*node
	raw       *raft.RawNode
	assembler *orderer.Assembler
	voters    *raftpb.ConfState

	leading  bool
	lead     uint64 // who leads; 0 is nobody
	ready    bool   // leading, and everything before this term is applied
	last     uint64 // highest index in the log
	applied  uint64 // highest index applied
	tip      *commonpb.BlockHeader
	unsaved  uint64 // bytes applied since the last snapshot
	dropping bool   // a snapshot is being taken
}

func (n *node) loop(ctx context.Context) error {
	defer n.cancel() // ends the other two
	l, err := n.newLeader()
	if err != nil {
		return err
	}
	return l.run(ctx)
}

func (n *node) newLeader() (*leader, error) {
	l := &leader{node: n, tip: n.channel.Tip()}
	l.assembler = orderer.NewAssembler(l.tip, n.o.Mode, n.s.maxInFlight, n.channel.BatchLimits)
	l.assembler.OnCut = n.channel.Filled
	var err error
	if _, l.voters, err = n.log.InitialState(); err != nil {
		return nil, err
	}
	if l.last, err = n.log.LastIndex(); err != nil {
		return nil, err
	}
	l.raw, err = raft.NewRawNode(&raft.Config{
		ID:                        n.s.id,
		ElectionTick:              n.s.electionTick,
		HeartbeatTick:             n.s.heartbeatTick,
		Storage:                   n.log,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             max(1, n.s.maxMessage),
		MaxCommittedSizePerReady:  1 << 30, // what is in flight is bounded by maxInFlight
		MaxInflightMsgs:           n.s.maxInFlight,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true, // a block is only good after the proposer's own tip
		Logger:                    raftLog{n.channel.Log()},
	})
	if err != nil {
		return nil, fmt.Errorf("starting raft: %w", err)
	}
	return l, nil
}

func (l *leader) run(ctx context.Context) error {
	ticker := time.NewTicker(l.s.tick)
	defer ticker.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stopped := l.Drained()
	for {
		if err := l.advance(); err != nil {
			return err
		}
		if stopped == nil && (!l.ready && !l.alone() || l.assembler.Idle() && len(l.Messages()) == 0) {
			return nil
		}
		var in <-chan *orderer.Message
		if l.ready && l.assembler.Accepting() {
			in = l.Messages()
		}
		if at, waiting := l.assembler.Deadline(); waiting {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case m := <-in:
			l.Fill(l.assembler, m, l.rejudge, l.channel.Dropped, time.Now())
		case <-l.answers.filled:
			for _, a := range l.answers.take() {
				if err := l.take(a); err != nil {
					return err
				}
			}
		case <-timer.C:
		case <-ticker.C:
			l.raw.Tick()
		case <-stopped:
			stopped = nil
			l.assembler.Flush()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// advance does all there is to do without waiting: campaign, propose, hand out work.
func (l *leader) advance() error {
	if !l.leading && l.alone() {
		// Nobody else could be leader. The call does nothing while a campaign is going on or committed configuration changes wait to be applied.
		if s := l.raw.BasicStatus(); s.RaftState == raft.StateFollower {
			if err := l.raw.Campaign(); err != nil {
				return fmt.Errorf("campaigning: %w", err)
			}
		}
	}
	if l.ready {
		for _, b := range l.assembler.Next(time.Now()) {
			if err := l.propose(b); err != nil {
				return err
			}
		}
	}
	for l.raw.HasReady() {
		l.route(l.raw.Ready())
	}
	return nil
}

// alone tells whether this node is the only voter.
func (l *leader) alone() bool {
	return len(l.voters.GetVoters()) == 1 && l.voters.GetVoters()[0] == l.s.id && len(l.voters.GetVotersOutgoing()) == 0
}

func (l *leader) propose(b *commonpb.Block) error {
	data, err := wire.Marshal(b)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.proposed = append(l.proposed, proposal{block: b, data: data})
	l.mu.Unlock()
	if err := l.raw.Propose(data); err != nil {
		l.metrics.failed()
		return fmt.Errorf("proposing block [%d]: %w", b.Header.Number, err)
	}
	return nil
}

// route hands the work in a Ready to the goroutines that do it.
func (l *leader) route(rd raft.Ready) {
	if rd.SoftState != nil {
		l.roleChanged(rd.SoftState)
	}
	if n := len(rd.Entries); n > 0 {
		l.last = rd.Entries[n-1].GetIndex()
	}
	for _, m := range rd.Messages {
		switch m.GetTo() {
		case raft.LocalAppendThread:
			l.toStorage.put(job{write: m})
		case raft.LocalApplyThread:
			l.toApply.put(m)
		}
	}
}

func (l *leader) roleChanged(s *raft.SoftState) {
	leading := s.RaftState == raft.StateLeader
	if leading != l.leading {
		l.metrics.leads(leading)
	}
	if s.Lead != l.lead {
		l.channel.Log().Info(fmt.Sprintf("Raft leader changed: %d -> %d", l.lead, s.Lead)) // what operators look for
	}
	l.leading, l.lead = leading, s.Lead
	if !leading {
		l.ready = false
	}
}

// take steps an answer into raft and draws the consequences of what was applied.
func (l *leader) take(a answer) error {
	if a.applied != nil {
		for _, change := range a.applied.changes {
			l.voters = l.raw.ApplyConfChange(change)
		}
	}
	for _, m := range a.steps {
		if m.GetTo() != l.s.id {
			continue
		}
		if err := l.raw.Step(m); err != nil {
			return fmt.Errorf("stepping %s: %w", m.GetType(), err)
		}
	}
	if a.dropped {
		l.dropping = false
	}
	if a.applied != nil {
		return l.advanced(a.applied)
	}
	return nil
}

// advanced keeps count of what was applied, and has the log drop what nobody needs any more.
func (l *leader) advanced(a *applied) error {
	l.applied, l.tip = a.index, a.tip
	l.unsaved += a.bytes
	for range a.blocks {
		l.assembler.Wrote()
	}
	if l.leading && !l.ready && l.applied >= l.last {
		l.assembler.Reset(l.tip)
		l.ready = true
		l.channel.Log().Info("ready to order", "after_block", l.tip.GetNumber(), "raft_index", l.applied)
	}
	if l.dropping { // the snapshot that is being taken needs the entries from its index on
		return nil
	}
	if l.unsaved >= l.s.snapshotInterval {
		l.unsaved, l.dropping = 0, true
		l.toStorage.put(job{snapshot: &snapshot{index: l.applied, voters: l.voters, tip: l.tip}})
		return nil
	}
	return l.log.forget(l.applied, keepEntries)
}
