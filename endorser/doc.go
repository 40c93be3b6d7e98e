// Package endorser answers proposals: it checks who asks, simulates the chaincode, and signs what came out.
//
// A proposal goes through four steps, each in a file of its own:
//
//	check     the auth filters; who is it, may they, is it new?   Refusals are gRPC errors with code Unknown.
//	simulate  decorate the input, run the chaincode on a snapshot  Failures are responses with status 500 and nothing else.
//	deploy    after lscc.deploy or upgrade, run the new chaincode's Init in the same simulation
//	endorse   let the chaincode's endorsement plugin sign the response payload
//
// What the client gets depends on the chaincode's status, as in Fabric: below 400 an endorsement; from 400 to 499 the response alone;
// from 500 the response with a payload that nobody signed. A proposal without a channel is run and never endorsed.
//
// Invariants: the proposal is parsed once; one configuration bundle serves the whole request; the creator's signature is verified
// once; the simulator is closed before anything is signed; nothing in a proposal makes the endorser panic.
//
// Order of checks and texts of errors are those of Fabric 1.4.12, because clients match on them.
package endorser
