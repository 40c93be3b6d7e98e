// Package channel is a peer's membership in channels: for each, the configuration in force, the ledger, and the pipeline that takes blocks
// from the orderers to the ledger.
//
// A Registry holds the channels of a peer. Join makes one from a channel's first block; Open brings back those joined before. A channel
// then keeps itself up to date until the registry closes.
//
// The pipeline has three stages, each with its own goroutine and at most one block in hand and one waiting; blocks never overtake
// each other:
//
//	blocksync: receive, hash chain, orderer's signature   | block N+2
//	prepare:   decode, creators, signatures, in parallel  | block N+1
//	commit:    policies, MVCC, store, apply                | block N
//
// Invariants:
//   - A block is verified and prepared under the configuration that the block before it left. A configuration block is therefore a barrier:
//     neither Verify nor prepare looks at the next block before it has been committed. The new configuration is in force (Bundle) before
//     the block can be seen (Height).
//   - No block is skipped or judged twice. An error in any stage stops the channel with that error, logged once; what has been
//     committed stays served. Opening the peer again goes on where it stopped.
//   - A block is durable when it is committed, except while more blocks are waiting: then the disk is synced once for several (maxUnsynced).
package channel
