package comm

import (
	"fmt"

	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Encoded is a message that is encoded already, in pieces that follow one another. A stream of a server made here takes it in SendMsg in
// the place of a message, and sends it without copying it; the pieces must not change any more.
type Encoded [][]byte

// Raw takes a message, in RecvMsg of a stream of a server or a connection made here, as it came. Whether it can be decoded is the receiver's to find out.
type Raw []byte

// codec is gRPC's own but for two things. Messages above a size get a buffer of exactly that: gRPC encodes them into pooled buffers of at least 1 MiB, so
// that a thousand readers who do not read would hold a gigabyte. And what a message is decoded into must be new, as generated code has it: gRPC
// would empty it first.
type codec struct{}

// exact is the size from which a message gets a buffer of exactly its size; gRPC's pool has buffers that fit below it.
const exact = 32 << 10

func (codec) Name() string { return encodingproto.Name }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case Encoded:
		buffers := make(mem.BufferSlice, len(m))
		for i, b := range m {
			buffers[i] = mem.SliceBuffer(b)
		}
		return buffers, nil
	case proto.Message:
		return encode(m)
	}
	return nil, fmt.Errorf("%T is not a message", v)
}

func encode(m proto.Message) (mem.BufferSlice, error) {
	size := proto.Size(m)
	opts := proto.MarshalOptions{UseCachedSize: true}
	if size >= exact || mem.IsBelowBufferPoolingThreshold(size) {
		b, err := opts.MarshalAppend(make([]byte, 0, size), m)
		if err != nil {
			return nil, err
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	pool := mem.DefaultBufferPool()
	buf := pool.Get(size)
	if _, err := opts.MarshalAppend((*buf)[:0], m); err != nil {
		pool.Put(buf)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*Raw); ok {
		*raw = data.Materialize()
		return nil
	}
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", v)
	}
	opts := proto.UnmarshalOptions{Merge: true}
	if data.Len() >= exact {
		return opts.Unmarshal(data.Materialize(), m)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	return opts.Unmarshal(buf.ReadOnlyData(), m)
}
