package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// UnmarshalInPlace is UnmarshalAs14 for blocks and the messages that every transaction is made of, one inside the other. The bytes of m are those of b,
// which must not change any more: the transaction of a few KB is not copied once per layer. m must be empty.
//
// A message is read here if it is plain: known fields only, in the order of their numbers, each as its type is usually encoded, single ones
// once. That is what every encoder makes of it. Anything else, and anything that does not decode, is left to UnmarshalAs14, or to Unmarshal if
// it is a transaction of many actions.
func UnmarshalInPlace(b []byte, m proto.Message) error {
	p, otherwise := plain{b: b}, UnmarshalAs14
	switch m := m.(type) {
	case *ordererpb.DeliverResponse:
		p.response(m)
	case *commonpb.Block:
		p.block(m)
	case *commonpb.Envelope:
		m.Payload, m.Signature = p.bytes(1), p.bytes(2)
	case *commonpb.Payload:
		p.payload(m)
	case *commonpb.ChannelHeader:
		p.channelHeader(m)
	case *commonpb.SignatureHeader:
		m.Creator, m.Nonce = p.bytes(1), p.bytes(2)
	case *commonpb.Header:
		p.header(m)
	case *peerpb.Proposal:
		m.Header, m.Payload, m.Extension = p.bytes(1), p.bytes(2), p.bytes(3)
	case *peerpb.Transaction:
		p.transaction(m)
		otherwise = Unmarshal
	case *peerpb.ChaincodeActionPayload:
		p.actionPayload(m)
	case *peerpb.ProposalResponsePayload:
		m.ProposalHash, m.Extension = p.bytes(1), p.bytes(2)
	case *peerpb.ChaincodeAction:
		p.action(m)
	case *peerpb.ChaincodeEvent:
		m.ChaincodeId, m.TxId, m.EventName, m.Payload = p.string(1), p.string(2), p.string(3), p.bytes(4)
	case *peerpb.ChaincodeHeaderExtension:
		p.headerExtension(m)
	case *rwsetpb.TxReadWriteSet:
		p.readWriteSet(m)
	case *kvrwsetpb.KVRWSet:
		p.keys(m)
	default:
		return UnmarshalAs14(b, m)
	}
	if p.done() {
		return nil
	}
	proto.Reset(m)
	return otherwise(b, m)
}

// response is one with a block.
func (p *plain) response(m *ordererpb.DeliverResponse) {
	if b, ok := p.message(2); ok {
		of := &ordererpb.DeliverResponse_Block{Block: &commonpb.Block{}}
		m.Type = of
		b.block(of.Block)
		p.take(b)
	}
}

func (p *plain) block(m *commonpb.Block) {
	if h, ok := p.message(1); ok {
		m.Header = &commonpb.BlockHeader{Number: h.number(1), PreviousHash: h.bytes(2), DataHash: h.bytes(3)}
		p.take(h)
	}
	if d, ok := p.message(2); ok {
		m.Data = &commonpb.BlockData{Data: d.all(1)}
		p.take(d)
	}
	if d, ok := p.message(3); ok {
		m.Metadata = &commonpb.BlockMetadata{Metadata: d.all(1)}
		p.take(d)
	}
}

func (p *plain) payload(m *commonpb.Payload) {
	if h, ok := p.message(1); ok {
		m.Header = &commonpb.Header{}
		h.header(m.Header)
		p.take(h)
	}
	m.Data = p.bytes(2)
}

func (p *plain) header(m *commonpb.Header) {
	m.ChannelHeader, m.SignatureHeader = p.bytes(1), p.bytes(2)
}

func (p *plain) channelHeader(m *commonpb.ChannelHeader) {
	m.Type, m.Version = int32(p.number(1)), int32(p.number(2))
	if t, ok := p.message(3); ok {
		m.Timestamp = &timestamppb.Timestamp{Seconds: int64(t.number(1)), Nanos: int32(t.number(2))}
		p.take(t)
	}
	m.ChannelId, m.TxId, m.Epoch = p.string(4), p.string(5), p.number(6)
	m.Extension, m.TlsCertHash = p.bytes(7), p.bytes(8)
}

// transaction has a single action, as every transaction that is valid.
func (p *plain) transaction(m *peerpb.Transaction) {
	if a, ok := p.message(1); ok {
		m.Actions = []*peerpb.TransactionAction{{Header: a.bytes(1), Payload: a.bytes(2)}}
		p.take(a)
	}
}

