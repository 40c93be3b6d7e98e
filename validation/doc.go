// Package validation gives every transaction of a block its validation code, exactly the one that Fabric 1.4.12 gives.
//
// A block goes through two stages. Prepare looks at nothing but the block and the channel's configuration, at all transactions in
// parallel: it decodes each once, checks headers, transaction id, creator and creator's signature, and verifies the endorsements'
// signatures ahead of time. It takes a run of transactions at a time through each of these steps, because signatures are verified in less time
// together. Decide looks at the state that the blocks before have left, at one transaction after the other: repeated
// transaction ids, chaincode definitions, endorsement policies of chaincodes and of single keys, the rules for instantiating and
// upgrading, configuration updates. What is left for the ledger is MVCC.
//
//	Prepare: envelope, payload, headers (BAD_…) → creator's signature → type: txid, one well-formed action
//	Decide:  txid in the ledger → action, read-write set, namespaces → per namespace written: definition, version, then the chaincode's
//	         plugin: by default endorsements and lscc's own rules → whole block: repeated txids, upgrades
//
// Invariants:
//   - The code of a transaction depends on the block, the configuration and the state after the block before; not on time, on the order
//     in which goroutines run, or on what this peer has installed.
//   - Decide goes through a block in order and alone. A transaction that is refused, at whichever step, leaves nothing behind that a later
//     one could wait for: only what an accepted one changes is remembered.
//   - A refusal is a code and a reason. An error is neither: it means that this peer cannot tell (the state cannot be read, the chaincode
//     names a validation plugin that the peer does not have, the ordered configuration is not acceptable), and the channel must stop.
//   - Nothing in a block can make this package panic, and no transaction is looked at before its creator's signature has been verified,
//     other than its headers.
//
// On a channel the codes are part of the commit hash, so rules that look odd are kept on purpose; each says so where it stands.
package validation
