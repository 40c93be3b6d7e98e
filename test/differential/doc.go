// Package differential holds Heddle's peer against a real Fabric 1.4.12 peer, transaction by transaction.
//
// A Generator writes chains of blocks full of odd transactions: each is right but for one thing, or is some honest work on keys that
// others work on too. A seed always gives the same bytes: keys are fixed, signatures are those of RFC 6979, and what a transaction reads
// is read from our own peer, which commits every block before the next one is made.
//
// TestAgainstReference lets a real 1.4.12 peer pull chains from a Deliver server of ours, compares what both peers made of every block, and
// with -keep writes down what the real one made of it; TestBroadcastAgainstReference asks a real orderer and ours the same. They need
// 1.4.12's executables:
//
//	go test -tags reference -run TestAgainstReference -v ./test/differential -args -peer bin/peer -peerconfig sampleconfig -seeds 4 -txs 1200
//	go test -tags reference -run TestBroadcast -v ./test/differential -args -orderer bin/orderer -peerconfig sampleconfig -seeds 1 -txs 1200
//
// TestCaptured and TestBroadcastCaptured hold today's peer and orderer against what was written down (testdata/*.zst), so that no reference is
// needed. TestKilled kills the peer meanwhile.
//
// A block is never such that the real peer would hang or crash on it, which takes some care under Application capability V1_3 and later:
//   - it panics at a transaction without an action, and waits for ever for one that does not decode, if a later transaction of the same block
//     writes anything: such transactions stand at the end (hazard);
//   - it waits for ever for the policies of a key that were set by a transaction refused before its endorsements are looked at: such
//     transactions set policies only of keys that nobody else writes;
//   - it panics at a block that deletes a key and then sets its policy.
//
// At every level it panics at a payload without a header, at an action that endorses nothing, at a range query whose results lack versions or
// some of their hashes, at a collection whose members have no policy, and at a transaction that writes to a collection nobody defined, if its
// endorsements are right.
package differential
