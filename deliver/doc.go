// Package deliver streams the blocks of a channel to clients. One loop serves the orderer's AtomicBroadcast/Deliver and the peer's
// Deliver and DeliverFiltered; they differ in the message that carries a block and in the policy that opens the stream.
//
// A stream is a sequence of requests. Each is a signed envelope whose data is a SeekInfo; the answer is blocks and then one status.
// After SUCCESS the client may ask again; any other status ends the stream, with gRPC status OK.
//
//	envelope → headers → time window, TLS binding (else BAD_REQUEST) → channel known (NOT_FOUND) → SeekInfo decodes (BAD_REQUEST)
//	→ consensus works (SERVICE_UNAVAILABLE, strict requests only) → identity not expired and policy satisfied (FORBIDDEN)
//	→ start and stop given, start ≤ stop (BAD_REQUEST) → start ≤ height (NOT_FOUND) → blocks
//
// Invariants: before every block the identity's expiry is checked, and the policy again whenever the channel's configuration has
// changed since; a block is sent as the bytes the channel stores, never encoded again or copied; a block is filtered once, whoever
// asks; a stream that waits for a block costs one goroutine and ends with its context.
package deliver
