package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

const (
	formatVersion = 1

	// File header: magic, format version (u32), number of the file (u64), its salt (u64), checksum of the foregoing (u32).
	magic          = "hdlrafts"
	fileHeaderSize = 32

	// Frame header: length of the payload (u32), its checksum (u32), bytes of the file that were durable before (u64), checksum of the foregoing,
	// the number of the file, its salt, and the frame's offset (u32).
	frameHeaderSize = 20

	maxPayload = math.MaxUint32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// identity is what tells the frames of a file from those of all others.
type identity struct {
	number uint64 // the name; 0 if there is no file yet
	salt   uint64 // drawn by lot, so that nobody who has a say in payloads can make one that looks like a frame
}

// successor is the identity of the file after this one.
func (i identity) successor() identity {
	var salt [8]byte
	rand.Read(salt[:]) // never fails
	return identity{i.number + 1, binary.LittleEndian.Uint64(salt[:])}
}

func appendFileHeader(b []byte, i identity) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint64(b, i.number)
	b = binary.LittleEndian.AppendUint64(b, i.salt)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// errVersion is the cause of the error about a file of a version that this program does not know.
var errVersion = errors.New("another version of this program wrote it: use that, or a later one")

// parseFileHeader reads the header of file number, or says what is wrong with it.
func parseFileHeader(b []byte, number uint64) (i identity, err error) {
	switch {
	case len(b) < fileHeaderSize:
		return i, errors.New("the header is cut short")
	case string(b[:8]) != magic:
		return i, errors.New("it is no consensus log")
	case binary.LittleEndian.Uint32(b[8:]) != formatVersion:
		return i, fmt.Errorf("it has format %d, not %d: %w", binary.LittleEndian.Uint32(b[8:]), formatVersion, errVersion)
	case binary.LittleEndian.Uint32(b[28:]) != checksum(b[:28]):
		return i, errors.New("the header's checksum does not match")
	}
	i = identity{binary.LittleEndian.Uint64(b[12:]), binary.LittleEndian.Uint64(b[20:])}
	if i.number != number {
		return i, fmt.Errorf("it is file %d", i.number)
	}
	return i, nil
}

// frame is what a frame's header says.
type frame struct {
	length  uint32
	sum     uint32 // of the payload
	durable int64  // bytes of the file that were durable before
}

// putFrameHeader fills the first bytes of b, a frame at offset of file i, whose payload is already in place behind them.
func putFrameHeader(b []byte, i identity, offset, durable int64) {
	payload := b[frameHeaderSize:]
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], checksum(payload))
	binary.LittleEndian.PutUint64(b[8:], uint64(durable))
	binary.LittleEndian.PutUint32(b[16:], headerSum(b, i, offset))
}

func headerSum(b []byte, i identity, offset int64) uint32 {
	var place [24]byte
	binary.LittleEndian.PutUint64(place[:], i.number)
	binary.LittleEndian.PutUint64(place[8:], i.salt)
	binary.LittleEndian.PutUint64(place[16:], uint64(offset))
	return crc32.Update(checksum(b[:16]), castagnoli, place[:])
}

// parseFrameHeader returns false for what is not the header of a frame at offset of file i.
func parseFrameHeader(b []byte, i identity, offset int64) (f frame, ok bool) {
	if len(b) < frameHeaderSize || binary.LittleEndian.Uint32(b[16:]) != headerSum(b, i, offset) {
		return f, false
	}
	f = frame{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), int64(binary.LittleEndian.Uint64(b[8:]))}
	return f, f.durable >= 0 && f.durable <= offset
}
