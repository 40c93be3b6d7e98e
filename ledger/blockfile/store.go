package blockfile

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sort"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/durable"
	"github.com/heddleledger/heddle/wire/commonpb"
)

const (
	defaultSegmentSize = 64 << 20
	maxSegmentSize     = 1 << 30 // record offsets are kept in 32 bits
)

// ErrNotFound is returned for a block that is not there. Clients of Fabric match on its text.
var ErrNotFound = errors.New("Entry not found in index")

// Fail points: between them lies each durable step of an append. See Options.Failpoint.
const (
	FailHalfWritten = "blockfile: half of the record is written"
	FailWritten     = "blockfile: the record is written"
	FailSynced      = "blockfile: the record is synced"
	FailSealed      = "blockfile: the full segment is sealed"
	FailRolled      = "blockfile: the next segment is created"
)

// Options tune a Store. Every field may be left zero except Log.
type Options struct {
	Log         *slog.Logger
	SegmentSize int64 // bytes after which a new file is begun; 64 MiB if zero, at most 1 GiB
	// Failpoint is for crash tests: it is called with the name of the step just done, and an error from it stops the store as a crash would.
	Failpoint func(step string) error
}

// Store is the open block file of one chain. Its methods may be called by many goroutines at once.
type Store struct {
	dir  string
	opts Options
	lock io.Closer

	shared sharing

	writing sync.Mutex // held while the file is written or synced; taken before mu
	failed  error      // set once the file's state is unknown; guarded by writing
	buf     []byte     // the record being written; guarded by writing

	mu       sync.RWMutex // guards what follows
	segments []*segment   // never empty; the last one is open in active
	active   *os.File
	closed   bool
}

// Open opens the block file in dir, creating it if there is none. It reads the indexes and, of the newest segment, the records that were appended
// after its index was written.
func Open(dir string, opts Options) (*Store, error) {
	if opts.SegmentSize <= 0 {
		opts.SegmentSize = defaultSegmentSize
	}
	opts.SegmentSize = min(opts.SegmentSize, maxSegmentSize)
	if err := durable.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("creating the block file's directory: %w", err)
	}
	lock, err := durable.Lock(dir)
	if err != nil {
		return nil, fmt.Errorf("block file %s is in use by another process: %w", dir, err)
	}
	s := &Store{dir: dir, opts: opts, lock: lock}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func (s *Store) load() error {
	count, err := segmentCount(s.dir)
	if err != nil {
		return err
	}
	if count == 0 {
		return s.begin(0)
	}
	next := uint64(0)
	for i := 1; i < count; i++ {
		seg, err := openSealed(segmentPath(s.dir, i), next)
		if err != nil {
			return err
		}
		s.segments = append(s.segments, seg)
		next = seg.next()
	}
	seg, f, cut, err := openLast(segmentPath(s.dir, count), next)
	if err != nil {
		return err
	}
	if cut > 0 {
		s.opts.Log.Warn("cut an unfinished record off the block file", "file", seg.path, "offset", seg.size, "bytes", cut, "block", seg.next())
	}
	s.segments, s.active = append(s.segments, seg), f
	return nil
}

// begin starts a new segment whose first block will be first.
func (s *Store) begin(first uint64) error {
	path := segmentPath(s.dir, len(s.segments)+1)
	f, err := createSegment(path, first)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments, s.active = append(s.segments, &segment{path: path, first: first, size: segmentHeaderSize}), f
	return nil
}

// Append writes the block, whose number must be Height, and returns when it is durable.
func (s *Store) Append(b *commonpb.Block) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.write(b); err != nil {
		return err
	}
	return s.sync()
}

// AppendNoSync writes the block, whose number must be Height. It can be read at once and outlives the process, but it is safe from a crash of
// the machine only after the next Append or Sync.
func (s *Store) AppendNoSync(b *commonpb.Block) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.write(b)
}

// Sync makes every appended block durable.
func (s *Store) Sync() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.failed != nil {
		return s.failed
	}
	return s.sync()
}

func (s *Store) write(b *commonpb.Block) error {
	if s.failed != nil {
		return s.failed
	}
	if b.GetHeader() == nil {
		return fmt.Errorf("a block without header cannot be appended to %s", s.dir)
	}
	number := b.Header.Number
	if height := s.Height(); number != height {
		return fmt.Errorf("block [%d] cannot follow block [%d] in %s: append block [%d] next", number, int64(height)-1, s.dir, height)
	}
	if err := s.encode(b, number); err != nil {
		return err
	}
	last := s.last()
	if last.size+int64(len(s.buf)) > s.opts.SegmentSize && len(last.offsets) > 0 {
		if err := s.roll(); err != nil {
			return s.fail(err)
		}
		last = s.last()
	}
	if err := s.writeRecord(last); err != nil {
		if s.failed != nil {
			return err
		}
		if undo := s.active.Truncate(last.size); undo != nil {
			return s.fail(errors.Join(err, undo))
		}
		return err
	}
	s.mu.Lock()
	last.offsets = append(last.offsets, uint32(last.size))
	last.size += int64(len(s.buf))
	s.mu.Unlock()
	return s.reach(FailWritten)
}

// encode fills buf with the block's record.
func (s *Store) encode(b *commonpb.Block, number uint64) error {
	const keep = 8 << 20 // a larger buffer is not held for the next block
	if cap(s.buf) < recordHeaderSize || cap(s.buf) > keep {
		s.buf = make([]byte, recordHeaderSize)
	}
	record, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(s.buf[:recordHeaderSize], b)
	if err != nil {
		return fmt.Errorf("encoding block [%d]: %w", number, err)
	}
	if int64(len(record)) > math.MaxUint32 {
		return fmt.Errorf("block [%d] has %d bytes, more than a record can hold", number, len(record))
	}
	putRecordHeader(record, number)
	s.buf = record
	return nil
}

