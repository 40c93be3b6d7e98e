package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/heddleledger/heddle/client"
)

// Distribution says which keys operations touch.
type Distribution string

// The distributions.
const (
	Unique Distribution = "unique" // keys that no other operation touches
	Zipf   Distribution = "zipf"   // out of KeySpace keys, a few of them most of the time (exponent 1.1)
)

// Workload is what each operation asks the chaincode `load` of the samples to do.
type Workload struct {
	ChannelID string
	Chaincode string
	Reads     int // keys read
	Writes    int // keys written
	ValueSize int // bytes of each value written
	Keys      Distribution
	KeySpace  int    // of Zipf
	Prefix    string // of all keys, so that runs on one channel do not meet
}

// Validate says what is wrong with the workload.
func (w *Workload) Validate() error {
	switch {
	case w.Reads < 0 || w.Writes < 0 || w.ValueSize < 0:
		return fmt.Errorf("reads (%d), writes (%d) and the size of values (%d) cannot be negative", w.Reads, w.Writes, w.ValueSize)
	case w.Keys != Unique && w.Keys != Zipf:
		return fmt.Errorf("the distribution of keys is %s or %s, not %q", Unique, Zipf, w.Keys)
	case w.Keys == Zipf && w.KeySpace < 2:
		return fmt.Errorf("a zipf distribution needs at least 2 keys, not %d", w.KeySpace)
	}
	return nil
}

// requests makes a worker's requests. It is for one goroutine.
type requests struct {
	*Workload
	value []byte
	zipf  *rand.Zipf
}

func (w *Workload) requests(worker int) *requests {
	r := &requests{Workload: w, value: bytes.Repeat([]byte{'v'}, w.ValueSize)}
	if w.Keys == Zipf {
		source := rand.New(rand.NewPCG(uint64(worker), 1))
		r.zipf = rand.NewZipf(source, 1.1, 1, uint64(w.KeySpace-1))
	}
	return r
}

// next is the request of operation i.
func (r *requests) next(i int) client.Request {
	return client.Request{ChannelID: r.ChannelID, Chaincode: r.Chaincode, Args: [][]byte{
		[]byte("rw"), r.keys("r", i, r.Reads), r.keys("w", i, r.Writes), r.value,
	}}
}

func (r *requests) keys(kind string, i, n int) []byte {
	keys := make([]string, n)
	for k := range keys {
		if r.zipf != nil {
			keys[k] = fmt.Sprintf("%s%d", r.Prefix, r.zipf.Uint64())
		} else {
			keys[k] = fmt.Sprintf("%s%s%d.%d", r.Prefix, kind, i, k)
		}
	}
	return []byte(strings.Join(keys, ","))
}
