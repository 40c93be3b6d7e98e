package block_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestHashesAreFabrics(t *testing.T) {
	for _, network := range []string{"fabric-1.4", "fabric-3.1"} {
		for _, f := range vectors.Facts(t, network) {
			b := vectors.Block(t, network, f.Block)
			require.Equal(t, f.HeaderHash, hex.EncodeToString(block.HeaderHash(b.Header)), "%s block %d", network, f.Block)
			require.Equal(t, f.DataHash, hex.EncodeToString(block.DataHash(b.Data)))
			require.Equal(t, f.CommitHash, hex.EncodeToString(block.CommitHash(b)))
			require.NoError(t, block.Check(b))
			codes := block.Codes(b)
			if f.Block == 0 {
				continue // the genesis block's filter may be empty
			}
			require.Len(t, codes, len(f.Txs))
			for i, tx := range f.Txs {
				require.Equal(t, peerpb.TxValidationCode(tx.Number), codes[i])
			}
		}
	}
}

func TestLastConfig(t *testing.T) {
	last := map[uint64]uint64{0: 0, 1: 1, 2: 2, 3: 3, 4: 3, 75: 3, 76: 76, 80: 76}
	for number, want := range last {
		got, err := block.LastConfig(vectors.Block(t, "fabric-1.4", number))
		require.NoError(t, err)
		require.Equal(t, want, got, "block %d", number)
	}
}

func TestNewAndMetadata(t *testing.T) {
	b := block.New(7, []byte("previous"), [][]byte{[]byte("one"), []byte("two")})
	require.NoError(t, block.Check(b))
	require.Nil(t, block.Codes(b))
	require.Empty(t, block.CommitHash(b))

	codes := []peerpb.TxValidationCode{peerpb.TxValidationCode_VALID, peerpb.TxValidationCode_INVALID_OTHER_REASON}
	block.SetCodes(b, codes)
	block.SetCommitHash(b, []byte("hash"))
	require.Equal(t, codes, block.Codes(b))
	require.Equal(t, []byte("hash"), block.CommitHash(b))

	b.Data.Data[0] = []byte("other")
	require.ErrorContains(t, block.Check(b), "block [7]: header says the data hashes to")
}

func TestCheckRefusesMissingParts(t *testing.T) {
	require.ErrorContains(t, block.Check(nil), "no header")
	require.ErrorContains(t, block.Check(&commonpb.Block{}), "no header")
	require.ErrorContains(t, block.Check(&commonpb.Block{Header: &commonpb.BlockHeader{Number: 3}}), "block [3] has no data")
}

func FuzzAccessors(f *testing.F) {
	f.Add(vectors.Read(f, "fabric-1.4", "chain", "5.block"))
	f.Add(vectors.Read(f, "fabric-3.1", "chain", "1.block"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := &commonpb.Block{}
		if proto.Unmarshal(raw, b) != nil {
			return
		}
		block.HeaderHash(b.Header)
		block.Codes(b)
		block.CommitHash(b)
		_, _ = block.LastConfig(b)
		if block.Check(b) == nil {
			require.GreaterOrEqual(t, len(b.Metadata.Metadata), 5)
		}
	})
}
