// Package raft is consensus by go.etcd.io/raft: blocks are entries of a replicated log, and what is committed in the log is written to the
// channel's block file.
//
// One node per channel. Three goroutines share its work and talk by queues; none waits for another while it could work:
//
//	loop     owns the raft state machine and the assembler: messages in, blocks proposed, local answers stepped back in
//	storage  writes entries and hard state to the Store (package journal); all writes that wait share one fsync. Takes snapshots, in the same queue
//	apply    decodes committed entries and appends them to the channel's block file
//
// So block N+1 is assembled and block N made durable in the log while block N-1 is signed and written.
//
// Invariants
//   - An entry is committed, and its block visible, only after the entry is durable in the Store. The block file itself is synced only before
//     a snapshot drops entries; up to then it can be rebuilt from the log.
//   - Each entry reaches the block file once: a block carries the index of its entry (BlockMetadata.raft_index in the metadata slot ORDERER),
//     and entries up to the index in the last block are skipped after a restart.
//   - Snapshot, dropped entries and hard state change in one atomic write.
//   - Blocks are proposed only by a leader that has applied everything before its own term, so that they follow the real tip.
//   - A node that is its channel's only consenter campaigns at once when it starts: it serves as soon as its log is read.
//
// A channel is run by exactly one consenter for now; the set of voters lives in raft's ConfState, and configuration changes in the log are applied,
// so that a log written today can be joined by others later. A configuration that names several consenters is refused.
package raft