func (p *plain) actionPayload(m *peerpb.ChaincodeActionPayload) {
	m.ChaincodeProposalPayload = p.bytes(1)
	if a, ok := p.message(2); ok {
		m.Action = &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: a.bytes(1)}
		for e, ok := a.message(2); ok; e, ok = a.message(2) {
			m.Action.Endorsements = append(m.Action.Endorsements, &peerpb.Endorsement{Endorser: e.bytes(1), Signature: e.bytes(2)})
			a.take(e)
		}
		p.take(a)
	}
}

func (p *plain) action(m *peerpb.ChaincodeAction) {
	m.Results, m.Events = p.bytes(1), p.bytes(2)
	if r, ok := p.message(3); ok {
		m.Response = &peerpb.Response{Status: int32(r.number(1)), Message: r.string(2), Payload: r.bytes(3)}
		p.take(r)
	}
	m.ChaincodeId = p.chaincodeID(4)
}

func (p *plain) headerExtension(m *peerpb.ChaincodeHeaderExtension) {
	m.PayloadVisibility, m.ChaincodeId = p.bytes(1), p.chaincodeID(2)
}

func (p *plain) chaincodeID(number byte) *peerpb.ChaincodeID {
	c, ok := p.message(number)
	if !ok {
		return nil
	}
	id := &peerpb.ChaincodeID{Path: c.string(1), Name: c.string(2), Version: c.string(3)}
	p.take(c)
	return id
}

// readWriteSet is one without private data.
func (p *plain) readWriteSet(m *rwsetpb.TxReadWriteSet) {
	m.DataModel = rwsetpb.TxReadWriteSet_DataModel(int32(p.number(1)))
	for n, ok := p.message(2); ok; n, ok = p.message(2) {
		m.NsRwset = append(m.NsRwset, &rwsetpb.NsReadWriteSet{Namespace: n.string(1), Rwset: n.bytes(2)})
		p.take(n)
	}
}

// keys are the keys read and written, where nothing was queried and no metadata written.
func (p *plain) keys(m *kvrwsetpb.KVRWSet) {
	for r, ok := p.message(1); ok; r, ok = p.message(1) {
		read := &kvrwsetpb.KVRead{Key: r.string(1)}
		if v, ok := r.message(2); ok {
			read.Version = &kvrwsetpb.Version{BlockNum: v.number(1), TxNum: v.number(2)}
			r.take(v)
		}
		m.Reads = append(m.Reads, read)
		p.take(r)
	}
	for w, ok := p.message(3); ok; w, ok = p.message(3) {
		m.Writes = append(m.Writes, &kvrwsetpb.KVWrite{Key: w.string(1), IsDelete: w.number(2) != 0, Value: w.bytes(3)})
		p.take(w)
	}
}

// plain reads a plain message, whose fields are asked for in the order of their numbers: those that come next are taken, others are absent.
// Numbers are below 16, so that a tag is one byte.
type plain struct {
	b   []byte
	odd bool // this is not a plain message
}

// done says whether the message was plain, and has been read to its end.
func (p *plain) done() bool { return !p.odd && len(p.b) == 0 }

// take is done with a message inside of this one.
func (p *plain) take(inner plain) { p.odd = p.odd || !inner.done() }

// bytes is nil if there is no such field, and not if it is empty.
func (p *plain) bytes(number byte) []byte {
	if len(p.b) == 0 || p.b[0] != number<<3|byte(protowire.BytesType) {
		return nil
	}
	value, n := protowire.ConsumeBytes(p.b[1:])
	if n < 0 {
		p.odd = true
		return nil
	}
	p.b = p.b[1+n:]
	return value[:len(value):len(value)]
}

// all are the values of a field that may come again and again.
func (p *plain) all(number byte) (values [][]byte) {
	for v := p.bytes(number); v != nil; v = p.bytes(number) {
		values = append(values, v)
	}
	return values
}

func (p *plain) message(number byte) (inner plain, ok bool) {
	b := p.bytes(number)
	return plain{b: b}, b != nil
}

func (p *plain) string(number byte) string {
	b := p.bytes(number)
	p.odd = p.odd || !utf8.Valid(b)
	return string(b)
}

func (p *plain) number(number byte) uint64 {
	if len(p.b) == 0 || p.b[0] != number<<3|byte(protowire.VarintType) {
		return 0
	}
	value, n := protowire.ConsumeVarint(p.b[1:])
	if n < 0 {
		p.odd = true
		return 0
	}
	p.b = p.b[1+n:]
	return value
}
