package blockfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/heddleledger/heddle/ledger/durable"
)

// Cutting is a block file that is held to have blocks cut off its end, while no node uses it. It counts the blocks up to the first damage, so
// that a damaged file can be cut back to its sound part.
type Cutting struct {
	lock     io.Closer
	count    int        // of segment files
	segments []*segment // the sound ones; of the last of them, perhaps only the first records
}

// OpenCutting takes the block file in dir, which must be there, and reads all of it. It must be closed.
func OpenCutting(dir string) (*Cutting, error) {
	count, err := segmentCount(dir)
	if err != nil {
		return nil, err
	}
	lock, err := durable.Lock(dir)
	if err != nil {
		return nil, fmt.Errorf("block file %s is in use by another process: %w", dir, err)
	}
	c := &Cutting{lock: lock, count: count}
	for i := 1; i <= count; i++ {
		seg := &segment{path: segmentPath(dir, i), first: c.Height()}
		err := seg.survey()
		if damaged := (*CorruptError)(nil); err != nil && !errors.As(err, &damaged) {
			return nil, errors.Join(err, lock.Close())
		}
		c.segments = append(c.segments, seg)
		if err != nil {
			break
		}
	}
	return c, nil
}

// survey finds the segment's whole records, up to an error.
func (s *segment) survey() error {
	s.size = segmentHeaderSize
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("opening a block file: %w", err)
	}
	defer f.Close()
	if err := s.checkHeader(f); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening a block file: %w", err)
	}
	_, err = s.scan(f, info.Size())
	return err
}

// Height is the number of sound blocks.
func (c *Cutting) Height() uint64 {
	if len(c.segments) == 0 {
		return 0
	}
	return c.segments[len(c.segments)-1].next()
}

// Cut leaves the first height blocks, of which there must be at least one and as many. Interrupted, it leaves more.
func (c *Cutting) Cut(height uint64) error {
	if height == 0 || height > c.Height() {
		return fmt.Errorf("the block file has %d sound blocks and cannot be cut back to %d", c.Height(), height)
	}
	last := 0
	for c.segments[last].next() < height {
		last++
	}
	seg := c.segments[last]
	dir := filepath.Dir(seg.path)
	for i := c.count; i > last+1; i-- {
		if err := (&segment{path: segmentPath(dir, i)}).remove(); err != nil {
			return err
		}
	}
	end := seg.size
	if height < seg.next() {
		end = int64(seg.offsets[height-seg.first])
	}
	if err := seg.truncate(end); err != nil {
		return err
	}
	seg.offsets = seg.offsets[:height-seg.first]
	c.segments, c.count = c.segments[:last+1], last+1
	return nil
}

// remove removes a segment for good, so that the next can be removed only after it. Like truncate, it lets no index outlive what it tells of.
func (s *segment) remove() error {
	if err := s.dropIndex(); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil {
		return fmt.Errorf("removing a block file: %w", err)
	}
	return durable.SyncDir(filepath.Dir(s.path))
}

// truncate cuts the segment, which becomes the last one. Its index goes first: others will take the place of the records that are cut off.
func (s *segment) truncate(end int64) error {
	if err := s.dropIndex(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening a block file: %w", err)
	}
	if err = f.Truncate(end); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cutting block file %s at offset %d: %w", s.path, end, err)
	}
	s.size = end
	return nil
}

// dropIndex removes the segment's index for good, if it has one.
func (s *segment) dropIndex() error {
	if err := os.Remove(s.indexPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a block file's index: %w", err)
	}
	return durable.SyncDir(filepath.Dir(s.path))
}

// Close gives the block file back.
func (c *Cutting) Close() error { return c.lock.Close() }
