//go:build e2e

package hostile

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// spoilt are variations of an encoded message: cut short, with bits and lengths changed, with fields twice, unknown, or nested deep.
func spoilt(good []byte) [][]byte {
	all := [][]byte{{}, {0xff}, []byte("garbage"), bytes.Repeat([]byte{0xff}, 64), good[:len(good)-1],
		append(bytes.Clone(good), 0), append(bytes.Clone(good), good...), append(bytes.Clone(good), 0xff),
		append(bytes.Clone(good), 0xf8, 0x7f, 0x01),                                           // an unknown field
		append(bytes.Clone(good), 0x0a, 0x00),                                                 // the first field once more, empty
		append(bytes.Clone(good), 0x08, 0x01),                                                 // the first field with another wire type
		append(bytes.Clone(good), 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),                         // longer than the message
		append(bytes.Clone(good), 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), // longer than memory
		nested(1, 12_000), nested(2, 12_000), groups(9_000), groups(12_000),
	}
	for i := range 12 {
		at := len(good) * i / 12
		flipped := bytes.Clone(good)
		flipped[at] ^= 0xff
		all = append(all, good[:at], flipped)
	}
	return all
}

// nested is a message in the field of a message, and so on.
func nested(field protowire.Number, depth int) []byte {
	b := make([]byte, 0, 5*depth)
	for range depth { // written backwards
		b = append(b, reversed(protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(len(b))))...)
	}
	return reversed(b)
}

// groups are the old kind of nesting, in an unknown field.
func groups(depth int) []byte {
	start := protowire.AppendTag(nil, 1000, protowire.StartGroupType)
	end := protowire.AppendTag(nil, 1000, protowire.EndGroupType)
	return append(bytes.Repeat(start, depth), bytes.Repeat(end, depth)...)
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return r
}

func chaincodeID(name string) []byte { return wire.MustMarshal(&peerpb.ChaincodeID{Name: name}) }

// malformed sends to every call what is hardly a message, and messages whose parts are missing or spoilt.
func (n *network) malformed(t *testing.T) {
	proposal := kit.NewProposal(n.who.User, n.Channel, "kv", "get", "a").Build(t)
	ask := seek{signer: n.who.User, info: ready(oldest, oldest)}.envelope(t, n.Channel)
	order := n.endorsed(t, "kv", 0).build()
	register := &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_REGISTER, Payload: chaincodeID("kv:1.0")}
	good := map[string]proto.Message{
		"endorser": proposal, "deliver": ask, "filtered": ask, "register": register, "broadcast": order, "orderer deliver": ask,
	}
	for _, c := range n.calls(t) {
		whole := wire.MustMarshal(good[c.name])
		for _, b := range spoilt(whole) {
			_ = c.send(t, b)
		}
		// The same one layer down, where most messages are opaque bytes to the outer one.
		for _, inner := range spoilt(innermost(good[c.name])) {
			m := proto.Clone(good[c.name])
			setInner(m, inner)
			_ = c.send(t, wire.MustMarshal(m))
		}
	}
	for typ := range peerpb.ChaincodeMessage_Type_name {
		c := n.calls(t)[3]
		for _, payload := range [][]byte{nil, []byte("garbage"), nested(1, 12_000)} {
			_ = c.send(t, wire.MustMarshal(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_Type(typ), Payload: payload, Txid: "x", ChannelId: n.Channel}))
		}
	}
}

// innermost is the part of a request that carries the others.
func innermost(m proto.Message) []byte {
	switch m := m.(type) {
	case *peerpb.SignedProposal:
		return m.ProposalBytes
	case *commonpb.Envelope:
		return m.Payload
	case *peerpb.ChaincodeMessage:
		return m.Payload
	}
	panic("unknown request")
}

func setInner(m proto.Message, b []byte) {
	switch m := m.(type) {
	case *peerpb.SignedProposal:
		m.ProposalBytes = b
	case *commonpb.Envelope:
		m.Payload = b
	case *peerpb.ChaincodeMessage:
		m.Payload = b
	}
}

