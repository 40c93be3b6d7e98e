// Package statedb is a peer's key-value store for one channel: the world state, and with it, because they change together, the history of keys
// and the indexes of transactions and block hashes. Pebble is inside; no type of it shows.
//
// Invariants.
//   - One Batch per block, applied atomically with the savepoint: the store is always the state after a whole number of blocks.
//   - The store keeps no log of its own. A batch lives in memory until Pebble flushes it, so a crash takes the store back to an earlier savepoint and
//     the ledger applies the blocks above it again. Options.BeforeFlush runs before anything reaches the disk, to make those blocks durable
//     first: on disk, the state is never ahead of the block file.
//   - Every storage key is built in schema.go. Keys and names may hold any bytes; the keys of one namespace lie together in byte order.
//   - The store is written by one goroutine (the committer) and read by any number.
package statedb
