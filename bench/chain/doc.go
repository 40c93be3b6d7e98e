// Package chain makes chains of blocks as a network would have made them, without a network: for measuring what takes blocks in.
//
// People are the members: two organisations with a peer each, clients in any number, and an orderer, all with certificates that cryptogen made.
// A Chain is one channel of theirs: its first block, a block in which lscc.deploy instantiates chaincodes, blocks that fill the state, and blocks of
// transactions that each read a key and write it.
//
// Invariants. A peer that takes the blocks in their order finds every transaction VALID: each is signed by its creator and its endorsers, each block
// by the orderer, and what a transaction says it has read is what the transactions before it have left. Blocks are made as they are
// asked for, many transactions at a time on all processors, and no more of them are kept than that.
package chain
