package deliver

import (
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/comm"
)

// filteredBlocks makes the filtered form of a block once for all streams that send it: every client that waits for a transaction has one,
// and a block may take long to go through.
type filteredBlocks struct {
	making singleflight.Group

	mu    sync.Mutex
	known map[blockID]comm.Encoded
	size  int // of all known, in bytes
}

type blockID struct {
	channel string
	number  uint64
}

// maxKnown is how many bytes of filtered blocks are kept. When there are more, all are forgotten: most streams are at the newest block.
const maxKnown = 16 << 20

// get returns the answer for a block, which answer makes if nobody knows it. An error of answer is not remembered.
func (f *filteredBlocks) get(id blockID, answer func() (proto.Message, error)) (comm.Encoded, error) {
	if e, ok := f.find(id); ok {
		return e, nil
	}
	made, err, _ := f.making.Do(fmt.Sprint(id.number, id.channel), func() (any, error) {
		if e, ok := f.find(id); ok { // it was made since we looked
			return e, nil
		}
		m, err := answer()
		if err != nil {
			return nil, err
		}
		raw, err := proto.Marshal(m)
		if err != nil {
			return nil, err
		}
		e := comm.Encoded{raw}
		f.keep(id, e, len(raw))
		return e, nil
	})
	if err != nil {
		return nil, err
	}
	return made.(comm.Encoded), nil
}

func (f *filteredBlocks) find(id blockID) (comm.Encoded, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.known[id]
	return e, ok
}

func (f *filteredBlocks) keep(id blockID, e comm.Encoded, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || f.size+size > maxKnown {
		f.known, f.size = map[blockID]comm.Encoded{}, 0
	}
	if size <= maxKnown {
		f.known[id] = e
		f.size += size
	}
}
