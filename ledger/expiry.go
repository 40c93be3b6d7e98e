package ledger

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// A collection may be configured with a block-to-live: b blocks after a private value was written, that is with the commit of block
// written + b + 1, peers forget it and its hash. The commit hash does not cover this, but MVCC sees it: the hash then reads as missing.

// expire removes the hashed entries that are due at this block, unless the block writes them anew, and schedules the end of those it writes.
func (u *updates) expire(batch *statedb.Batch, number uint64) error {
	due, err := u.committed.Expiring(number)
	if err != nil {
		return err
	}
	for _, e := range due {
		v, found, err := u.committed.Get(e.Key)
		if err == nil && found && v.Version.Block == e.Written && u.find(e.Key) == nil {
			err = batch.Delete(e.Key)
		}
		if err == nil {
			err = batch.Unschedule(e)
		}
		if err != nil {
			return err
		}
	}
	for name, ns := range u.namespaces {
		for collection, group := range ns.collections {
			if err := u.schedule(batch, number, statedb.Key{Namespace: name, Collection: collection}, group); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *updates) schedule(batch *statedb.Batch, number uint64, k statedb.Key, group map[string]*update) error {
	life, err := u.blockToLive(k.Namespace, k.Collection)
	if err != nil || life == 0 || life > math.MaxUint64-1-number {
		return err
	}
	for key, up := range group {
		if up.deleted {
			continue
		}
		k.Key = key
		if err := batch.Expire(statedb.Expiry{Key: k, At: number + life + 1, Written: number}); err != nil {
			return err
		}
	}
	return nil
}

// blockToLive is what the chaincode's collection configuration, which lscc keeps, says of a collection; 0 means for ever.
func (u *updates) blockToLive(chaincode, collection string) (uint64, error) {
	v, found, err := u.committed.Get(statedb.Key{Namespace: "lscc", Key: chaincode + "~collection"})
	if err != nil || !found {
		return 0, err
	}
	p := &commonpb.CollectionConfigPackage{}
	if err := proto.Unmarshal(v.Value, p); err != nil {
		return 0, fmt.Errorf("error unmarshaling the collection configuration of chaincode [%s]: %w", chaincode, err)
	}
	for _, c := range p.Config {
		if s := c.GetStaticCollectionConfig(); s.GetName() == collection {
			return s.GetBlockToLive(), nil
		}
	}
	return 0, nil
}
