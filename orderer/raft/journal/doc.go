// Package journal keeps in one file what a consenter must not forget: where it stands, and what came after.
//
// A journal is a directory. Its file log_000007 begins with a header (magic, format version, number of the file), and then come frames: a header
// (length, checksum of the payload, how much of the file was durable before, checksum of the header) and the payload, which is the caller's. All
// integers are little-endian, all checksums CRC-32C. Append adds a frame. Restart begins the next file, whose first frame holds all that is still
// needed; the former file then waits under the name spare to be written over by the next Restart, since syncing a file that does not grow takes
// the file system a third less time.
//
// Invariants
//   - A frame is read back whole or not at all, and frames are read back in the order in which they were written.
//   - The newest file alone counts. It gets its name when its first frame is durable, and the former one goes after that.
//   - The checksum of a frame's header covers the number of its file and its place in it, so what a spare file held is never taken for a frame.
//   - What a machine was writing when it stopped, which nobody was told is durable, is cut off by Open. A frame that does not match its checksum
//     though a later one says that it was durable is damage: an error that names file and offset.
//   - After a failed write or sync, whose effect nobody knows, the journal takes no more frames.
package journal
