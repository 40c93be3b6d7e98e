package comm

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Encoded is a message that is encoded already, in pieces that follow one another. A stream of a server made here takes it in SendMsg in
// the place of a message, and sends it without copying it; the pieces must not change any more.
type Encoded [][]byte

// codec is gRPC's own but for messages above a size: gRPC encodes them into pooled buffers of at least 1 MiB, so that a thousand readers who
// do not read would hold a gigabyte. Here they get what they need.
type codec struct{ encoding.CodecV2 }

// exact is the size from which a message gets a buffer of exactly its size; gRPC's pool has buffers that fit below it.
const exact = 32 << 10

func newCodec() codec { return codec{encoding.GetCodecV2(encodingproto.Name)} }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case Encoded:
		buffers := make(mem.BufferSlice, len(m))
		for i, b := range m {
			buffers[i] = mem.SliceBuffer(b)
		}
		return buffers, nil
	case proto.Message:
		if proto.Size(m) < exact {
			return c.CodecV2.Marshal(v)
		}
		b, err := proto.Marshal(m)
		if err != nil {
			return nil, err
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return nil, fmt.Errorf("%T is not a message", v)
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", v)
	}
	if data.Len() < exact {
		return c.CodecV2.Unmarshal(data, v)
	}
	return proto.Unmarshal(data.Materialize(), m)
}
