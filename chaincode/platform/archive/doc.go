// Package archive reads and writes code packages: the tar.gz of a chaincode's files, whatever its language.
//
// # Writing
//
// Pack makes one canonical archive: the bytes depend on the files' names, contents and order alone, not on who packs where and when. Times are
// 0, modes 0100644, the owner is 500 and called root, as in a package made by Fabric 1.4's tools in their container; so the same sources have
// the same code hash, with these tools and with those. compress/gzip makes the stream at its default level and with an empty header. Its output
// has been the same from Go 1.11, with which Fabric was built, to now (the tests hold vectors of 1.4.12 against it byte for byte; a Go release
// that packed differently would fail them, and the compressor would then be carried here).
//
// # Reading
//
// A code package comes from outside. Names, types, modes, sizes and counts are checked while it is read, before anything is written: only
// regular files and folders below src and META-INF, that nobody may execute, by clean relative names, each once. What follows the last entry is
// read too, up to the same limits, for gzip tells only there whether all of it was right.
package archive