func (s *Store) writeRecord(to *segment) error {
	if s.opts.Failpoint != nil {
		if _, err := s.active.WriteAt(s.buf[:len(s.buf)/2], to.size); err != nil {
			return fmt.Errorf("writing block file %s: %w", to.path, err)
		}
		if err := s.reach(FailHalfWritten); err != nil {
			return err
		}
	}
	if _, err := s.active.WriteAt(s.buf, to.size); err != nil {
		return fmt.Errorf("writing block file %s: %w", to.path, err)
	}
	return nil
}

// roll seals the last segment and begins the next. Older segments are always durable.
func (s *Store) roll() error {
	old, f := s.last(), s.active
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing block file %s: %w", old.path, err)
	}
	if err := old.seal(); err != nil {
		return err
	}
	if err := s.reach(FailSealed); err != nil {
		return err
	}
	if err := s.begin(old.next()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("closing block file %s: %w", old.path, err)
	}
	return s.reach(FailRolled)
}

func (s *Store) sync() error {
	if err := s.active.Sync(); err != nil {
		return s.fail(fmt.Errorf("syncing block file %s: %w", s.last().path, err))
	}
	return s.reach(FailSynced)
}

// fail keeps err as the answer to every later write: what the file holds is known only after Open has read it again.
func (s *Store) fail(err error) error {
	s.failed = fmt.Errorf("%w; the block file takes no more blocks until the node is restarted", err)
	return s.failed
}

func (s *Store) reach(step string) error {
	if s.opts.Failpoint == nil {
		return nil
	}
	if err := s.opts.Failpoint(step); err != nil {
		s.failed = err
		return err
	}
	return nil
}

// last is the segment being written. Only the writer, which holds writing, may use it without mu.
func (s *Store) last() *segment { return s.segments[len(s.segments)-1] }

// Height is the number of blocks, which is the number of the next one.
func (s *Store) Height() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last().next()
}

// Block reads block n. The error is ErrNotFound if there is none, a *CorruptError if it is damaged.
func (s *Store) Block(n uint64) (*commonpb.Block, error) {
	raw, err := s.RawBlock(n)
	if err != nil {
		return nil, err
	}
	b := &commonpb.Block{}
	if err := proto.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("block [%d] of %s: its checksum is right but it does not decode: %w", n, s.dir, err)
	}
	if b.Header == nil || b.Header.Number != n {
		return nil, fmt.Errorf("block [%d] of %s: its checksum is right but its header says [%d]", n, s.dir, b.GetHeader().GetNumber())
	}
	return b, nil
}

// RawBlock reads the encoded common.Block n exactly as it was stored. The caller must not change it: others may have the same bytes. Errors
// are those of Block.
func (s *Store) RawBlock(n uint64) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, fmt.Errorf("block file %s: %w", s.dir, os.ErrClosed)
	}
	if n >= s.last().next() {
		return nil, ErrNotFound
	}
	seg := s.holder(n)
	read := func() ([]byte, error) {
		if seg == s.last() {
			return seg.read(s.active, n)
		}
		f, err := os.Open(seg.path)
		if err != nil {
			return nil, fmt.Errorf("opening a block file: %w", err)
		}
		defer f.Close()
		return seg.read(f, n)
	}
	if begin, end := seg.record(n); end-begin < shareFrom {
		return read()
	}
	return s.shared.get(n, read)
}

// Size is how many bytes RawBlock(n) reads from the disk; 0 if there is no such block. It reads nothing itself.
func (s *Store) Size(n uint64) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n >= s.last().next() {
		return 0
	}
	begin, end := s.holder(n).record(n)
	return end - begin
}

// holder is the segment that holds block n, which is in one of them.
func (s *Store) holder(n uint64) *segment {
	return s.segments[sort.Search(len(s.segments), func(i int) bool { return s.segments[i].first > n })-1]
}

// record is where the record of block n begins and ends.
func (s *segment) record(n uint64) (begin, end int64) {
	i := n - s.first
	if i+1 < uint64(len(s.offsets)) {
		return int64(s.offsets[i]), int64(s.offsets[i+1])
	}
	return int64(s.offsets[i]), s.size
}

// read reads and checks the payload of block n.
func (s *segment) read(f io.ReaderAt, n uint64) ([]byte, error) {
	begin, end := s.record(n)
	corrupt := func(what string) error { return &CorruptError{File: s.path, Offset: begin, Block: n, What: what} }
	if end-begin < recordHeaderSize {
		return nil, corrupt("record cut short")
	}
	record := make([]byte, end-begin)
	if _, err := f.ReadAt(record, begin); errors.Is(err, io.EOF) {
		return nil, corrupt("the file ends inside a record")
	} else if err != nil {
		return nil, fmt.Errorf("reading block file %s at offset %d: %w", s.path, begin, err)
	}
	length, sum, problem := parseRecordHeader(record, n)
	payload := record[recordHeaderSize:]
	switch {
	case problem != "":
		return nil, corrupt(problem)
	case length != int64(len(payload)):
		return nil, corrupt("record length mismatch")
	case checksum(payload) != sum:
		return nil, corrupt("checksum mismatch")
	}
	return payload, nil
}

// End is the file that the next record goes to, and the offset there.
func (s *Store) End() (file string, offset int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last().path, s.last().size
}

// Close makes every appended block durable and closes the files, leaving an index for the next Open. Calling it again does nothing.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.failed == nil {
		if err = s.active.Sync(); err == nil {
			err = s.last().seal()
		}
		s.failed = fmt.Errorf("block file %s: %w", s.dir, os.ErrClosed)
	}
	return errors.Join(err, s.active.Close(), s.lock.Close())
}
