package block

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// maxStored bounds the length that a block file may give for a block, in bytes.
const maxStored = 512 << 20

// ReadFile calls each for the blocks of a block file (blockfile_000000) as Fabric's peers and orderers write it, until the file ends or each
// returns an error. A block is its length, its number, the hash of its data, the hash before it, and two lists, of envelopes and of metadata;
// numbers are varints, lists have their length before them, and so has every string of bytes.
func ReadFile(file io.Reader, each func(*commonpb.Block) error) error {
	r := bufio.NewReaderSize(file, 1<<20)
	for {
		size, err := binary.ReadUvarint(r)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the length of a block: %w", err)
		case size > maxStored:
			return fmt.Errorf("the file gives a block a length of %d bytes, more than %d", size, maxStored)
		}
		raw, err := io.ReadAll(io.LimitReader(r, int64(size))) // not made beforehand: a damaged length may ask for anything
		if err == nil && uint64(len(raw)) < size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("reading a block of %d bytes: %w", size, err)
		}
		b, err := parseStored(raw)
		if err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
}

// AppendFile appends a block to raw in the form that ReadFile reads.
func AppendFile(raw []byte, b *commonpb.Block) []byte {
	one := protowire.AppendVarint(nil, b.GetHeader().GetNumber())
	one = protowire.AppendBytes(one, b.GetHeader().GetDataHash())
	one = protowire.AppendBytes(one, b.GetHeader().GetPreviousHash())
	for _, list := range [][][]byte{b.GetData().GetData(), b.GetMetadata().GetMetadata()} {
		one = protowire.AppendVarint(one, uint64(len(list)))
		for _, bytes := range list {
			one = protowire.AppendBytes(one, bytes)
		}
	}
	return protowire.AppendBytes(raw, one)
}

func parseStored(raw []byte) (*commonpb.Block, error) {
	s := stored{rest: raw}
	b := &commonpb.Block{
		Header:   &commonpb.BlockHeader{Number: s.number(), DataHash: s.bytes(), PreviousHash: s.bytes()},
		Data:     &commonpb.BlockData{Data: s.list()},
		Metadata: &commonpb.BlockMetadata{Metadata: s.list()},
	}
	if s.err != nil {
		return nil, fmt.Errorf("decoding a stored block of %d bytes: %w", len(raw), s.err)
	}
	return b, nil
}

// stored is what is left to be read of a stored block. After an error everything is empty.
type stored struct {
	rest []byte
	err  error
}

func (s *stored) number() uint64 {
	n, size := protowire.ConsumeVarint(s.rest)
	s.advance(size)
	return n
}

func (s *stored) bytes() []byte {
	b, size := protowire.ConsumeBytes(s.rest)
	s.advance(size)
	return b
}

func (s *stored) list() [][]byte {
	var all [][]byte
	for n := s.number(); n > 0 && s.err == nil; n-- {
		all = append(all, s.bytes())
	}
	return all
}

// advance moves on by size bytes; a negative size is an error of protowire.
func (s *stored) advance(size int) {
	if size < 0 && s.err == nil {
		s.err = protowire.ParseError(size)
	}
	if s.err != nil {
		s.rest = nil
		return
	}
	s.rest = s.rest[size:]
}
