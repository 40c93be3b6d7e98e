// Package blocksync keeps a channel's blocks coming from its orderers.
//
// Run opens one Deliver stream at a time, starting at the block after the caller's height, and hands on each block once it has been
// checked. When a stream ends, fails, stays silent after the connection died, or carries a block that cannot be trusted, the next
// orderer in turn is tried; after a whole round without progress it waits, exponentially longer up to a bound.
//
// Invariants: blocks are handed on in order, each once, none skipped; a block is handed on only if its number follows, its previous
// hash is the hash of the block before, its data matches its header and Verify accepts the orderer's signature; the next block is read
// from the network only after Handle took the last one (so a slow caller slows the orderer's stream, not our memory); Run returns only
// when its context ends or Handle fails, and leaves nothing running.
package blocksync
