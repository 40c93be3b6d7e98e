package blockfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/heddleledger/heddle/ledger/durable"
)

// segment is one file. All but the last of a store are sealed.
type segment struct {
	path    string
	first   uint64   // number of its first block
	size    int64    // up to the end of the last whole record
	offsets []uint32 // where the record of block first+i begins
}

func segmentPath(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("blocks_%06d", i)) }
func (s *segment) indexPath() string       { return s.path + ".index" }
func (s *segment) next() uint64            { return s.first + uint64(len(s.offsets)) }

// segmentCount is how many segments dir holds, which are numbered from 1 without a gap.
func segmentCount(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("listing block files: %w", err)
	}
	found := map[string]bool{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "blocks_") && filepath.Ext(e.Name()) == "" {
			found[e.Name()] = true
		}
	}
	for i := 1; i <= len(found); i++ {
		if path := segmentPath(dir, i); !found[filepath.Base(path)] {
			return 0, fmt.Errorf("block file %s is missing, though later ones are there: restore it from a copy, or move %s away and let the node fetch the chain again", path, dir)
		}
	}
	return len(found), nil
}

// createSegment makes an empty segment and its directory entry durable. An index that is there is not its own.
func createSegment(path string, first uint64) (*os.File, error) {
	if err := os.Remove((&segment{path: path}).indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("creating a block file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("creating a block file: %w", err)
	}
	_, err = f.Write(appendSegmentHeader(nil, first))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating block file %s: %w", path, err), f.Close())
	}
	return f, nil
}

// openSealed reads the index of a segment that another follows, making it again if need be.
func openSealed(path string, first uint64) (*segment, error) {
	s := &segment{path: path, first: first, size: segmentHeaderSize}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a block file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening a block file: %w", err)
	}
	if err := errors.Join(s.checkHeader(f), s.recall(f, info.Size())); err != nil {
		return nil, err
	}
	switch {
	case s.size == info.Size():
		return s, nil
	case s.size > info.Size():
		return nil, s.shortened(info.Size())
	}
	torn, err := s.scan(f, info.Size())
	if err != nil {
		return nil, err
	}
	if torn {
		return nil, &CorruptError{File: path, Offset: s.size, Block: s.next(), What: "the file ends inside a record"}
	}
	return s, s.seal()
}

// recall takes the records that the index tells, if there is an intact one that is this file's. Others may follow them; and a file of that size may
// have lost some.
func (s *segment) recall(f io.ReaderAt, size int64) error {
	b, err := os.ReadFile(s.indexPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading a block file's index: %w", err)
	}
	end, offsets, ok := decodeIndex(b, s.first)
	if ok && end <= size {
		if ok, err = s.endsWith(f, end, offsets); err != nil {
			return err
		}
	}
	if ok {
		s.size, s.offsets = end, offsets
	}
	return nil
}

// endsWith tells whether the last of the records does end there.
func (s *segment) endsWith(f io.ReaderAt, end int64, offsets []uint32) (bool, error) {
	if len(offsets) == 0 {
		return end == segmentHeaderSize, nil
	}
	last := len(offsets) - 1
	begin := int64(offsets[last])
	if begin+recordHeaderSize > end {
		return false, nil
	}
	header := make([]byte, recordHeaderSize)
	if _, err := f.ReadAt(header, begin); err != nil {
		return false, fmt.Errorf("reading block file %s at offset %d: %w", s.path, begin, err)
	}
	length, _, problem := parseRecordHeader(header, s.first+uint64(last))
	return problem == "" && begin+recordHeaderSize+length == end, nil
}

// openLast reads the newest segment and cuts off what a stopped write left behind it. cut is how many bytes that was.
func openLast(path string, first uint64) (s *segment, f *os.File, cut int64, err error) {
	if f, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, nil, 0, fmt.Errorf("opening a block file: %w", err)
	}
	s = &segment{path: path, first: first, size: segmentHeaderSize}
	size, unborn, err := s.repair(f)
	if err == nil && !unborn {
		return s, f, size - s.size, nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, 0, err
	}
	f, err = createSegment(path, first)
	return s, f, size, err
}

// repair makes the newest segment end with its last whole record, and returns how long the file was. unborn says that the machine stopped while
// the segment was made: it holds nothing, not even its header.
func (s *segment) repair(f *os.File) (size int64, unborn bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("opening a block file: %w", err)
	}
	size = info.Size()
	zero, err := allZero(f, 0, size)
	if err != nil {
		return 0, false, fmt.Errorf("reading block file %s: %w", s.path, err)
	}
	if size < segmentHeaderSize || zero {
		return size, true, nil
	}
	if err := errors.Join(s.checkHeader(f), s.recall(f, size)); err != nil {
		return 0, false, err
	}
	if s.size > size { // what is missing here may be known elsewhere: all that there is counts
		s.size, s.offsets = segmentHeaderSize, nil
	}
	torn, err := s.scan(f, size)
	if err != nil || !torn {
		return size, false, err
	}
	if err = f.Truncate(s.size); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, false, fmt.Errorf("cutting an unfinished record off block file %s at offset %d: %w", s.path, s.size, err)
	}
	return size, false, nil
}

// checkHeader checks the segment's header.
func (s *segment) checkHeader(f *os.File) error {
	b := make([]byte, segmentHeaderSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading block file %s: %w", s.path, err)
	}
	first, problem := parseSegmentHeader(b[:n])
	if problem == "" && first != s.first {
		problem = fmt.Sprintf("segment begins with block %d where block %d was expected", first, s.first)
	}
	if problem != "" {
		return &CorruptError{File: s.path, Block: s.first, What: problem}
	}
	return nil
}

// shortened says what a file of that size has lost.
func (s *segment) shortened(size int64) error {
	at, block := s.size, s.next()
	for i := len(s.offsets) - 1; size < at && i >= 0; i-- {
		at, block = int64(s.offsets[i]), s.first+uint64(i)
	}
	return &CorruptError{File: s.path, Offset: at, Block: block, What: fmt.Sprintf("the file is %d bytes long where it had %d, so the damage begins", size, s.size)}
}

// seal writes the index beside the segment, all of which is durable. The index is complete under its name or not there.
func (s *segment) seal() error {
	tmp := s.indexPath() + ".tmp"
	if err := os.WriteFile(tmp, encodeIndex(s.first, s.size, s.offsets), 0o640); err != nil {
		return fmt.Errorf("writing a block file's index: %w", err)
	}
	if err := os.Rename(tmp, s.indexPath()); err != nil {
		return fmt.Errorf("writing a block file's index: %w", err)
	}
	return nil
}
