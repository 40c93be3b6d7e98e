// Package heddle is the root of the module: a Hyperledger-Fabric-compatible peer, ordering service, chaincode runtime and CLI in one binary.
//
// It holds no code but the source of the Go shim, which the binary carries so that chaincode builds offline.
package heddle
