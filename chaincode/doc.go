// Package chaincode runs transactions in chaincode: it keeps the stream to each running chaincode, launches chaincode that is not running,
// and answers what chaincode asks while it works.
//
// An invoke, from the endorser to the operating system and back:
//
//	Invoke → handler (running? else check the installed package against the channel's definition, join or begin its one launch)
//	       → launch → Runtime.Start                                                        (only when it is not running)
//	       → execute: TRANSACTION or INIT out; answer each GET_STATE, PUT_STATE, … against the call's simulator; COMPLETED ends it
//
// Every transaction is worked on by one goroutine, that of its caller. The stream's receiver only looks up the transaction of a message and
// hands the message over; the caller answers it, and for INVOKE_CHAINCODE executes the called chaincode as one more step of its own. So
//   - a simulator and its iterators are never used by two goroutines, and need no lock;
//   - when Invoke returns, also because its context ended, nothing works for it any more, and its simulator may be closed;
//   - transactions do not wait for each other on a stream that they share.
//
// A stream goes created → established → ready (step, a pure function). A chaincode may have one request per transaction under way; a second
// one, and messages of transactions that are over, are dropped or refused and harm nobody else.
//
// System chaincodes are called directly; they have no stream.
//
// Life. A transaction that times out has the chaincode started anew: at once if it has said nothing about any transaction in all the time,
// else when nothing else is under way in it. A chaincode that floods its stream, or says what it may not, loses it. An upgrade stops the
// versions that no channel of the peer defines any more, as soon as they are idle. A launch that fails is tried again at the next invoke,
// but not before a backoff is over; until then callers get the last failure. Each ends with the chaincode's last output in the error.
//
// Invariants: one handler per "name:version"; one launch per "name:version" however many invokes wait for it; a stream is in the registry
// from its REGISTER to its end; an instance that the support started is stopped when its stream ends, and its stream ended when it stops; it
// ends, with what it is working on, when no channel defines its version any more.
package chaincode
