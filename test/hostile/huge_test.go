//go:build e2e

package hostile

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// huge sends messages just above and just below the most that gRPC lets through: one long string, and as many tiny parts as fit.
func (n *network) huge(t *testing.T) {
	calls := n.calls(t)
	t.Run("above the limit", func(t *testing.T) {
		b := field(1, make([]byte, comm.MaxMessageSize))
		for _, c := range calls {
			require.Equal(t, codes.ResourceExhausted, status.Code(c.send(t, b)), c.name)
		}
	})
	const most = comm.MaxMessageSize - 16<<10
	t.Run("one long string", func(t *testing.T) {
		for number := range protowire.Number(5) {
			b := field(number+1, make([]byte, most))
			for _, c := range calls {
				_ = c.send(t, b)
			}
		}
	})
	t.Run("signed, one long argument", func(t *testing.T) {
		p := kit.NewProposal(n.who.User, n.Channel, "kv", "put", "long", string(make([]byte, most)))
		_ = calls[0].send(t, wire.MustMarshal(p.Build(t)))
	})
	t.Run("signed, many arguments", func(t *testing.T) {
		input := field(3, bytes.Repeat([]byte{0x0a, 0x00}, most/2)) // ChaincodeSpec.input.args
		p := kit.NewProposal(n.who.User, n.Channel, "kv")
		p.Payload = func(p *peerpb.ChaincodeProposalPayload) {
			p.Input = field(1, append(field(2, chaincodeID("kv")), input...))
		}
		_ = calls[0].send(t, wire.MustMarshal(p.Build(t)))
	})
	t.Run("many signatures of a configuration", func(t *testing.T) {
		for _, channel := range []string{"newchannel", n.Channel} {
			_ = calls[4].send(t, wire.MustMarshal(n.configUpdate(t, channel, bytes.Repeat([]byte{0x12, 0x00}, most/2))))
		}
	})
	t.Run("many actions of a transaction", func(t *testing.T) {
		e := n.endorsed(t, "kv", 0)
		e.payload = func(p *commonpb.Payload) { p.Data = bytes.Repeat([]byte{0x0a, 0x00}, most/2) }
		_ = calls[4].send(t, wire.MustMarshal(e.build()))
	})
	t.Run("many endorsements of a long response", func(t *testing.T) {
		e := n.endorsed(t, "kv", 0)
		e.rewrite(func(_ *peerpb.ProposalResponsePayload, a *peerpb.ChaincodeAction) {
			a.Response.Payload = make([]byte, 4<<20)
		})
		for i := range 90_000 {
			e.endorsements = append(e.endorsements, &peerpb.Endorsement{Endorser: binary.BigEndian.AppendUint32(nil, uint32(i)), Signature: []byte("x")})
		}
		require.NoError(t, calls[4].send(t, wire.MustMarshal(e.build())))
	})
}

// field is a length-delimited field.
func field(number protowire.Number, b []byte) []byte {
	head := protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.BytesType), uint64(len(b)))
	return append(head, b...)
}
