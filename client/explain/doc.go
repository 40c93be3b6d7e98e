// Package explain tells the life of a committed transaction: who proposed it, who endorsed it, what it read and wrote, what it answered, where
// it is in the chain, which validation code it has there, and why.
//
// It asks for nothing but blocks, which every reader of a channel may have from every peer, Fabric's included. The reason for a code is
// found by doing again what the peer did: package validation decides the block once more, under the configuration that was in force then,
// on a state that is read out of the blocks before (past); for MVCC, the writes before the transaction are held against what it has read.
//
// Invariants.
//   - Nothing is claimed that the blocks do not show. Where the search ends before the answer is certain, Transaction.Doubt says so; where the
//     code comes out otherwise than the peer recorded it, that is said, too.
//   - How many blocks are fetched is bounded by the caller. The search goes from the transaction towards the first block, since what made a
//     transaction fail has mostly happened just before.
//   - Nothing in a block can make this package panic: blocks are as they were ordered, with anything in them.
package explain
