// Package profile makes channel configurations from configtx.yaml: genesis blocks, channel creation transactions, anchor peer updates, and
// the definition of one organization. It is what configtxgen does, as a library.
//
// The file describes organizations, defaults and named profiles, mostly tied together with YAML anchors and merges. A profile with an Orderer
// and Consortiums section gives a system channel's genesis block; one with a Consortium and an Application section gives a channel creation
// transaction. The trees are those configtxgen 1.4.12 makes, including its default policies where a section gives none.
//
// Invariants: reading a file and making a tree depend on nothing but their arguments and the files named; every problem of the YAML text is
// reported at once, with file and line.
package profile
