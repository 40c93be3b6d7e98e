package deliver

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// answers makes the response messages of a service.
type answers struct {
	status func(commonpb.Status) proto.Message
}

var (
	ordererAnswers = answers{status: func(s commonpb.Status) proto.Message {
		return &ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Status{Status: s}}
	}}
	peerAnswers = answers{status: func(s commonpb.Status) proto.Message {
		return &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Status{Status: s}}
	}}
)

// block is the answer that carries a stored block, in either service: the field "block" around the block's bytes, which are neither decoded
// nor copied.
func (answers) block(raw []byte) comm.Encoded {
	const field = protowire.Number(2)
	head := protowire.AppendTag(make([]byte, 0, 16), field, protowire.BytesType)
	return comm.Encoded{protowire.AppendVarint(head, uint64(len(raw))), raw}
}

func (c *session) send(m any) error { return c.stream.SendMsg(m) }
