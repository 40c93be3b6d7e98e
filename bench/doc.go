// Package bench puts a load on a network and measures it: a peer that endorses, an orderer that orders, the way of a transaction from the
// proposal to the commit event, and a peer that catches up with a chain. It speaks plain Fabric gRPC, by package client, so that it drives
// Heddle and Fabric alike.
//
// A Load says how many operations, by how many workers, at which rate; a Workload, what each of them reads and writes; a Mode does one
// operation. What comes out is a Result: throughput, percentiles of the time an operation took, what became of the transactions, and
// what the processes behind it used, by /proc.
//
// Growth needs no network: it measures committing and endorsing on ledgers that it fills itself, as what is in them and who uses them grows, and gives a
// Curve along each axis.
//
// Invariants: a load ends by itself, by count or by time. Latencies are kept in a histogram of fixed size (1 µs to 10 min, three digits),
// never sampled. An operation that fails is counted with its reason and is not part of the throughput. With a target rate, latency counts
// from when the operation was due, not from when a worker was free to start it, so that a stall is seen by all it kept waiting.
package bench
