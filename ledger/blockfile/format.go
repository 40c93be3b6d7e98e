package blockfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// All integers on disk are little-endian.
const (
	formatVersion = 1

	// Segment header: magic, format version (u32), zero (u32), number of the first block (u64), checksum of the foregoing (u32).
	segmentMagic      = "hdlblock"
	segmentHeaderSize = 28

	// Record header: payload length (u32), block number (u64), checksum of the payload (u32), checksum of the foregoing (u32).
	recordHeaderSize = 20

	// Index: magic, format version (u32), number of records (u32), number of the first block (u64), size of the segment (u64), offset of each
	// record (u32 each), checksum of the foregoing (u32).
	indexMagic      = "hdlindex"
	indexHeaderSize = 32

	checksumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// CorruptError says where a block file is damaged. Nothing of the damaged record is served.
type CorruptError struct {
	File   string
	Offset int64
	Block  uint64 // the block that begins at Offset
	What   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("block file %s: %s at offset %d (block %d); the disk or another program damaged the file: "+
		"stop this node, move its ledger directory away, and let it fetch the chain again (or restore the file from a copy)", e.File, e.What, e.Offset, e.Block)
}

func appendSegmentHeader(b []byte, first uint64) []byte {
	start := len(b)
	b = append(b, segmentMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, first)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// parseSegmentHeader gives the number of the segment's first block, or says what is wrong.
func parseSegmentHeader(b []byte) (first uint64, problem string) {
	switch {
	case len(b) < segmentHeaderSize:
		return 0, "segment header cut short"
	case string(b[:8]) != segmentMagic:
		return 0, "not a block file"
	case binary.LittleEndian.Uint32(b[24:]) != checksum(b[:24]):
		return 0, "segment header checksum mismatch"
	case binary.LittleEndian.Uint32(b[8:]) != formatVersion:
		return 0, fmt.Sprintf("format version %d, this program knows version %d", binary.LittleEndian.Uint32(b[8:]), formatVersion)
	}
	return binary.LittleEndian.Uint64(b[16:]), ""
}

// putRecordHeader fills the first bytes of record, whose payload is already in place behind them.
func putRecordHeader(record []byte, number uint64) {
	payload := record[recordHeaderSize:]
	binary.LittleEndian.PutUint32(record, uint32(len(payload)))
	binary.LittleEndian.PutUint64(record[4:], number)
	binary.LittleEndian.PutUint32(record[12:], checksum(payload))
	binary.LittleEndian.PutUint32(record[16:], checksum(record[:16]))
}

// parseRecordHeader gives the payload's length and checksum, or says what is wrong.
func parseRecordHeader(b []byte, number uint64) (length int64, sum uint32, problem string) {
	if binary.LittleEndian.Uint32(b[16:]) != checksum(b[:16]) {
		return 0, 0, "record header checksum mismatch"
	}
	if n := binary.LittleEndian.Uint64(b[4:]); n != number {
		return 0, 0, fmt.Sprintf("record of block %d", n)
	}
	return int64(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[12:]), ""
}

func encodeIndex(first uint64, size int64, offsets []uint32) []byte {
	b := append(make([]byte, 0, indexHeaderSize+4*len(offsets)+checksumSize), indexMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(offsets)))
	b = binary.LittleEndian.AppendUint64(b, first)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	for _, o := range offsets {
		b = binary.LittleEndian.AppendUint32(b, o)
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// decodeIndex returns false for anything but the intact index of a segment that begins with block first.
func decodeIndex(b []byte, first uint64) (size int64, offsets []uint32, ok bool) {
	if len(b) < indexHeaderSize+checksumSize || string(b[:8]) != indexMagic || binary.LittleEndian.Uint32(b[8:]) != formatVersion {
		return 0, nil, false
	}
	body := len(b) - checksumSize
	count := int(binary.LittleEndian.Uint32(b[12:]))
	if binary.LittleEndian.Uint32(b[body:]) != checksum(b[:body]) || count != (body-indexHeaderSize)/4 || (body-indexHeaderSize)%4 != 0 ||
		binary.LittleEndian.Uint64(b[16:]) != first {
		return 0, nil, false
	}
	offsets = make([]uint32, count)
	for i := range offsets {
		offsets[i] = binary.LittleEndian.Uint32(b[indexHeaderSize+4*i:])
	}
	return int64(binary.LittleEndian.Uint64(b[24:])), offsets, true
}
