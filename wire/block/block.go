// Package block computes the hashes of a block and reads and writes its metadata slots.
//
// A block is a header (number, previous hash, data hash), data (envelopes as bytes) and five metadata slots. The header hash covers
// the DER form of the header; the data hash covers the plain concatenation of the envelopes; metadata is not covered by any hash.
// Nothing here trusts its input: accessors return an error, or a zero value, for missing parts.
package block

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// metadataSlots is how many metadata slots a block has: SIGNATURES, LAST_CONFIG, TRANSACTIONS_FILTER, ORDERER, COMMIT_HASH.
const metadataSlots = 5

// New returns a block over envelopes (each an encoded common.Envelope) with its header complete and its metadata slots empty.
func New(number uint64, previousHash []byte, envelopes [][]byte) *commonpb.Block {
	b := &commonpb.Block{
		Header:   &commonpb.BlockHeader{Number: number, PreviousHash: previousHash},
		Data:     &commonpb.BlockData{Data: envelopes},
		Metadata: &commonpb.BlockMetadata{Metadata: make([][]byte, metadataSlots)},
	}
	b.Header.DataHash = DataHash(b.Data)
	return b
}

// HeaderBytes is the DER form SEQUENCE{INTEGER number, OCTET STRING previous_hash, OCTET STRING data_hash} that is hashed and signed.
func HeaderBytes(h *commonpb.BlockHeader) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Uint64(h.GetNumber())
		b.AddASN1OctetString(h.GetPreviousHash())
		b.AddASN1OctetString(h.GetDataHash())
	})
	return b.BytesOrPanic() // fails only past 4 GiB
}

// HeaderHash is the hash by which the next block names this one.
func HeaderHash(h *commonpb.BlockHeader) []byte {
	sum := sha256.Sum256(HeaderBytes(h))
	return sum[:]
}

// DataHash is the SHA-256 of all envelopes, one after the other without lengths.
func DataHash(d *commonpb.BlockData) []byte {
	h := sha256.New()
	for _, e := range d.GetData() {
		h.Write(e)
	}
	return h.Sum(nil)
}

// Check refuses a block that lacks a part or whose data does not match its header. It pads the metadata to its five slots.
func Check(b *commonpb.Block) error {
	switch {
	case b.GetHeader() == nil:
		return errors.New("block has no header")
	case b.GetData() == nil:
		return fmt.Errorf("block [%d] has no data", b.Header.Number)
	}
	if got := DataHash(b.Data); !bytes.Equal(got, b.Header.DataHash) {
		return fmt.Errorf("block [%d]: header says the data hashes to %x, but it hashes to %x", b.Header.Number, b.Header.DataHash, got)
	}
	pad(b)
	return nil
}

// Metadata decodes the slot i as a common.Metadata. An empty or missing slot gives an empty message.
func Metadata(b *commonpb.Block, i commonpb.BlockMetadataIndex) (*commonpb.Metadata, error) {
	m := &commonpb.Metadata{}
	if err := proto.Unmarshal(slot(b, i), m); err != nil {
		return nil, fmt.Errorf("block [%d]: metadata slot %s: %w", b.GetHeader().GetNumber(), i, err)
	}
	return m, nil
}

// SetMetadata encodes m into slot i.
func SetMetadata(b *commonpb.Block, i commonpb.BlockMetadataIndex, m *commonpb.Metadata) error {
	raw, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	pad(b)
	b.Metadata.Metadata[i] = raw
	return nil
}

// LastConfig is the number of the channel's newest configuration block as of b: from the value that the orderer signed (slot SIGNATURES) or,
// in blocks of orderers before 1.4.1, from the slot LAST_CONFIG.
func LastConfig(b *commonpb.Block) (uint64, error) {
	m, err := Metadata(b, commonpb.BlockMetadataIndex_SIGNATURES)
	if err != nil {
		return 0, err
	}
	signed := &commonpb.OrdererBlockMetadata{}
	if err := proto.Unmarshal(m.Value, signed); err != nil {
		return 0, fmt.Errorf("block [%d]: orderer block metadata: %w", b.GetHeader().GetNumber(), err)
	}
	if signed.LastConfig != nil {
		return signed.LastConfig.Index, nil
	}
	if m, err = Metadata(b, commonpb.BlockMetadataIndex_LAST_CONFIG); err != nil {
		return 0, err
	}
	last := &commonpb.LastConfig{}
	if err := proto.Unmarshal(m.Value, last); err != nil {
		return 0, fmt.Errorf("block [%d]: last config: %w", b.GetHeader().GetNumber(), err)
	}
	return last.Index, nil
}

// Codes are the validation codes a peer gave the block's transactions, one per envelope; nil before a peer has validated the block.
func Codes(b *commonpb.Block) []peerpb.TxValidationCode {
	raw := slot(b, commonpb.BlockMetadataIndex_TRANSACTIONS_FILTER)
	if len(raw) == 0 {
		return nil
	}
	codes := make([]peerpb.TxValidationCode, len(raw))
	for i, c := range raw {
		codes[i] = peerpb.TxValidationCode(c)
	}
	return codes
}

// SetCodes writes the validation codes, one byte each, as Fabric does.
func SetCodes(b *commonpb.Block, codes []peerpb.TxValidationCode) {
	raw := make([]byte, len(codes))
	for i, c := range codes {
		raw[i] = byte(c)
	}
	pad(b)
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_TRANSACTIONS_FILTER] = raw
}

// CommitHash is the hash over all state updates up to this block; nil in block 0 and before a peer has committed the block.
func CommitHash(b *commonpb.Block) []byte {
	m, err := Metadata(b, commonpb.BlockMetadataIndex_COMMIT_HASH)
	if err != nil {
		return nil
	}
	return m.Value
}

// SetCommitHash writes the commit hash.
func SetCommitHash(b *commonpb.Block, hash []byte) {
	pad(b)
	b.Metadata.Metadata[commonpb.BlockMetadataIndex_COMMIT_HASH] = wire.MustMarshal(&commonpb.Metadata{Value: hash})
}

func slot(b *commonpb.Block, i commonpb.BlockMetadataIndex) []byte {
	if s := b.GetMetadata().GetMetadata(); int(i) < len(s) {
		return s[i]
	}
	return nil
}

func pad(b *commonpb.Block) {
	if b.Metadata == nil {
		b.Metadata = &commonpb.BlockMetadata{}
	}
	for len(b.Metadata.Metadata) < metadataSlots {
		b.Metadata.Metadata = append(b.Metadata.Metadata, nil)
	}
}
