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
	dir    string
	number uint64 // of the file; 0 if there is none yet

	file    *os.File // nil if there is none yet
	end     int64    // where the next frame goes
	durable int64    // bytes that are on the disk for sure
	buf     []byte   // the frame being written
	failed  error    // set once nobody knows what is on the disk
}

// Open opens the journal in dir, or makes an empty one, and has replay called with the payload of every frame. An error of replay ends it.
func Open(dir string, replay func(payload []byte) error) (*Journal, error) {
	if err := durable.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("creating the directory of the consensus log: %w", err)
	}
	j := &Journal{dir: dir}
	if err := os.Remove(j.next()); err != nil && !errors.Is(err, fs.ErrNotExist) { // an interrupted Restart left it
		return nil, err
	}
	numbers, err := j.numbers()
	if err != nil || len(numbers) == 0 {
		return j, err
	}
	// The last Restart may have been interrupted before the former file had its other name.
	last := len(numbers) - 1
	for _, j.number = range numbers[:last] {
		if err := os.Rename(j.path(), j.spare()); err != nil {
			return nil, err
		}
	}
	j.number = numbers[last]
	if j.file, err = os.OpenFile(j.path(), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := j.load(replay); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
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
		return fmt.Errorf("the consensus log in %s has not been begun", j.dir)
	}
	b, err := j.encode(j.buf[:0], encode)
	if err != nil {
		return err
	}
	putFrameHeader(b, j.number, j.end, j.durable)
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

// encode appends a frame whose header is still to be filled to b, which is the buffer if it is not too large.
func (j *Journal) encode(b []byte, encode func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(b)
	b, err := encode(append(b, make([]byte, frameHeaderSize)...))
	if err != nil {
		return nil, err
	}
	if cap(b) <= bufferKept {
		j.buf = b
	}
	if n := len(b) - start - frameHeaderSize; n > maxPayload {
		return nil, fmt.Errorf("a frame of the consensus log would have %d bytes, more than %d", n, maxPayload)
	}
	return b, nil
}

// Restart begins anew with a frame that encode appends, which is durable when Restart returns. What was written before is gone then.
func (j *Journal) Restart(encode func([]byte) ([]byte, error)) error {
	if j.failed != nil {
		return j.failed
	}
	b, err := j.encode(appendFileHeader(j.buf[:0], j.number+1), encode)
	if err != nil {
		return err
	}
	putFrameHeader(b[fileHeaderSize:], j.number+1, fileHeaderSize, 0)
	if err := j.begin(b); err != nil {
		return j.fail(err)
	}
	return nil
}

// begin makes the next file, which begins with b, the journal's.
func (j *Journal) begin(b []byte) error {
	if err := os.Rename(j.spare(), j.next()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(j.next(), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	former, old := j.path(), j.file
	j.number++
	if err == nil {
		err = os.Rename(j.next(), j.path())
	}
	if err == nil {
		err = durable.SyncDir(j.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.file, j.end, j.durable = f, int64(len(b)), int64(len(b))
	if old == nil {
		return nil
	}
	return errors.Join(old.Close(), os.Rename(former, j.spare()))
}

// fail ends the use of the journal, of which nobody knows what is on the disk.
func (j *Journal) fail(err error) error {
	j.failed = fmt.Errorf("the consensus log in %s takes no more entries until this node is restarted, as one could not be written: %w", j.dir, err)
	return j.failed
}

// Size is how many bytes the frames so far take.
func (j *Journal) Size() int64 { return j.end }

// Close closes the file, which then ends with the last frame.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	if j.failed != nil {
		return j.file.Close()
	}
	return errors.Join(j.file.Truncate(j.end), j.file.Close())
}
