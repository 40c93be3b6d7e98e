// Package blockfile keeps a chain's blocks in append-only, checksummed segment files. Peers and orderers use it alike.
//
// A directory holds segments blocks_000001, blocks_000002, … Each begins with a versioned header that names its first block; then come
// records, one per block: a header (payload length, block number, CRC-32C of the payload, CRC-32C of the header itself) and the payload,
// an encoded common.Block. When a segment has reached its size, and when the store is closed, blocks_000001.index is written, which lists where
// the records so far begin and how long the file is. The index is only a shortcut, which spares Open the reading of the segment: lost or
// damaged, or behind the segment after a crash, it is made again.
//
// Invariants.
//   - Block n is the n-th record, counted from 0, over all segments; nothing is ever changed, or removed but by an operator, from the end (Cutting).
//   - Every byte that is served matched its checksum when it was read from the file, which is done anew for every reader; but those who read a
//     large block while another reader still has it share the bytes.
//   - A record that the file ends in the middle of, or that is followed by nothing but zeros, was being written when the machine stopped. Only
//     in the last segment can that happen; Open cuts it off, and it was never acknowledged. Every other mismatch is damage: a *CorruptError
//     that names file and offset, for the operator to act on.
//   - After a failed write the file is cut back to where it was; after a failed sync, whose effect nobody knows, the store takes no more blocks.
package blockfile
