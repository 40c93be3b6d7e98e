// Package orderer puts messages in an order and keeps the resulting chains, one per channel.
//
// A message's way:
//
//	Server.Broadcast    parse once → channel by id (unknown: the system channel) → kind
//	  normal            rules: maintenance, empty, size, expiry, signature policy Writers
//	  config update     the same rules, then the update applied to the channel's configuration; the result, signed by this orderer, goes on
//	  channel creation  a config update for a channel that does not exist, judged against the template its consortium gives
//	Consenter.Order     the answer SUCCESS means: good, and handed to consensus. It is not on disk yet, as in Fabric.
//	Assembler           batches (Cutter) → blocks with the hash chain
//	consensus           orderer/solo: nothing; orderer/raft: the block is an entry of a replicated log
//	Channel.Append      configuration takes effect, metadata and signature, block file; Commit makes it visible to Deliver
//
// Invariants
//   - A block that Deliver has sent survives a kill at any moment: Commit makes a block visible only once it is on disk, in the block file
//     (solo) or in the consensus log from which the block file is rebuilt (raft).
//   - A message is judged by the configuration under which it is ordered: it carries the sequence it was judged by, and is judged again
//     if the configuration changed on its way. A configuration block stands alone, and nothing is taken in until it is written.
//   - A channel that is created exists on disk before the block of the system channel that creates it.
//   - Only the consenter's writing goroutine calls Append and Commit.
package orderer
