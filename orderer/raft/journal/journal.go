package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/heddleledger/heddle/ledger/durable"
)

// bufferKept is the largest buffer that is kept for the next frame.
const bufferKept = 4 << 20

// Journal is an open journal. It is for one goroutine at a time.
type Journal struct {
	dir string
	identity

	file    *os.File // nil if there is none yet, or after Close
	end     int64    // where the next frame goes
	durable int64    // bytes that are on the disk for sure
	buf     []byte   // to be used again
	failed  error    // set once nobody knows what is on the disk
}

// Open opens the journal in dir, or makes an empty one, and has replay called with the payload of every frame, which it must not keep. An error of
// replay ends it.
func Open(dir string, replay func(payload []byte) error) (*Journal, error) {
	if err := durable.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("creating the directory of the consensus log: %w", err)
	}
	j := &Journal{dir: dir}
	if err := j.tidy(); err != nil {
		return nil, fmt.Errorf("consensus log in %s: %w", dir, err)
	}
	if j.number == 0 {
		return j, nil
	}
	var err error
	if j.file, err = os.OpenFile(j.path(), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := j.load(replay); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// tidy finds the newest file, and completes what a Restart that was interrupted has left to do.
func (j *Journal) tidy() error {
	numbers, err := j.numbers()
	if err != nil {
		return err
	}
	if err := os.Remove(j.next()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(numbers) == 0 {
		if _, err := os.Stat(j.spare()); !errors.Is(err, fs.ErrNotExist) {
			return errors.New("the file with the log is missing, though a former one is there (spare): restore it from a copy, or, if the block file has " +
				"all blocks that others got, remove the directory to continue from the block file")
		}
		return nil
	}
	for _, j.number = range numbers[:len(numbers)-1] {
		if err := os.Rename(j.path(), j.spare()); err != nil {
			return err
		}
	}
	j.number = numbers[len(numbers)-1]
	return durable.SyncDir(j.dir) // before anybody relies on what is in a file by this name
}

// load reads the file, and cuts off what is behind its last frame: what was being written when the machine stopped, or what the file held when
// it was a spare one.
func (j *Journal) load(replay func(payload []byte) error) error {
	end, err := j.read(j.file, replay)
	if err != nil {
		return err
	}
	if err := errors.Join(j.file.Truncate(end), j.file.Sync()); err != nil {
		return fmt.Errorf("cutting %s: %w", j.path(), err)
	}
	j.end, j.durable = end, end
	return nil
}

// numbers are those of the files that there are, lowest first.
func (j *Journal) numbers() ([]uint64, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "log_")
		if n, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (j *Journal) path() string  { return filepath.Join(j.dir, fmt.Sprintf("log_%06d", j.number)) }
func (j *Journal) spare() string { return filepath.Join(j.dir, "spare") }
func (j *Journal) next() string  { return filepath.Join(j.dir, "next") }

// Append adds a frame whose payload encode appends to what it is given. With sync the frame, and all before it, is durable when Append returns.
func (j *Journal) Append(encode func([]byte) ([]byte, error), sync bool) error {
	switch {
	case j.failed != nil:
		return j.failed
	case j.file == nil:
		return fmt.Errorf("the consensus log in %s has not been begun, or is closed", j.dir)
	}
	b, err := j.encode(j.buf[:0], encode)
	if err != nil {
		return err
	}
	putFrameHeader(b, j.identity, j.end, j.durable)
	if _, err := j.file.WriteAt(b, j.end); err != nil {
		return j.fail(err)
	}
	j.end += int64(len(b))
	if sync {
		if err := durable.SyncData(j.file); err != nil {
			return j.fail(err)
		}
		j.durable = j.end
	}
	return nil
}

// encode appends a frame, whose header is still to be filled, to b, an empty buffer or one with a file's header.
func (j *Journal) encode(b []byte, encode func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(b) + frameHeaderSize
	b, err := encode(append(b, make([]byte, frameHeaderSize)...))
	if err != nil {
		return nil, err
	}
	if cap(b) <= bufferKept {
		j.buf = b
	}
	if n := len(b) - start; n > maxPayload {
		return nil, fmt.Errorf("a frame of the consensus log would have %d bytes, more than %d", n, uint32(maxPayload))
	}
	return b, nil
}

// Restart begins anew with a frame that encode appends, which is durable when Restart returns. What was written before is gone then.
func (j *Journal) Restart(encode func([]byte) ([]byte, error)) error {
	if j.failed != nil {
		return j.failed
	}
	next := j.successor()
	b, err := j.encode(appendFileHeader(j.buf[:0], next), encode)
	if err != nil {
		return err
	}
	putFrameHeader(b[fileHeaderSize:], next, fileHeaderSize, 0)
	if err := j.begin(next, b); err != nil {
		return j.fail(err)
	}
	return nil
}

// begin writes b as the beginning of the next file, puts that in the place of the present one, and sets the latter aside.
func (j *Journal) begin(next identity, b []byte) error {
	if err := os.Rename(j.spare(), j.next()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(j.next(), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	former, path := j.file, j.path()
	j.file, j.identity, j.end, j.durable = f, next, int64(len(b)), int64(len(b))
	err = j.establish(b)
	if former == nil {
		return err
	}
	if err == nil {
		err = os.Rename(path, j.spare())
	}
	return errors.Join(err, former.Close())
}

// establish makes what the next file holds, and then its name, durable.
func (j *Journal) establish(b []byte) error {
	if _, err := j.file.WriteAt(b, 0); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(j.next(), j.path()); err != nil {
		return err
	}
	return durable.SyncDir(j.dir)
}

// fail ends the use of the journal, of which nobody knows what is on the disk.
func (j *Journal) fail(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the file may have had another name when it was opened
	}
	j.failed = fmt.Errorf("the consensus log %s takes no more entries until this node is restarted, as one could not be written: %w", j.path(), err)
	return j.failed
}

// Close closes the file, which then ends with the last frame.
func (j *Journal) Close() error {
	f := j.file
	if f == nil {
		return nil
	}
	j.file = nil
	if j.failed != nil {
		return f.Close()
	}
	return errors.Join(f.Truncate(j.end), f.Close())
}