// signedNonsense passes every signature check with contents that are spoilt.
func (n *network) signedNonsense(t *testing.T) {
	calls := n.calls(t)
	endorser, broadcast := calls[0], calls[4]
	t.Run("proposals", func(t *testing.T) {
		input := wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
			ChaincodeId: &peerpb.ChaincodeID{Name: "kv"}, Input: &peerpb.ChaincodeInput{Args: [][]byte{[]byte("get"), []byte("a")}},
		}})
		for _, b := range spoilt(input) {
			p := kit.NewProposal(n.who.User, n.Channel, "kv")
			p.Payload = func(p *peerpb.ChaincodeProposalPayload) { p.Input = b }
			_ = endorser.send(t, wire.MustMarshal(p.Build(t)))
		}
		for _, b := range spoilt(wire.MustMarshal(&peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{Name: "kv"}})) {
			p := kit.NewProposal(n.who.User, n.Channel, "kv", "get", "a")
			p.Extension, p.Channel.Extension = nil, b
			_ = endorser.send(t, wire.MustMarshal(p.Build(t)))
		}
		for _, function := range []string{"install", "deploy", "upgrade", "getid", "JoinChain", "GetConfigBlock", "SimulateConfigTreeUpdate", "GetBlockByHash", "GetBlockByTxID"} {
			for _, system := range []string{"lscc", "cscc", "qscc"} {
				for _, args := range [][]string{{}, {""}, {"mychannel"}, {"mychannel", "garbage"}, {"mychannel", "\x0a\x00", "\x0a\x00", "\x0a\x00", "\x0a\x00"}, {string(nested(1, 12_000))}, {"mychannel", string(nested(1, 12_000))}} {
					p := kit.NewProposal(n.admin.Signer, n.Channel, system, append([]string{function}, args...)...)
					_ = endorser.send(t, wire.MustMarshal(p.Build(t)))
				}
			}
		}
	})
	t.Run("transactions", func(t *testing.T) {
		good := n.endorsed(t, "kv", 0)
		for _, b := range spoilt(good.response) {
			e := *good
			e.response = b
			_ = broadcast.send(t, wire.MustMarshal(e.build()))
		}
		for _, b := range spoilt([]byte(payloadData(t, good.build()))) {
			e := *good
			e.payload = func(p *commonpb.Payload) { p.Data = b }
			_ = broadcast.send(t, wire.MustMarshal(e.build()))
		}
	})
	t.Run("configurations", func(t *testing.T) {
		policy := &commonpb.Policy{Type: int32(commonpb.Policy_SIGNATURE), Value: append([]byte{0x12}, protowire.AppendBytes(nil, nested(2, 4_000))...)}
		deep := &commonpb.ConfigGroup{}
		for range 4_000 {
			deep = &commonpb.ConfigGroup{Groups: map[string]*commonpb.ConfigGroup{"g": deep}}
		}
		for _, group := range []*commonpb.ConfigGroup{
			nil, {}, deep,
			{Groups: map[string]*commonpb.ConfigGroup{"Application": nil, "": {}}},
			{Values: map[string]*commonpb.ConfigValue{"Consortium": nil, "Capabilities": {Value: []byte("garbage")}}},
			{Version: math.MaxUint64, ModPolicy: "Admins", Policies: map[string]*commonpb.ConfigPolicy{"Admins": {Version: 1, Policy: policy}}},
			{Groups: map[string]*commonpb.ConfigGroup{"Application": {Version: 1}}, Values: map[string]*commonpb.ConfigValue{"Consortium": {}}},
		} {
			for _, channel := range []string{n.Channel, "system-channel", "newchannel", ""} {
				update := wire.MustMarshal(&commonpb.ConfigUpdate{ChannelId: channel, ReadSet: group, WriteSet: group})
				for _, data := range append([][]byte{
					wire.MustMarshal(&commonpb.ConfigUpdateEnvelope{ConfigUpdate: update}),
					wire.MustMarshal(&commonpb.ConfigUpdateEnvelope{ConfigUpdate: update, Signatures: []*commonpb.ConfigSignature{{}, {SignatureHeader: []byte("x")}}}),
				}, update, nil) {
					_ = broadcast.send(t, wire.MustMarshal(n.configUpdate(t, channel, data)))
				}
			}
		}
	})
	t.Run("seeks", func(t *testing.T) {
		position := &ordererpb.SeekPosition{}
		for _, info := range []*ordererpb.SeekInfo{
			{Start: position, Stop: position}, {Start: at(math.MaxUint64), Stop: at(math.MaxUint64)}, {Start: next, Stop: oldest, Behavior: 99, ErrorResponse: 99},
			{Start: &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{}}, Stop: newest},
		} {
			info.Behavior = max(info.Behavior, ordererpb.SeekInfo_FAIL_IF_NOT_READY)
			for _, service := range []string{"orderer", "peer.full", "peer.filtered"} {
				require.Regexp(t, "(NOT_FOUND|BAD_REQUEST|SUCCESS), EOF$", n.seek(t, service, seek{signer: n.who.User, info: info}.envelope(t, n.Channel)))
			}
		}
	})
	t.Run("times", func(t *testing.T) {
		for _, at := range []*timestamppb.Timestamp{
			{Seconds: timestamppb.Now().Seconds + 3600}, {Seconds: timestamppb.Now().Seconds - 3600},
			{Seconds: math.MaxInt64, Nanos: math.MaxInt32}, {Seconds: math.MinInt64, Nanos: math.MinInt32}, {Nanos: -1}, {},
		} {
			e := seek{signer: n.who.User, info: ready(oldest, oldest), header: func(h *commonpb.ChannelHeader) { h.Timestamp = at }}.envelope(t, n.Channel)
			for _, service := range []string{"orderer", "peer.full", "peer.filtered"} {
				require.Equal(t, "BAD_REQUEST, EOF", n.seek(t, service, e))
			}
			p := kit.NewProposal(n.who.User, n.Channel, "kv", "get", "a")
			p.Channel.Timestamp = at
			_ = endorser.send(t, wire.MustMarshal(p.Build(t)))
		}
	})
}

func payloadData(t *testing.T, e *commonpb.Envelope) []byte {
	p := &commonpb.Payload{}
	require.NoError(t, proto.Unmarshal(e.Payload, p))
	return p.Data
}

// configUpdate is a configuration update around any data, signed by Org1's administrator.
func (n *network) configUpdate(t *testing.T, channel string, data []byte) *commonpb.Envelope {
	payload := wire.MustMarshal(&commonpb.Payload{
		Header: &commonpb.Header{
			ChannelHeader: wire.MustMarshal(&commonpb.ChannelHeader{
				Type: int32(commonpb.HeaderType_CONFIG_UPDATE), ChannelId: channel, Timestamp: timestamppb.Now(),
			}),
			SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: n.admin.Signer.Creator(), Nonce: []byte("nonce")}),
		},
		Data: data,
	})
	signature, err := n.admin.Signer.Sign(payload)
	require.NoError(t, err)
	return &commonpb.Envelope{Payload: payload, Signature: signature}
}
