package tx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Error says why bytes are not a transaction, and the validation code that a block records for it.
type Error struct {
	Code peerpb.TxValidationCode
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func refuse(code peerpb.TxValidationCode, format string, args ...any) *Error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// Header is the pair of headers that opens every proposal and every envelope, decoded and as bytes.
type Header struct {
	Channel        *commonpb.ChannelHeader
	Signature      *commonpb.SignatureHeader
	ChannelBytes   []byte
	SignatureBytes []byte
}

// ChannelID names the channel the message is for; empty for a peer-wide request.
func (h *Header) ChannelID() string { return h.Channel.GetChannelId() }

// TxID is the transaction id the sender claims. CheckTxID tells whether it is the right one.
func (h *Header) TxID() string { return h.Channel.GetTxId() }

// Type is the kind of message, as the sender claims.
func (h *Header) Type() commonpb.HeaderType { return commonpb.HeaderType(h.Channel.GetType()) }

// Creator is the sender's serialized identity.
func (h *Header) Creator() []byte { return h.Signature.GetCreator() }

// ID is the transaction id that nonce and creator give: the lower-case hex of SHA-256(nonce + creator).
func ID(nonce, creator []byte) string {
	h := sha256.New()
	h.Write(nonce)
	h.Write(creator)
	return hex.EncodeToString(h.Sum(nil))
}

// ExpectedTxID is the transaction id that the header's nonce and creator give.
func (h *Header) ExpectedTxID() string { return ID(h.Signature.GetNonce(), h.Signature.GetCreator()) }

func parseHeader(h *commonpb.Header) (Header, error) {
	p, err := parseChannelHeader(h)
	if err != nil {
		return p, err
	}
	return p, p.ParseSignature()
}

func parseChannelHeader(h *commonpb.Header) (Header, error) {
	p := Header{Channel: &commonpb.ChannelHeader{}, ChannelBytes: h.GetChannelHeader(), SignatureBytes: h.GetSignatureHeader()}
	if err := wire.UnmarshalInPlace(p.ChannelBytes, p.Channel); err != nil {
		return p, fmt.Errorf("error unmarshaling ChannelHeader: %w", err)
	}
	return p, nil
}

// ParseSignature decodes the signature header, which FromChannelHeader has left alone.
func (h *Header) ParseSignature() error {
	h.Signature = &commonpb.SignatureHeader{}
	if err := wire.UnmarshalInPlace(h.SignatureBytes, h.Signature); err != nil {
		return fmt.Errorf("error unmarshaling SignatureHeader: %w", err)
	}
	return nil
}

// Envelope is a signed message: a payload of two headers and data.
type Envelope struct {
	Raw       []byte // the encoded common.Envelope; nil when made by FromEnvelope
	Payload   []byte // what Signature covers
	Signature []byte
	Header
	Data []byte // its meaning depends on Type
}

// ParseEnvelope decodes an encoded common.Envelope, such as one of a block's data, down to its headers. Its errors are of type *Error.
func ParseEnvelope(raw []byte) (*Envelope, error) {
	if raw == nil {
		return nil, refuse(peerpb.TxValidationCode_NIL_ENVELOPE, "nil envelope")
	}
	e := &commonpb.Envelope{}
	if err := wire.UnmarshalInPlace(raw, e); err != nil {
		return nil, refuse(peerpb.TxValidationCode_INVALID_OTHER_REASON, "error unmarshaling Envelope: %w", err)
	}
	p, err := FromEnvelope(e)
	if p != nil {
		p.Raw = raw
	}
	return p, err
}

// FromEnvelope decodes the payload and headers of e. Its errors are of type *Error.
func FromEnvelope(e *commonpb.Envelope) (*Envelope, error) {
	p, err := FromChannelHeader(e)
	if err != nil {
		return nil, err
	}
	if err := p.ParseSignature(); err != nil {
		return nil, &Error{Code: peerpb.TxValidationCode_BAD_COMMON_HEADER, Err: err}
	}
	return p, nil
}

// FromChannelHeader is FromEnvelope for an orderer, which knows the channel before it cares who speaks: the signature header is left to
// ParseSignature, and there is no creator before.
func FromChannelHeader(e *commonpb.Envelope) (*Envelope, error) {
	if e == nil {
		return nil, refuse(peerpb.TxValidationCode_NIL_ENVELOPE, "nil envelope")
	}
	payload := &commonpb.Payload{}
	if err := wire.UnmarshalInPlace(e.Payload, payload); err != nil {
		return nil, refuse(peerpb.TxValidationCode_BAD_PAYLOAD, "error unmarshaling Payload: %w", err)
	}
	if payload.Header == nil {
		return nil, refuse(peerpb.TxValidationCode_BAD_COMMON_HEADER, "header not set")
	}
	h, err := parseChannelHeader(payload.Header)
	if err != nil {
		return nil, refuse(peerpb.TxValidationCode_BAD_COMMON_HEADER, "error unmarshaling channel header: %w", err)
	}
	return &Envelope{Payload: e.Payload, Signature: e.Signature, Header: h, Data: payload.Data}, nil
}

// Envelope gives back the message that e was parsed from.
func (e *Envelope) Envelope() *commonpb.Envelope {
	return &commonpb.Envelope{Payload: e.Payload, Signature: e.Signature}
}

// HeaderExtension decodes the channel header's extension of an endorser transaction or proposal.
func (h *Header) HeaderExtension() (*peerpb.ChaincodeHeaderExtension, error) {
	x := &peerpb.ChaincodeHeaderExtension{}
	if err := wire.UnmarshalInPlace(h.Channel.GetExtension(), x); err != nil {
		return nil, fmt.Errorf("error unmarshaling ChaincodeHeaderExtension: %w", err)
	}
	if x.ChaincodeId == nil {
		return nil, errors.New("ChaincodeHeaderExtension.ChaincodeId is nil")
	}
	return x, nil
}
