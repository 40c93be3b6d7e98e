package raft

import "encoding/binary"

// The keys of the Store. Every value but the version is a protobuf message of package raftpb; pebble adds the checksums.
//
//	"v"                               format version, 4 bytes big endian: 1
//	"c" len(channel) channel "h"      HardState: term, vote, commit
//	"c" len(channel) channel "s"      Snapshot: index, term and voters up to which the log has been dropped; data = header of the last block
//	"c" len(channel) channel "e" i    Entry with index i, 8 bytes big endian; without gaps from somewhere at or below the snapshot's index
//
// The channel's name is preceded by its length in one byte, so no channel's keys are a prefix of another's.
const formatVersion = 1

var versionKey = []byte("v")

func channelPrefix(channel string) []byte {
	return append([]byte{'c', byte(len(channel))}, channel...)
}

func hardStateKey(prefix []byte) []byte { return join(prefix, 'h') }

func snapshotKey(prefix []byte) []byte { return join(prefix, 's') }

func entryKey(prefix []byte, index uint64) []byte {
	return binary.BigEndian.AppendUint64(join(prefix, 'e'), index)
}

// entriesEnd is above every entry of the channel.
func entriesEnd(prefix []byte) []byte { return join(prefix, 'e'+1) }

func join(prefix []byte, kind byte) []byte {
	k := make([]byte, 0, len(prefix)+9)
	return append(append(k, prefix...), kind)
}
