package blockfile

import (
	"fmt"
	"io"
)

// scan walks over the records that follow those the segment has, checking each, and adds them, next to an error too. torn means that what follows
// the last whole one is a record that was never completely written.
func (s *segment) scan(r io.ReaderAt, size int64) (torn bool, err error) {
	var payload []byte
	header := make([]byte, recordHeaderSize)
	for s.size < size {
		corrupt := func(what string) error {
			return &CorruptError{File: s.path, Offset: s.size, Block: s.next(), What: what}
		}
		failed := func(err error) error {
			return fmt.Errorf("reading block file %s at offset %d: %w", s.path, s.size, err)
		}
		if size-s.size < recordHeaderSize {
			return true, nil
		}
		if _, err := r.ReadAt(header, s.size); err != nil {
			return false, failed(err)
		}
		length, sum, problem := parseRecordHeader(header, s.next())
		if problem != "" {
			zero, err := allZero(r, s.size, size)
			if err != nil {
				return false, failed(err)
			}
			if zero {
				return true, nil
			}
			return false, corrupt(problem)
		}
		if length > size-s.size-recordHeaderSize {
			return true, nil
		}
		if int64(cap(payload)) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := r.ReadAt(payload, s.size+recordHeaderSize); err != nil {
			return false, failed(err)
		}
		if checksum(payload) != sum {
			return false, corrupt("checksum mismatch")
		}
		s.offsets = append(s.offsets, uint32(s.size))
		s.size += recordHeaderSize + length
	}
	return false, nil
}

func allZero(r io.ReaderAt, from, to int64) (bool, error) {
	chunk := make([]byte, 64<<10)
	for from < to {
		n := min(int64(len(chunk)), to-from)
		if _, err := r.ReadAt(chunk[:n], from); err != nil {
			return false, err
		}
		for _, c := range chunk[:n] {
			if c != 0 {
				return false, nil
			}
		}
		from += n
	}
	return true, nil
}
