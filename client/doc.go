// Package client is the Go client of peers and orderers: what the peer command and the tests use to talk to a network.
//
// A transaction takes four stages, each with an error type of its own:
//
//	Connect                      *ConnectError    to each endorsing peer and to an orderer
//	Client.Endorse               *EndorseError    the peers simulate and sign; all must give the same bytes
//	Orderer.Broadcast            *BroadcastError  the orderer takes the assembled transaction
//	Watch.Wait                   *CommitError     peers tell the block and the validation code
//
// Client.Invoke runs the last three. Queries stop after the first peer's answer.
//
// A file per noun: conn, orderer, proposal (endorse), transaction (invoke), watch (commit events), block (deliver), admin (status),
// and the system chaincodes as lifecycle (lscc) and channel (cscc, qscc).
//
// Invariants: nothing here retries; every wait ends with its context; a Watch sees every block committed after it was opened.
package client
