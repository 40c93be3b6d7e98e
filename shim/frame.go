package shim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// A gRPC body is a row of frames: a flag byte (1 means compressed, which nobody asked for), the message's length in four bytes, the message.
const (
	frameHeaderSize = 5
	// maxMessageSize is Fabric's limit for any gRPC message, 100 MB.
	maxMessageSize = 100 * 1024 * 1024
	// readAhead is how large a frame may be and still be decoded where it was read.
	readAhead = 32 << 10
)

// frameReader splits a gRPC body into messages.
type frameReader struct {
	in   *bufio.Reader
	used int          // bytes of in that belong to the message last returned
	buf  bytes.Buffer // holds messages that do not fit into in
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(r, readAhead)}
}

// next returns the next message, valid until the following call. io.EOF means the body ended between two frames.
func (f *frameReader) next() ([]byte, error) {
	if _, err := f.in.Discard(f.used); err != nil {
		return nil, err
	}
	f.used = 0
	header, err := f.in.Peek(frameHeaderSize)
	if err != nil {
		if len(header) > 0 {
			err = unexpected(err)
		}
		return nil, err
	}
	if header[0] != 0 {
		return nil, fmt.Errorf("message with flag %#x: compression was not agreed on", header[0])
	}
	size := int64(header[1])<<24 | int64(header[2])<<16 | int64(header[3])<<8 | int64(header[4])
	if size > maxMessageSize {
		return nil, fmt.Errorf("message of %d bytes is larger than %d", size, maxMessageSize)
	}
	if frameHeaderSize+size <= readAhead {
		frame, err := f.in.Peek(frameHeaderSize + int(size))
		if err != nil {
			return nil, unexpected(err)
		}
		f.used = len(frame)
		return frame[frameHeaderSize:], nil
	}
	if _, err := f.in.Discard(frameHeaderSize); err != nil {
		return nil, err
	}
	if f.buf.Cap() > maxKeptBuffer {
		f.buf = bytes.Buffer{}
	}
	f.buf.Reset()
	// CopyN grows the buffer with what arrives, not with what the header claims.
	if _, err := io.CopyN(&f.buf, f.in, size); err != nil {
		return nil, unexpected(err)
	}
	return f.buf.Bytes(), nil
}

// unexpected makes an end within a frame different from one between frames.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame appends m as one frame.
func appendFrame(b []byte, m *pb.ChaincodeMessage) ([]byte, error) {
	size := proto.Size(m)
	if size > maxMessageSize {
		return nil, fmt.Errorf("message of %d bytes is larger than %d", size, maxMessageSize)
	}
	start := len(b)
	b = append(slices.Grow(b, frameHeaderSize+size), 0, 0, 0, 0, 0)
	b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.GetType(), err)
	}
	n := len(b) - start - frameHeaderSize
	b[start+1], b[start+2], b[start+3], b[start+4] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return b, nil
}
