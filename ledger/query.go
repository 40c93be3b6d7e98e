package ledger

import (
	"fmt"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// BlockByHash reads the block whose header has this hash. The error is ErrNotFound if there is none.
func (l *Ledger) BlockByHash(hash []byte) (*commonpb.Block, error) {
	if err := l.acquire(); err != nil {
		return nil, err
	}
	defer l.release()
	n, found, err := l.state.BlockNumber(hash)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	return l.blocks.Block(n)
}

// BlockByTxID reads the block that holds the first transaction with this id, valid or not. The error is ErrNotFound if there is none.
func (l *Ledger) BlockByTxID(txid string) (*commonpb.Block, error) {
	at, err := l.locate(txid)
	if err != nil {
		return nil, err
	}
	return l.blocks.Block(at.Block)
}

// TransactionByID reads the first transaction with this id, and its validation code. The error is ErrNotFound if there is none.
func (l *Ledger) TransactionByID(txid string) (*peerpb.ProcessedTransaction, error) {
	at, err := l.locate(txid)
	if err != nil {
		return nil, err
	}
	raw, err := l.blocks.RawBlock(at.Block)
	if err != nil {
		return nil, err
	}
	envelope, err := envelopeAt(raw, at.Version)
	if err != nil {
		return nil, err
	}
	t := &peerpb.ProcessedTransaction{TransactionEnvelope: &commonpb.Envelope{}, ValidationCode: int32(at.Code)}
	if err := proto.Unmarshal(envelope, t.TransactionEnvelope); err != nil {
		return nil, fmt.Errorf("error unmarshaling Envelope of transaction [%s]: %w", txid, err)
	}
	return t, nil
}

// Code is the validation code of the first transaction with this id. The error is ErrNotFound if there is none.
func (l *Ledger) Code(txid string) (peerpb.TxValidationCode, error) {
	at, err := l.locate(txid)
	return peerpb.TxValidationCode(at.Code), err
}

// HasTx says whether a block holds a transaction with this id, valid or not.
func (l *Ledger) HasTx(txid string) (bool, error) {
	s, err := l.NewSnapshot()
	if err != nil {
		return false, err
	}
	defer s.Close()
	return s.HasTx(txid)
}

func (l *Ledger) locate(txid string) (statedb.TxLocation, error) {
	if err := l.acquire(); err != nil {
		return statedb.TxLocation{}, err
	}
	defer l.release()
	at, found, err := l.state.Tx(txid)
	if err == nil && !found {
		err = ErrNotFound
	}
	return at, err
}

// envelopeAt cuts one envelope out of an encoded block without decoding the others.
func envelopeAt(raw []byte, at statedb.Version) ([]byte, error) {
	const fieldData = 2 // of common.Block; and in common.BlockData, field 1 repeats the envelopes
	i := at.Tx
	for data := range fields(raw, fieldData) {
		for envelope := range fields(data, 1) {
			if i == 0 {
				return envelope, nil
			}
			i--
		}
	}
	return nil, fmt.Errorf("block [%d] has no transaction %d, though the index names it: delete the peer's state store, and it is made again from the block file", at.Block, at.Tx)
}

// fields yields the values of a length-delimited field of an encoded message, up to the first malformed one.
func fields(b []byte, number protowire.Number) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 {
				return
			}
			b = b[n:]
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return
			}
			if num == number && typ == protowire.BytesType {
				if v, _ := protowire.ConsumeBytes(b); !yield(v) {
					return
				}
			}
			b = b[n:]
		}
	}
}
