package differential

import (
	"google.golang.org/protobuf/encoding/protowire"
)

var layerNames = [layers]string{
	"header extension", "channel header", "signature header", "invocation", "proposal payload", "hashed set", "key set", "read-write set",
	"event", "action", "response payload", "action payload", "transaction", "payload", "envelope",
}

// manglings are ways to encode a message otherwise than it should be, or to break it.
var manglings = []struct {
	name   string
	mangle func(*Generator, []byte) []byte
}{
	{"an unknown field", func(_ *Generator, b []byte) []byte { return append(b, 0xfa, 0x3e, 0x02, 'h', 'i') }},
	{"an unknown group", func(_ *Generator, b []byte) []byte {
		b = protowire.AppendTag(b, 900, protowire.StartGroupType)
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 5)
		return protowire.AppendTag(b, 900, protowire.EndGroupType)
	}},
	{"a group without an end", func(_ *Generator, b []byte) []byte { return protowire.AppendTag(b, 900, protowire.StartGroupType) }},
	{"an end without a group", func(_ *Generator, b []byte) []byte { return protowire.AppendTag(b, 900, protowire.EndGroupType) }},
	{"field number 0", func(_ *Generator, b []byte) []byte { return append(b, 0x02, 0x00) }},
	{"a field number too large", func(_ *Generator, b []byte) []byte { return append(protowire.AppendVarint(b, 1<<32|0), 0x00) }},
	{"wire type 7", func(_ *Generator, b []byte) []byte { return append(b, 0x0f) }},
	{"a zero behind it", func(_ *Generator, b []byte) []byte { return append(b, 0) }},
	{"cut", func(g *Generator, b []byte) []byte { return b[:len(b)-min(len(b), 1+g.rand.IntN(3))] }},
	{"cut anywhere", func(g *Generator, b []byte) []byte { return b[:g.rand.IntN(len(b)+1)] }},
	{"empty", func(*Generator, []byte) []byte { return []byte{} }},
	{"twice", func(_ *Generator, b []byte) []byte { return append(append([]byte{}, b...), b...) }},
	{"a padded length", padLength},
	{"a padded tag", padTag},
	{"a length of eleven bytes", func(_ *Generator, b []byte) []byte {
		return append(b, 0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)
	}},
	{"a length beyond the end", func(_ *Generator, b []byte) []byte { return append(b, 0x0a, 0x7f) }},
	{"a length beyond everything", func(_ *Generator, b []byte) []byte {
		return protowire.AppendVarint(append(b, 0x0a), 1<<63-1)
	}},
	{"field 1 as a number", func(_ *Generator, b []byte) []byte { return append(b, 0x08, 0x05) }},
	{"field 1 as bytes", func(_ *Generator, b []byte) []byte { return append(b, 0x0a, 0x01, 'x') }},
	{"field 2 as bytes", func(_ *Generator, b []byte) []byte { return append(b, 0x12, 0x01, 'x') }},
	{"field 2 as fixed64", func(_ *Generator, b []byte) []byte { return append(b, 0x11, 1, 2, 3, 4, 5, 6, 7, 8) }},
	{"field 2 empty", func(_ *Generator, b []byte) []byte { return append(b, 0x12, 0x00) }},
	{"field 3 as fixed32", func(_ *Generator, b []byte) []byte { return append(b, 0x1d, 1, 2, 3, 4) }},
	{"field 3 empty", func(_ *Generator, b []byte) []byte { return append(b, 0x1a, 0x00) }},
	{"field 1 not UTF-8", func(_ *Generator, b []byte) []byte { return append(b, 0x0a, 0x02, 0xc3, 0x28) }},
	{"field 4 not UTF-8", func(_ *Generator, b []byte) []byte { return append(b, 0x22, 0x02, 0xc3, 0x28) }},
	{"field 5 not UTF-8", func(_ *Generator, b []byte) []byte { return append(b, 0x2a, 0x02, 0xc3, 0x28) }},
	{"a bit turned", turnBit},
	{"a bit turned", turnBit},
	{"a byte left out", func(g *Generator, b []byte) []byte {
		if len(b) == 0 {
			return b
		}
		at := g.rand.IntN(len(b))
		return append(append([]byte{}, b[:at]...), b[at+1:]...)
	}},
	{"garbage", func(g *Generator, b []byte) []byte {
		b = make([]byte, 1+g.rand.IntN(40))
		for i := range b {
			b[i] = byte(g.rand.Uint32())
		}
		return b
	}},
}

func turnBit(g *Generator, b []byte) []byte {
	b = append([]byte{}, b...)
	if len(b) > 0 {
		b[g.rand.IntN(len(b))] ^= 1 << g.rand.IntN(8)
	}
	return b
}

// padTag writes the first tag with more bytes than it needs.
func padTag(_ *Generator, b []byte) []byte {
	_, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return b
	}
	return append(padded(b[:n]), b[n:]...)
}

// padLength writes the first field's length, or number, with more bytes than it needs.
func padLength(_ *Generator, b []byte) []byte {
	_, _, n := protowire.ConsumeTag(b)
	if n < 0 {
		return b
	}
	_, m := protowire.ConsumeVarint(b[n:])
	if m < 0 {
		return b
	}
	return append(append(append([]byte{}, b[:n]...), padded(b[n:n+m])...), b[n+m:]...)
}

func padded(varint []byte) []byte {
	b := append([]byte{}, varint...)
	b[len(b)-1] |= 0x80
	return append(b, 0x80, 0x00)
}

// mangled is a good transaction one of whose messages is encoded oddly.
func (g *Generator) mangled() *draft {
	l := layer(g.rand.IntN(int(layers)))
	m := manglings[g.rand.IntN(len(manglings))]
	d := g.fresh(layerNames[l] + ": " + m.name)
	if l == event {
		d.event = g.goodEvent(d)
	}
	if l == hashedSet {
		if !g.hasCollections() {
			return nil
		}
		d.set.Namespaces[0].Collections = append(d.set.Namespaces[0].Collections, g.hashed(collectionAll, g.unique("p")))
	}
	return d.raw(l, func(b []byte) []byte { return m.mangle(g, b) })
}
