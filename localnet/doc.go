// Package localnet makes a network on this machine and runs it: one orderer and two organisations with one peer each, as real processes
// that talk TLS on 127.0.0.1.
//
// Everything is made with the same tools a user has: the executable's own cryptogen, configtxgen, orderer and peer commands, run as
// child processes on files in one directory. Open plans and writes that directory once; what it holds is the network, so opening it
// again resumes where it stopped.
//
//	DIR/network.json         names and ports; written last, so a directory that has it is complete
//	DIR/crypto-config.yaml   what cryptogen made crypto/ from
//	DIR/configtx.yaml        what configtxgen made channel/ from
//	DIR/nodes/<name>/        core.yaml or orderer.yaml, and the node's data
//	DIR/client/core.yaml     what the peer commands read
//	DIR/env/<identity>.sh    source one to run peer commands as that identity
//	DIR/profiles/<org>.json  connection profile for client libraries, with <org>.yaml beside it
//	DIR/wallet/<identity>.id the identity for a client library, and <identity>-tls.id for its connections
//	DIR/logs/<name>.log      what each node wrote
//	DIR/lock                 held by the process that runs the network
package localnet
