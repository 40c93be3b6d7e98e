// Package pack reads, makes, checks and stores chaincode packages.
//
// A package is a file in one of two forms: a bare ChaincodeDeploymentSpec, or an Envelope of type CHAINCODE_PACKAGE around a
// SignedChaincodeDeploymentSpec, which adds an instantiation policy and the endorsements of its owners. Its fingerprint is made of
//
//	CodeHash      = H(code_package)
//	MetaDataHash  = H(name + version)
//	SignatureHash = H(instantiation policy + endorser 1 + endorser 2 …)      signed packages only
//	ID            = H(CodeHash + MetaDataHash [+ SignatureHash])
//
// with H = SHA-256. Instantiating a chaincode writes the fingerprint into the channel (ChaincodeData); every peer that launches the
// chaincode holds its own installed package against it (Package.Check).
//
// Invariants: an installed file is the package byte for byte, named <name>.<version>; a Package is immutable and may be shared; what is
// in the store's directory is installed, also when it was copied there by hand.
package pack
