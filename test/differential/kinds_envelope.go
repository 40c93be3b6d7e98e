package differential

import (
	"math"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var garbage = []byte{0xff, 0xff, 0xff}

func channelHeaderKind(name string, change func(*Generator, *commonpb.ChannelHeader)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { change(g, h) })
	})
}

func headerType(name string, number int32) kind {
	return channelHeaderKind("header type "+name, func(_ *Generator, h *commonpb.ChannelHeader) { h.Type = number })
}

func payloadKind(name string, change func(*Generator, *draft, *commonpb.Payload)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, payload, func(p *commonpb.Payload) { change(g, d, p) })
	})
}

func envelopeKind(name string, change func(*Generator, *draft, *commonpb.Envelope)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, envelope, func(e *commonpb.Envelope) { change(g, d, e) })
	})
}

// headerKinds are odd in their envelope, payload and headers.
var headerKinds = []kind{
	changed("fresh", func(*Generator, *draft) {}),
	headerType("MESSAGE", 0), headerType("CONFIG_UPDATE", 2), headerType("ORDERER_TRANSACTION", 4),
	headerType("DELIVER_SEEK_INFO", 5), headerType("CHAINCODE_PACKAGE", 6), headerType("7", 7), headerType("8", 8), headerType("9", 9), headerType("10", 10),
	headerType("99", 99), headerType("-1", -1), headerType("the greatest", math.MaxInt32),
	channelHeaderKind("epoch 1", func(_ *Generator, h *commonpb.ChannelHeader) { h.Epoch = 1 }),
	channelHeaderKind("the greatest epoch", func(_ *Generator, h *commonpb.ChannelHeader) { h.Epoch = math.MaxUint64 }),
	channelHeaderKind("header version", func(g *Generator, h *commonpb.ChannelHeader) { h.Version = oneOf(g, int32(1), -1, math.MaxInt32) }),
	channelHeaderKind("timestamp", func(g *Generator, h *commonpb.ChannelHeader) {
		h.Timestamp = oneOf(g, &timestamppb.Timestamp{}, &timestamppb.Timestamp{Seconds: math.MinInt64}, &timestamppb.Timestamp{Seconds: math.MaxInt64, Nanos: -1},
			&timestamppb.Timestamp{Nanos: math.MaxInt32}, timestamppb.New(begin))
	}),
	channelHeaderKind("TLS hash", func(g *Generator, h *commonpb.ChannelHeader) { h.TlsCertHash = garbage }),
	channelHeaderKind("another channel", func(g *Generator, h *commonpb.ChannelHeader) {
		h.ChannelId = oneOf(g, "unheard-of", "Not A Name", strings.Repeat("x", 300), strings.ToUpper(h.ChannelId), h.ChannelId+" ")
	}),
	channelHeaderKind("no channel", func(_ *Generator, h *commonpb.ChannelHeader) { h.ChannelId = "" }),
	channelHeaderKind("txid missing", func(_ *Generator, h *commonpb.ChannelHeader) { h.TxId = "" }),
	channelHeaderKind("txid of another", func(g *Generator, h *commonpb.ChannelHeader) { h.TxId = h.TxId[1:] + "0" }),
	channelHeaderKind("txid in capitals", func(_ *Generator, h *commonpb.ChannelHeader) { h.TxId = strings.ToUpper(h.TxId) }),
	channelHeaderKind("txid with a space", func(_ *Generator, h *commonpb.ChannelHeader) { h.TxId += " " }),
	channelHeaderKind("txid odd, type CONFIG_UPDATE", func(_ *Generator, h *commonpb.ChannelHeader) { h.TxId, h.Type = "odd", 2 }),
	channelHeaderKind("no header extension", func(_ *Generator, h *commonpb.ChannelHeader) { h.Extension = nil }),
	changed("nonce missing", func(_ *Generator, d *draft) { d.nonce = nil }),
	changed("nonce of a byte", func(g *Generator, d *draft) { d.nonce = d.nonce[:1] }),
	changed("nonce of a kilobyte", func(g *Generator, d *draft) { d.nonce = append(make([]byte, 1000), d.nonce...) }),
	changed("nonce other than in the txid", func(g *Generator, d *draft) {
		edited(d, signatureHeader, func(*commonpb.SignatureHeader) {})
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { h.TxId = strings.Repeat("0", 64) })
	}),
	changed("creator missing", func(_ *Generator, d *draft) {
		edited(d, signatureHeader, func(h *commonpb.SignatureHeader) { h.Creator = nil })
	}),
	changed("creator of another signature", func(g *Generator, d *draft) {
		edited(d, signatureHeader, func(h *commonpb.SignatureHeader) { h.Creator = g.people.user2.creator })
	}),
	payloadKind("no header", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Header = nil }),
	payloadKind("no channel header", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Header.ChannelHeader = nil }),
	payloadKind("no signature header", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Header.SignatureHeader = nil }),
	payloadKind("channel header garbage", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Header.ChannelHeader = garbage }),
	payloadKind("signature header garbage", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Header.SignatureHeader = garbage }),
	payloadKind("no data", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Data = nil }),
	payloadKind("data garbage", func(_ *Generator, _ *draft, p *commonpb.Payload) { p.Data = garbage }),
	payloadKind("channel header of another transaction", func(g *Generator, _ *draft, p *commonpb.Payload) {
		h := &commonpb.ChannelHeader{}
		if wire.Unmarshal(p.Header.ChannelHeader, h) == nil {
			h.Timestamp = timestamppb.New(begin)
			p.Header.ChannelHeader = wire.MustMarshal(h)
		}
	}),
	payloadKind("signature header of another transaction", func(g *Generator, d *draft, p *commonpb.Payload) {
		p.Header.SignatureHeader = wire.MustMarshal(&commonpb.SignatureHeader{Creator: d.creator.creator, Nonce: g.nonce()})
	}),
	envelopeKind("no payload", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Payload = nil }),
	changed("envelope of nothing", func(_ *Generator, d *draft) { d.raw(envelope, func([]byte) []byte { return []byte{} }) }),
	envelopeKind("payload garbage", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Payload = garbage }),
	envelopeKind("no signature", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Signature = nil }),
	envelopeKind("signature garbage", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Signature = garbage }),
	envelopeKind("signature of something else", func(g *Generator, d *draft, e *commonpb.Envelope) { e.Signature = g.sign(d.creator, []byte("else")) }),
	envelopeKind("signature of another", func(g *Generator, d *draft, e *commonpb.Envelope) { e.Signature = g.sign(g.people.peer1, e.Payload) }),
	envelopeKind("signature with high S", func(g *Generator, _ *draft, e *commonpb.Envelope) { e.Signature = highS(g.t, e.Signature) }),
	envelopeKind("signature with a tail", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Signature = append(e.Signature, 0) }),
	envelopeKind("signature of zeros", func(_ *Generator, _ *draft, e *commonpb.Envelope) { e.Signature = []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }),
	envelopeKind("signature of negatives", func(_ *Generator, _ *draft, e *commonpb.Envelope) {
		e.Signature = []byte{0x30, 6, 2, 1, 0x81, 2, 1, 0x81}
	}),
	envelopeKind("signature in BER", func(_ *Generator, _ *draft, e *commonpb.Envelope) {
		e.Signature = append([]byte{0x30, 0x81}, e.Signature[1:]...)
	}),
	changed("creator of odd standing", func(g *Generator, d *draft) { d.creator = oneOf(g, g.people.odd...) }),
	changed("creator of odd standing", func(g *Generator, d *draft) { d.creator = oneOf(g, g.people.odd...) }),
	changed("creator of odd standing", func(g *Generator, d *draft) { d.creator = oneOf(g, g.people.odd...) }),
	changed("creator of another organization", func(g *Generator, d *draft) {
		d.creator = oneOf(g, g.people.user2, g.people.admin3, g.people.peer3, g.people.orderer, g.people.ordererUser)
	}),
	changed("CONFIG without a configuration", func(_ *Generator, d *draft) {
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { h.Type = 1 })
		edited(d, payload, func(p *commonpb.Payload) { p.Data = nil })
	}),
	changed("CONFIG with a bad signature", func(_ *Generator, d *draft) {
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { h.Type = 1 })
		edited(d, envelope, func(e *commonpb.Envelope) { e.Signature = garbage })
	}),
	changed("CONFIG of epoch 1", func(_ *Generator, d *draft) {
		edited(d, channelHeader, func(h *commonpb.ChannelHeader) { h.Type, h.Epoch = 1, 1 })
	}),
	changed("header extension with a payload visibility", func(_ *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.PayloadVisibility = []byte("all") })
	}),
	changed("header extension without a chaincode", func(_ *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId = nil })
	}),
	changed("header extension with a version", func(g *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId.Version = oneOf(g, "1.0", "7") })
	}),
	changed("header extension with a path", func(_ *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId.Path = "path" })
	}),
	changed("header extension of another chaincode", func(_ *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId.Name = "strict" })
	}),
	changed("header extension of no chaincode", func(_ *Generator, d *draft) {
		edited(d, extension, func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId.Name = "" })
	}),
}
