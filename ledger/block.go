package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// ConfigKey is where the channel's configuration (a common.Config) is kept, in namespace "".
const ConfigKey = "resourcesconfigtx.CHANNEL_CONFIG_KEY"

// Block is a block whose transactions have been judged by everything but MVCC.
type Block struct {
	*commonpb.Block
	Txs []Tx // one per envelope
}

// Tx is one transaction of a Block.
type Tx struct {
	// ID is the channel header's txid, also of an invalid transaction; empty if there is none or it cannot be read. For an empty one, the ledger
	// indexes the id that nonce and creator give, as Fabric does.
	ID    string
	Type  commonpb.HeaderType
	Code  peerpb.TxValidationCode // VALID: valid so far
	RWSet *rwset.Set              // what a VALID transaction read and wrote; nil only if its type does neither
	Fresh bool                    // somebody has looked already: no earlier block holds a transaction with this ID

	Conflict *Conflict // set by Commit, where MVCC is what makes the transaction invalid; Ledger.Explain completes it
}

// writes says whether transactions of this type change the state.
func (t *Tx) writes() bool {
	return t.Type == commonpb.HeaderType_ENDORSER_TRANSACTION || t.Type == commonpb.HeaderType_CONFIG
}

// ConfigRWSet is what a CONFIG transaction writes: the configuration it carries, under ConfigKey. It reads nothing.
func ConfigRWSet(e *tx.Envelope) (*rwset.Set, error) {
	c := &commonpb.ConfigEnvelope{}
	if err := wire.UnmarshalAs14(e.Data, c); err != nil {
		return nil, fmt.Errorf("error unmarshaling ConfigEnvelope: %w", err)
	}
	if c.Config == nil {
		return nil, errors.New("Channel config found nil")
	}
	value, err := wire.Marshal(c.Config)
	if err != nil {
		return nil, err
	}
	write := &kvrwsetpb.KVWrite{Key: ConfigKey, Value: value}
	return &rwset.Set{Namespaces: []rwset.Namespace{{KV: &kvrwsetpb.KVRWSet{Writes: []*kvrwsetpb.KVWrite{write}}}}}, nil
}

// check refuses a block that cannot be the one after info's last. That the envelopes hash to the header's data hash was checked where the
// block came in (block.Check); it is not done again here.
func (b *Block) check(info *commonpb.BlockchainInfo) error {
	switch {
	case b.Block.GetHeader() == nil || b.GetData() == nil:
		return fmt.Errorf("block without header or data where block [%d] was expected", info.Height)
	case b.Header.Number != info.Height:
		return fmt.Errorf("block [%d] is out of order: the next block is [%d]", b.Header.Number, info.Height)
	case !bytes.Equal(b.Header.PreviousHash, info.CurrentBlockHash):
		return fmt.Errorf("block [%d] follows a block with hash %x, but the last one here hashes to %x: it belongs to another chain",
			b.Header.Number, b.Header.PreviousHash, info.CurrentBlockHash)
	case len(b.Txs) != len(b.Data.Data):
		return fmt.Errorf("block [%d] has %d envelopes, but %d of them were judged", b.Header.Number, len(b.Data.Data), len(b.Txs))
	}
	for i := range b.Txs {
		if t := &b.Txs[i]; t.Code == peerpb.TxValidationCode_VALID && t.RWSet == nil && t.writes() {
			return fmt.Errorf("block [%d]: transaction %d [%s] is valid but came without its read-write set", b.Header.Number, i, t.ID)
		}
	}
	return nil
}

// restore makes of a stored block what was committed: its codes are final.
func restore(b *commonpb.Block) (*Block, error) {
	if b.GetHeader() == nil || b.GetData() == nil {
		return nil, errors.New("block without header or data")
	}
	codes := block.Codes(b)
	if len(codes) != len(b.Data.Data) {
		return nil, fmt.Errorf("block [%d] has %d envelopes, but its metadata has %d validation codes", b.Header.Number, len(b.Data.Data), len(codes))
	}
	r := &Block{Block: b, Txs: make([]Tx, len(codes))}
	for i, raw := range b.Data.Data {
		t := &r.Txs[i]
		t.Code = codes[i]
		e, err := tx.ParseEnvelope(raw)
		if err == nil {
			t.ID, t.Type = e.TxID(), e.Type()
			if t.Code == peerpb.TxValidationCode_VALID {
				t.RWSet, err = writtenBy(e)
			}
		}
		if err != nil && t.Code == peerpb.TxValidationCode_VALID {
			return nil, fmt.Errorf("block [%d], transaction %d was valid but cannot be read again: %w", b.Header.Number, i, err)
		}
	}
	return r, nil
}

// writtenBy is the read-write set of a valid transaction. That it was well-formed has been decided when it was committed; here only the way
// to the set is followed.
func writtenBy(e *tx.Envelope) (*rwset.Set, error) {
	switch e.Type() {
	case commonpb.HeaderType_CONFIG:
		return ConfigRWSet(e)
	case commonpb.HeaderType_ENDORSER_TRANSACTION:
		transaction, payload := &peerpb.Transaction{}, &peerpb.ChaincodeActionPayload{}
		response, action := &peerpb.ProposalResponsePayload{}, &peerpb.ChaincodeAction{}
		if err := wire.UnmarshalInPlace(e.Data, transaction); err != nil {
			return nil, fmt.Errorf("error unmarshaling Transaction: %w", err)
		}
		if len(transaction.Actions) == 0 {
			return nil, errors.New("the transaction has no action")
		}
		if err := wire.UnmarshalInPlace(transaction.Actions[0].GetPayload(), payload); err != nil {
			return nil, fmt.Errorf("error unmarshaling ChaincodeActionPayload: %w", err)
		}
		if err := wire.UnmarshalInPlace(payload.GetAction().GetProposalResponsePayload(), response); err != nil {
			return nil, fmt.Errorf("error unmarshaling ProposalResponsePayload: %w", err)
		}
		if err := wire.UnmarshalInPlace(response.GetExtension(), action); err != nil {
			return nil, fmt.Errorf("error unmarshaling ChaincodeAction: %w", err)
		}
		return rwset.Parse(action.Results)
	}
	return nil, nil
}

// indexID is the id that a transaction is found by: the one its channel header claims, else the one that nonce and creator give. It is empty if the
// envelope cannot be read so far.
func (b *Block) indexID(i int) string {
	if b.Txs[i].ID != "" {
		return b.Txs[i].ID
	}
	envelope, payload := &commonpb.Envelope{}, &commonpb.Payload{}
	channel, signature := &commonpb.ChannelHeader{}, &commonpb.SignatureHeader{}
	if wire.UnmarshalInPlace(b.Data.Data[i], envelope) != nil || wire.UnmarshalInPlace(envelope.Payload, payload) != nil ||
		payload.Header == nil || wire.UnmarshalInPlace(payload.Header.ChannelHeader, channel) != nil {
		return ""
	}
	if channel.TxId != "" {
		return channel.TxId
	}
	if wire.UnmarshalInPlace(payload.Header.SignatureHeader, signature) != nil {
		return ""
	}
	return tx.ID(signature.Nonce, signature.Creator)
}
