// Package ledger is a peer's copy of one channel: its blocks, the world state they add up to, the history of every key, and the indexes that
// find blocks and transactions.
//
// Commit is the only writer, one block at a time:
//
//	MVCC and phantom checks → final codes and commit hash into the block's metadata → append to the block file, sync →
//	one atomic batch to the state store (state, history, index, savepoint) → Height moves, Wait returns
//
// It blocks nobody: simulators, snapshots and queries read the state of the last whole block meanwhile, and block k+1 may be prepared while
// block k commits.
//
// Invariants.
//   - The block file is the state store's log. The store is flushed in the background and on Close, never ahead of a synced block file; Open applies
//     the blocks above the savepoint again, taking codes from their metadata. Whatever step a crash interrupts, the blocks that Commit
//     returned for are there, and the state is what they add up to.
//   - A block file that has lost blocks which the state knows, or whose bytes do not match their checksums, is reported (blockfile.CorruptError),
//     never served or mended.
//   - Only Rollback takes blocks away, while nobody has the ledger open; how many there were is remembered until they are back.
//   - Codes, versions and commit hashes are Fabric 1.4.12's, byte for byte. The channel's configuration, namespace "", is left out of the hash.
//   - Reads never see the reading transaction's own writes, as in Fabric.
//   - Collections are kept as hashes: what blocks carry, MVCC and the commit hash need. Private values are not kept here.
//
// After an error between block file and state store the ledger takes no more blocks; closing and opening it again recovers.
package ledger
