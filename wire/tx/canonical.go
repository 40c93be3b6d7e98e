package tx

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// CanonicalEnvelope decodes an encoded common.Envelope, if raw is its canonical encoding, without a copy: the envelope's bytes are raw's. Not canonical
// says only that it takes the general decoder to know more; nearly all envelopes come in their canonical form.
func CanonicalEnvelope(raw []byte) (e *commonpb.Envelope, canonical bool) {
	e = &commonpb.Envelope{}
	if e.Payload, raw, canonical = field(raw, 1); !canonical {
		return nil, false
	}
	if e.Signature, raw, canonical = field(raw, 2); !canonical || len(raw) > 0 {
		return nil, false
	}
	return e, true
}

// field takes the field with the number, which a canonical encoding has only if it is not empty, off b.
func field(b []byte, number protowire.Number) (value, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != byte(protowire.EncodeTag(number, protowire.BytesType)) {
		return nil, b, true
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || n != protowire.SizeVarint(size) || size == 0 || size > uint64(len(b)-1-n) {
		return nil, nil, false
	}
	b = b[1+n:]
	return b[:size:size], b[size:], true
}
