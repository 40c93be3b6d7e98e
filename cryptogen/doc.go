// Package cryptogen writes the keys and certificates of a test network from crypto-config.yaml: for each organization a
// signing CA and a TLS CA, an MSP directory for its channel configuration, and a local MSP and TLS files for each node and
// user. It is for development: all keys are made in one place and CA keys lie on disk.
//
// The directory tree, the file names and the PEM forms are those of Fabric 1.4's cryptogen, so that either tool can extend
// what the other made:
//
//	{peer,orderer}Organizations/<domain>/
//	    ca/, tlsca/                       <CA>-cert.pem and its key, <SKI in hex>_sk
//	    msp/                              admincerts, cacerts, tlscacerts, config.yaml (with NodeOUs)
//	    {peers,orderers,users}/<name>/msp the same and keystore, signcerts
//	    {peers,orderers,users}/<name>/tls ca.crt and server.crt, server.key, or for users client.crt, client.key
//
// Invariants: keys are ECDSA P-256, readable by their owner alone; every signature is low-S; certificates begin five
// minutes ago and last ten years; a name from the configuration never leads out of the tree.
package cryptogen
