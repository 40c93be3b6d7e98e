// Package heddle is the root of the module: a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and CLI in one binary.
//
// It holds no code of its own but sources the binary carries: the Go shim, so that chaincode builds offline, and sample chaincodes.
package heddle
