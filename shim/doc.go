// Package shim is what a Go chaincode is written against: the API of Hyperledger Fabric 1.4's shim, and of the 2.x one where it is the same.
//
// A chaincode calls Start from main. Start reads the peer's address from the flag -peer.address or from CORE_PEER_ADDRESS, its own name
// from CORE_CHAINCODE_ID_NAME and its TLS material from the CORE_PEER_TLS_… and CORE_TLS_CLIENT_… variables, opens one stream to the peer
// (protos.ChaincodeSupport/Register), registers, and from then on answers what the peer sends until the stream ends.
//
//	peer                                chaincode
//	          <- REGISTER{name}
//	REGISTERED, READY ->
//	INIT | TRANSACTION{txid} ->         a goroutine runs Init or Invoke with a stub of its own
//	          <- GET_STATE{txid}, …     one question at a time per transaction; any number of transactions at once
//	RESPONSE | ERROR{txid} ->
//	          <- COMPLETED | ERROR{txid}
//	KEEPALIVE ->                        sent back at once
//
// # What must stay true
//
//   - The package, and all it imports, is the standard library, google.golang.org/protobuf and Heddle's own messages. A peer builds chaincode
//     on the machine it runs on, offline, from the sources the heddle binary carries; every further import would be carried and compiled too.
//     That is why the stream is spoken over net/http's HTTP/2 client and not over grpc-go.
//   - Messages to the peer are those Fabric's own 1.4 shim sends: same types, same payload bytes, same order.
//   - Chaincode written for Fabric finds this package under the import paths it knows; see package chaincode/platform/golang. An exported
//     identifier here is therefore a public promise under all those names.
//   - A chaincode that panics takes its process down, as it does in Fabric; nothing the peer sends does.
//
// Sub-packages: cid (who called), attrmgr (attributes in a certificate), statebased (key-level endorsement policies), shimtest (MockStub by
// its 2.x name), v2 (the interfaces of fabric-chaincode-go/v2, where responses are pointers).
package shim
