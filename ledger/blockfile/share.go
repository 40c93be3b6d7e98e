package blockfile

import (
	"maps"
	"strconv"
	"sync"
	"unsafe"
	"weak"

	"golang.org/x/sync/singleflight"
)

// shareFrom is the size from which readers of a block share its bytes. A thousand clients may be sent the same block of megabytes, slowly.
const shareFrom = 32 << 10

// sharing gives those who read a large block while another still has its bytes the same bytes. It keeps nothing alive itself: once nobody has
// them, not even the network stack that sends them, the next reader reads the file.
type sharing struct {
	reading singleflight.Group

	mu     sync.Mutex
	blocks map[uint64]held
}

// held is a block's bytes as long as somebody else keeps them.
type held struct {
	first weak.Pointer[byte]
	size  int
}

func (h held) bytes() []byte {
	first := h.first.Value()
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, h.size) // the array that first was taken from, and keeps alive, has this many bytes from there
}

// get returns the bytes of block n that somebody has, or those that read reads.
func (s *sharing) get(n uint64, read func() ([]byte, error)) ([]byte, error) {
	b, err, _ := s.reading.Do(strconv.FormatUint(n, 10), func() (any, error) {
		if b := s.find(n); b != nil {
			return b, nil
		}
		b, err := read()
		if err == nil {
			s.offer(n, b)
		}
		return b, err
	})
	if err != nil {
		return nil, err
	}
	return b.([]byte), nil
}

func (s *sharing) find(n uint64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocks[n].bytes()
}

// sweepAt is how many blocks are remembered before those that nobody has are forgotten.
const sweepAt = 256

func (s *sharing) offer(n uint64, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks == nil {
		s.blocks = map[uint64]held{}
	}
	if len(s.blocks) >= sweepAt {
		maps.DeleteFunc(s.blocks, func(_ uint64, h held) bool { return h.first.Value() == nil })
	}
	s.blocks[n] = held{weak.Make(&b[0]), len(b)}
}
