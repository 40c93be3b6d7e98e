package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// scanSize is how many bytes are read at a time to look for frames.
const scanSize = 256 << 10

// read has replay called with the payload of each frame, and tells where the last one ends.
func (j *Journal) read(f *os.File, replay func(payload []byte) error) (end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size, in := info.Size(), bufio.NewReaderSize(f, scanSize)
	header := make([]byte, max(fileHeaderSize, frameHeaderSize))
	n, err := io.ReadFull(in, header[:fileHeaderSize])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return 0, err
	}
	if j.identity, err = parseFileHeader(header[:n], j.number); errors.Is(err, errVersion) {
		return 0, fmt.Errorf("consensus log %s: %w", f.Name(), err)
	} else if err != nil {
		return 0, unreadable(f.Name(), err.Error())
	}
	var payload []byte
	for end = fileHeaderSize; size-end >= frameHeaderSize; {
		if _, err := io.ReadFull(in, header[:frameHeaderSize]); err != nil {
			return 0, err
		}
		h, ok := parseFrameHeader(header, j.identity, end)
		if !ok || int64(h.length) > size-end-frameHeaderSize {
			break
		}
		payload = slices.Grow(payload[:0], int(h.length))[:h.length]
		if _, err := io.ReadFull(in, payload); err != nil {
			return 0, err
		}
		if checksum(payload) != h.sum {
			break
		}
		if err := replay(payload); err != nil {
			return 0, fmt.Errorf("%s, frame at offset %d: %w", f.Name(), end, err)
		}
		end += frameHeaderSize + int64(h.length)
	}
	lost, err := j.lost(f, end, size)
	if err == nil && (lost || end == fileHeaderSize) {
		err = unreadable(f.Name(), fmt.Sprintf("a frame at offset %d is damaged", end))
	}
	return end, err
}

// lost says whether anything behind end is the header of a frame that says that more than end was durable.
func (j *Journal) lost(f io.ReaderAt, end, size int64) (bool, error) {
	b := make([]byte, scanSize)
	for from := end; size-from >= frameHeaderSize; from += scanSize - frameHeaderSize + 1 {
		n := int(min(scanSize, size-from))
		if _, err := f.ReadAt(b[:n], from); err != nil {
			return false, err
		}
		for i := range n - frameHeaderSize + 1 {
			// Few bytes that are no header get as far as to have their checksum computed.
			if durable := binary.LittleEndian.Uint64(b[i+8:]); durable <= uint64(end) || durable > uint64(size) {
				continue
			}
			if _, ok := parseFrameHeader(b[i:n], j.identity, from+int64(i)); ok {
				return true, nil
			}
		}
	}
	return false, nil
}

func unreadable(file, problem string) error {
	return fmt.Errorf("consensus log %s: %s; the disk or another program changed the file: restore it from a copy, or, if the block file has "+
		"all blocks that others got, remove the log's directory to continue from the block file", file, problem)
}
