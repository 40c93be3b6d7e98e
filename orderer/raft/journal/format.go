package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	formatVersion = 1

	// File header: magic, format version (u32), zero (u32), number of the file (u64), checksum of the foregoing (u32).
	magic          = "hdlrafts"
	fileHeaderSize = 28

	// Frame header: length of the payload (u32), its checksum (u32), bytes of the file that were durable before (u64), checksum of the foregoing,
	// the number of the file and the frame's offset (u32).
	frameHeaderSize = 20

	// maxPayload is the most bytes that a frame may have. Raft's messages are far smaller.
	maxPayload = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func appendFileHeader(b []byte, number uint64) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, number)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// checkFileHeader says what is wrong with the header of file number; nothing if it is right.
func checkFileHeader(b []byte, number uint64) (problem string) {
	switch {
	case len(b) < fileHeaderSize:
		return "the header is cut short"
	case string(b[:8]) != magic:
		return "it is no consensus log"
	case binary.LittleEndian.Uint32(b[24:]) != checksum(b[:24]):
		return "the header's checksum does not match"
	case binary.LittleEndian.Uint32(b[8:]) != formatVersion:
		return fmt.Sprintf("it has format version %d, this program knows version %d", binary.LittleEndian.Uint32(b[8:]), formatVersion)
	case binary.LittleEndian.Uint64(b[16:]) != number:
		return fmt.Sprintf("it is file %d", binary.LittleEndian.Uint64(b[16:]))
	}
	return ""
}

// frame is what a frame's header says.
type frame struct {
	length  uint32
	sum     uint32 // of the payload
	durable int64  // bytes of the file that were durable before
}

// putFrameHeader fills the first bytes of b, a frame at offset of file number, whose payload is already in place behind them.
func putFrameHeader(b []byte, number uint64, offset, durable int64) {
	payload := b[frameHeaderSize:]
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], checksum(payload))
	binary.LittleEndian.PutUint64(b[8:], uint64(durable))
	binary.LittleEndian.PutUint32(b[16:], headerSum(b, number, offset))
}

func headerSum(b []byte, number uint64, offset int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], number)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return crc32.Update(checksum(b[:16]), castagnoli, place[:])
}

// parseFrameHeader returns false for what is not the header of a frame at offset of file number.
func parseFrameHeader(b []byte, number uint64, offset int64) (f frame, ok bool) {
	if len(b) < frameHeaderSize || binary.LittleEndian.Uint32(b[16:]) != headerSum(b, number, offset) {
		return f, false
	}
	f = frame{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), int64(binary.LittleEndian.Uint64(b[8:]))}
	return f, f.length <= maxPayload && f.durable >= 0 && f.durable <= offset
}
