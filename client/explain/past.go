package explain

import (
	"context"
	"errors"
	"slices"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// past is the state before a block, read out of the blocks before it: newest first, and no further back than is needed or allowed. It is a
// validation.State.
type past struct {
	ctx    context.Context // of the one explanation that it is made for
	source Source
	number uint64 // of the block that this is the past of
	from   uint64 // the blocks from here to number-1 have been looked through
	floor  uint64 // and those before this one will not be

	values   map[statedb.Key]*write // the last write of each key, of those found so far
	metadata map[statedb.Key]*write // the last write of its metadata, or its last deletion

	repeated map[string]bool // ids of transactions that the peer found in an earlier block
	cut      bool            // something was not found because of floor
}

// write is what one transaction did to one key.
type write struct {
	at      statedb.Version
	txID    string
	value   []byte // of lscc's namespace; others' are not kept
	entries []*kvrwsetpb.KVMetadataEntry
	deleted bool
}

// step is how many blocks are fetched at a time.
const step = 64

func newPast(ctx context.Context, source Source, number, most uint64) *past {
	p := &past{ctx: ctx, source: source, number: number, from: number,
		values: map[statedb.Key]*write{}, metadata: map[statedb.Key]*write{}, repeated: map[string]bool{}}
	if most > 0 && number > most {
		p.floor = number - most
	}
	return p
}

// back looks at some more blocks; false when there are none that may be looked at.
func (p *past) back() (bool, error) {
	if p.from <= p.floor {
		p.cut = p.cut || p.floor > 0
		return false, nil
	}
	first := p.floor
	if p.from > first+step {
		first = p.from - step
	}
	var blocks []*commonpb.Block
	err := p.source.Blocks(p.ctx, first, p.from-1, func(b *commonpb.Block) error {
		blocks = append(blocks, b)
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, b := range slices.Backward(blocks) {
		codes := block.Codes(b)
		for i := len(b.GetData().GetData()) - 1; i >= 0; i-- {
			if i < len(codes) && codes[i] == peerpb.TxValidationCode_VALID {
				p.note(b.Data.Data[i], statedb.Version{Block: b.GetHeader().GetNumber(), Tx: uint64(i)})
			}
		}
	}
	p.from = first
	return true, nil
}

// note takes in a valid transaction, which comes before all that have been noted.
func (p *past) note(raw []byte, at statedb.Version) {
	id, set := written(raw)
	if set == nil {
		return
	}
	for _, ns := range set.Namespaces {
		for _, w := range ns.KV.Writes {
			v := &write{at: at, txID: id, deleted: w.GetIsDelete() || len(w.GetValue()) == 0}
			if ns.Name == "lscc" {
				v.value = w.GetValue()
			}
			p.add(statedb.Key{Namespace: ns.Name, Key: w.GetKey()}, v, nil)
		}
		for _, w := range ns.KV.MetadataWrites {
			p.add(statedb.Key{Namespace: ns.Name, Key: w.GetKey()}, nil, &write{at: at, txID: id, entries: w.GetEntries()})
		}
		for _, c := range ns.Collections {
			for _, w := range c.Hashed.HashedWrites {
				v := &write{at: at, txID: id, deleted: w.GetIsDelete() || len(w.GetValueHash()) == 0}
				p.add(statedb.Key{Namespace: ns.Name, Collection: c.Name, Key: string(w.GetKeyHash())}, v, nil)
			}
			for _, w := range c.Hashed.MetadataWrites {
				k := statedb.Key{Namespace: ns.Name, Collection: c.Name, Key: string(w.GetKeyHash())}
				p.add(k, nil, &write{at: at, txID: id, entries: w.GetEntries()})
			}
		}
	}
}

// add keeps a write of a key's value or of its metadata, unless a later one is known. A deletion takes the metadata along; writing the
// metadata gives the key a new version.
func (p *past) add(k statedb.Key, value, metadata *write) {
	if value == nil {
		value = &write{at: metadata.at, txID: metadata.txID}
		if k.Namespace == "lscc" {
			value = nil // the value that it leaves as it is has to be found
		}
	} else if value.deleted {
		metadata = value
	}
	if _, known := p.values[k]; !known && value != nil {
		p.values[k] = value
	}
	if _, known := p.metadata[k]; !known && metadata != nil {
		p.metadata[k] = metadata
	}
}

// find looks for the last write of a key in one of the maps, as far back as it may.
func (p *past) find(in map[statedb.Key]*write, k statedb.Key) (*write, error) {
	for {
		if w := in[k]; w != nil {
			return w, nil
		}
		if more, err := p.back(); err != nil || !more {
			return nil, err
		}
	}
}

// Get is the value of a key of lscc, the only ones that validation asks for. A definition that is older than the blocks that may be looked
// through is taken as it is now.
func (p *past) Get(ns, key string) ([]byte, error) {
	w, err := p.find(p.values, statedb.Key{Namespace: ns, Key: key})
	switch {
	case err != nil:
		return nil, err
	case w == nil && p.floor > 0:
		return p.source.Definition(p.ctx, key)
	case w == nil || w.deleted:
		return nil, nil
	}
	return w.value, nil
}

// Metadata is the metadata of a key.
func (p *past) Metadata(ns, key string) (map[string][]byte, error) {
	return p.entries(statedb.Key{Namespace: ns, Key: key})
}

// HashedMetadata is the metadata of a private key.
func (p *past) HashedMetadata(ns, collection string, keyHash []byte) (map[string][]byte, error) {
	return p.entries(statedb.Key{Namespace: ns, Collection: collection, Key: string(keyHash)})
}

func (p *past) entries(k statedb.Key) (map[string][]byte, error) {
	w, err := p.find(p.metadata, k)
	if err != nil || w == nil {
		return nil, err
	}
	m := map[string][]byte{}
	for _, e := range w.entries {
		m[e.GetName()] = e.GetValue()
	}
	return m, nil
}

// Range is for validation plugins. Only the default one judges here, and it asks for single keys.
func (p *past) Range(string, string, string) (*ledger.Iterator, error) {
	return nil, errors.New("the blocks before are searched for single keys only")
}

// HasTx says what the peer found.
func (p *past) HasTx(txid string) (bool, error) { return p.repeated[txid], nil }

// written is the id and the read-write set of an endorsed transaction; nil if the envelope holds none.
func written(raw []byte) (string, *rwset.Set) {
	e, err := tx.ParseEnvelope(raw)
	if err != nil || e.Type() != commonpb.HeaderType_ENDORSER_TRANSACTION {
		return "", nil
	}
	parsed, err := tx.ParseTransaction(e)
	if err != nil || parsed.Open() != nil {
		return "", nil
	}
	set, err := rwset.Parse(parsed.Action.Results)
	if err != nil {
		return "", nil
	}
	return e.TxID(), set
}
