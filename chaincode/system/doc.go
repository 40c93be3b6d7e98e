// Package system holds the system chaincodes: functions of the peer that clients call as if they were chaincode.
//
//	lscc  lifecycle: install, deploy, upgrade, and queries about installed and instantiated chaincode
//	cscc  configuration: join a channel, list channels, read and try configuration
//	qscc  queries about the chain: height, blocks, transactions
//
// They run in the peer as plain calls, with the simulator and the parsed proposal of the request. lscc reads and writes its namespace
// through the simulator, so that a deployment is an ordinary transaction; cscc and qscc read the ledger as it is and leave no reads.
//
// Invariants: each function checks its own access right before it looks at anything but its arguments; names, argument counts, statuses
// and texts are those of Fabric 1.4.12; arguments come from outside and may be missing, empty or malformed.
package system
