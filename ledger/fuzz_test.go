package ledger

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/ledger/statedb"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// FuzzRestore reads any bytes as a stored block: it is restored or refused, its envelopes can be cut out, and every id is computed.
func FuzzRestore(f *testing.F) {
	for _, n := range []string{"0", "12", "30", "72", "75", "77", "80"} {
		raw, err := os.ReadFile(vectors.Path("fabric-1.4", "chain", n+".block"))
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = envelopeAt(raw, statedb.Version{Tx: 1})
		b := &commonpb.Block{}
		if proto.Unmarshal(raw, b) != nil {
			return
		}
		_, _ = restore(b)
		if len(b.GetData().GetData()) > 0 {
			block.SetCodes(b, make([]peerpb.TxValidationCode, len(b.Data.Data)))
			_, _ = restore(b)
			r := &Block{Block: b, Txs: make([]Tx, len(b.Data.Data))}
			for i := range r.Txs {
				_ = r.indexID(i)
			}
		}
	})
}

// FuzzDecide takes any read-write set through MVCC, commit hash and a batch.
func FuzzDecide(f *testing.F) {
	for _, c := range chainCodes(f) {
		for _, tx := range orderedBlock(f, c).Txs {
			if tx.RWSet != nil {
				raw, err := tx.RWSet.Marshal()
				require.NoError(f, err)
				f.Add(raw)
			}
		}
	}
	l := openLedger(f, f.TempDir(), Options{})
	replay(f, l, 80)
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := rwset.Parse(raw)
		if err != nil {
			return
		}
		conflicts, u, err := decide(l.state.Reader, 81, []Tx{{RWSet: set}, {RWSet: set}})
		require.NoError(t, err)
		var codes []peerpb.TxValidationCode
		for _, c := range conflicts {
			codes = append(codes, c.Code())
			if c != nil {
				require.NotEmpty(t, c.Error())
			}
		}
		require.Equal(t, commitHash(codes, u, nil), commitHash(codes, u, nil))
		batch := l.state.NewBatch()
		require.NoError(t, u.writeTo(batch))
		require.NoError(t, u.expire(batch, 81))
		require.NoError(t, batch.Close())
	})
}
