package block

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// A file of one block: number 5, hashes d and p, envelopes e and f, and one piece of metadata, m.
const oneStored = "\x0e\x05\x01d\x01p\x02\x01e\x01f\x01\x02m\x00"

func readAll(file string) (all []*commonpb.Block, err error) {
	err = ReadFile(bytes.NewReader([]byte(file)), func(b *commonpb.Block) error {
		all = append(all, b)
		return nil
	})
	return all, err
}

func TestReadFile(t *testing.T) {
	all, err := readAll(oneStored + oneStored)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.True(t, proto.Equal(&commonpb.Block{
		Header:   &commonpb.BlockHeader{Number: 5, DataHash: []byte("d"), PreviousHash: []byte("p")},
		Data:     &commonpb.BlockData{Data: [][]byte{[]byte("e"), []byte("f")}},
		Metadata: &commonpb.BlockMetadata{Metadata: [][]byte{[]byte("m\x00")}},
	}, all[1]), "%v", all[1])
	require.Equal(t, oneStored, string(AppendFile(nil, all[0])))

	for file, want := range map[string]string{
		oneStored[:4]:                  "reading a block of 14 bytes: unexpected EOF",
		"\xff":                         "reading the length of a block: unexpected EOF",
		"\xff\xff\xff\xff\x7f":         "the file gives a block a length of 34359738367 bytes",
		"\x02\x05\x09":                 "decoding a stored block of 2 bytes",
		"\x04\x05\x00\x00\x7f":         "decoding a stored block of 4 bytes",
		oneStored + "\x01\xff":         "decoding a stored block of 1 bytes",
		"\xff\xff\xff\xff\x01\x05\x01": "reading a block of 536870911 bytes: unexpected EOF",
	} {
		_, err := readAll(file)
		require.ErrorContains(t, err, want, "%q", file)
	}
	stop := errors.New("enough")
	require.ErrorIs(t, ReadFile(bytes.NewReader([]byte(oneStored)), func(*commonpb.Block) error { return stop }), stop)
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(oneStored))
	f.Add([]byte("\x06\x05\x00\x00\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, file []byte) {
		_ = ReadFile(bytes.NewReader(file), func(b *commonpb.Block) error {
			require.NotNil(t, b.Header)
			return nil
		})
	})
}
