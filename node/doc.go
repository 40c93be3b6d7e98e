// Package node puts a peer or an orderer together from its configuration and runs it: the one place that knows everything.
//
// RunPeer and RunOrderer open what is on disk, wire the services to each other, listen, and return when their context ends, after
// everything has been closed in the reverse order of its opening. Nothing is decided here: a rule found in this package is in the
// wrong place.
//
//	RunOrderer   signer → registry of channels (blocks, consensus) → AtomicBroadcast → listener
//	RunPeer      signer → channels (ledger, validation, block sync) → chaincode support → endorser, deliver → listeners
//
// Two listeners per peer: one for clients, one for chaincode, which under TLS trusts only certificates that this peer made. Operations
// (metrics, health, log levels) are a third, over HTTP.
package node
