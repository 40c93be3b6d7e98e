package deliver

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// answers makes the response messages of a service.
//
// A block travels as a response that has no known field set but carries the already encoded field "block" (number 2 in both services)
// among its unknown fields: gRPC's codec writes those bytes as they are, so a stored block is copied once and never decoded.
type answers struct {
	status func(commonpb.Status) proto.Message
	block  func(raw []byte) proto.Message
}

const blockField = protowire.Number(2)

var (
	ordererAnswers = answers{
		status: func(s commonpb.Status) proto.Message {
			return &ordererpb.DeliverResponse{Type: &ordererpb.DeliverResponse_Status{Status: s}}
		},
		block: func(raw []byte) proto.Message { return carry(&ordererpb.DeliverResponse{}, raw) },
	}
	peerAnswers = answers{
		status: func(s commonpb.Status) proto.Message {
			return &peerpb.DeliverResponse{Type: &peerpb.DeliverResponse_Status{Status: s}}
		},
		block: func(raw []byte) proto.Message { return carry(&peerpb.DeliverResponse{}, raw) },
	}
)

func carry(m proto.Message, raw []byte) proto.Message {
	b := make([]byte, 0, protowire.SizeTag(blockField)+protowire.SizeBytes(len(raw)))
	b = protowire.AppendTag(b, blockField, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(b, raw))
	return m
}

func (c *session) send(m proto.Message) error { return c.stream.SendMsg(m) }
