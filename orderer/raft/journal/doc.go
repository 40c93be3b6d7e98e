// Package journal keeps in one file what a consenter must not forget: where it stands, and what came after.
//
// A journal is a directory. Its file log_000007 begins with a header (magic, format version, number of the file, salt), and then come frames: a header
// (length, checksum of the payload, how much of the file was durable before, checksum of the header) and the payload, which is the caller's. All
// integers are little-endian, all checksums CRC-32C. Append adds a frame. Restart begins the next file, whose first frame holds all that is still
// needed; the former file then waits under the name spare to be written over by the next Restart, since syncing a file that does not grow takes
// the file system a third less time.
//
// Invariants
//   - A frame is read back whole or not at all, and frames are read back in the order in which they were written.
//   - The newest file alone counts. It gets its name when its first frame is durable, and the former one goes when that name is.
//   - The checksum of a frame's header covers the number of its file, its place in it, and the file's salt, which nobody but this package knows: neither
//     what a spare file held nor what a payload contains is taken for a frame.
//   - What does not match its checksum, and all that follows, is cut off by Open: the machine was writing it when it stopped. But if a frame that
//     follows says that it was durable, that is damage: an error that names file and offset. (If none follows, as with the very last frame, nobody can
//     tell. A consenter notices unless the block file has lost the block as well.)
//   - After a failed write or sync, whose effect nobody knows, the journal takes no more frames. A machine whose disk has failed should be
//     restarted, not the node alone: until then the operating system may show what the disk does not have.
package journal
