package rwset

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
)

// MaxDegree is Fabric's: a range query with more results than this is recorded as hashes.
const MaxDegree = 50

// RangeReads summarises the results of one range query, added in order.
//
// The results are grouped by degree+1; each full group is hashed (SHA-256 of the QueryReads message) into a leaf. Hashes of one level are
// again grouped by degree+1 and each full group's concatenation hashed into the next level, so that no level ever keeps more than degree
// hashes. With no full group at the end, the reads stand as they are; else what is left over is hashed upwards to the highest level reached.
type RangeReads struct {
	degree  int
	pending []*kvrwsetpb.KVRead
	levels  [][][]byte // levels[0] are the leaves; the last one is never empty, except after Summary of nothing
}

// NewRangeReads begins a summary. It refuses a degree below 2, of which no tree can be made.
func NewRangeReads(degree uint32) (*RangeReads, error) {
	if degree < 2 {
		return nil, fmt.Errorf("maxDegree [%d] should not be less than 2 in the merkle tree", degree)
	}
	return &RangeReads{degree: int(degree)}, nil
}

// Add adds the next result.
func (r *RangeReads) Add(key string, version *kvrwsetpb.Version) error {
	r.pending = append(r.pending, &kvrwsetpb.KVRead{Key: key, Version: version})
	if len(r.pending) <= r.degree {
		return nil
	}
	return r.hashPending()
}

// Finish writes the summary into info: raw reads, Merkle hashes, or nothing if there were no results. Nothing may be added afterwards.
func (r *RangeReads) Finish(info *kvrwsetpb.RangeQueryInfo) error {
	summary, err := r.Summary()
	switch {
	case err != nil:
		return err
	case summary != nil:
		info.ReadsInfo = &kvrwsetpb.RangeQueryInfo_ReadsMerkleHashes{ReadsMerkleHashes: summary}
	case len(r.pending) > 0:
		info.ReadsInfo = &kvrwsetpb.RangeQueryInfo_RawReads{RawReads: &kvrwsetpb.QueryReads{KvReads: r.pending}}
	}
	return nil
}

// Summary completes the tree; nil if the results were too few for one. Nothing may be added afterwards.
func (r *RangeReads) Summary() (*kvrwsetpb.QueryReadsMerkleSummary, error) {
	if len(r.levels) == 0 {
		return nil, nil
	}
	if len(r.pending) > 0 {
		if err := r.hashPending(); err != nil {
			return nil, err
		}
	}
	for i := 0; i < len(r.levels)-1; i++ {
		switch hashes := r.levels[i]; len(hashes) {
		case 0:
		case 1: // a lone hash moves up as it is
			r.levels[i+1] = append(r.levels[i+1], hashes[0])
		default:
			r.levels[i+1] = append(r.levels[i+1], combine(hashes))
		}
		r.levels[i] = nil
	}
	if top := r.top(); len(top) > r.degree {
		r.levels[len(r.levels)-1] = nil
		r.levels = append(r.levels, [][]byte{combine(top)})
	}
	return &kvrwsetpb.QueryReadsMerkleSummary{MaxDegree: uint32(r.degree), MaxLevel: uint32(len(r.levels)), MaxLevelHashes: r.top()}, nil
}

// Diverged says that the results so far can no longer end in the summary want, if it has been asked after every Add.
func (r *RangeReads) Diverged(want *kvrwsetpb.QueryReadsMerkleSummary) bool {
	level := uint32(len(r.levels))
	if level < want.GetMaxLevel() || level == 0 {
		return false
	}
	top := r.top()
	last := len(top) - 1
	return level > want.GetMaxLevel() || last >= len(want.GetMaxLevelHashes()) || !bytes.Equal(top[last], want.MaxLevelHashes[last])
}

func (r *RangeReads) top() [][]byte { return r.levels[len(r.levels)-1] }

func (r *RangeReads) hashPending() error {
	raw, err := wire.Marshal(&kvrwsetpb.QueryReads{KvReads: r.pending})
	if err != nil {
		return err
	}
	r.pending = nil
	leaf := sha256.Sum256(raw)
	r.push(0, leaf[:])
	return nil
}

func (r *RangeReads) push(level int, hash []byte) {
	if level == len(r.levels) {
		r.levels = append(r.levels, nil)
	}
	r.levels[level] = append(r.levels[level], hash)
	if full := r.levels[level]; len(full) > r.degree {
		r.levels[level] = nil
		r.push(level+1, combine(full))
	}
}

func combine(hashes [][]byte) []byte {
	h := sha256.New()
	for _, b := range hashes {
		h.Write(b)
	}
	return h.Sum(nil)
}
