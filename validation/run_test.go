package validation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestTogether: a transaction's code and reason are the same alone and among others, good ones and bad ones, that are prepared with it, by however
// many workers, with keys that have tables or not.
func TestTogether(t *testing.T) {
	n := newNetwork(t)
	var envelopes [][]byte
	var codes, reasons []string
	for _, c := range n.codeCases() {
		e := n.put("k")
		c.change(e)
		raw := n.build(e)
		code, reason := n.judge(n.newMemory(), raw)
		envelopes, codes, reasons = append(envelopes, raw), append(codes, code[0]), append(reasons, reason[0])
	}
	require.Greater(t, len(envelopes), 2*maxRun)
	for _, tables := range []int{0, 10} {
		for _, workers := range []int{1, 2, 5, 1000} {
			n := newNetwork(t)
			n.workers = workers
			n.bundle.MSPs().UseKeyTables(msp.NewKeyTables(tables))
			order := rand.New(rand.NewPCG(uint64(tables), uint64(workers))).Perm(len(envelopes))
			mixed := make([][]byte, len(order))
			for i, from := range order {
				mixed[i] = envelopes[from]
			}
			got, why := n.judge(n.newMemory(), mixed...)
			for i, from := range order {
				name := fmt.Sprintf("case %d, with %d tables, by %d workers", from, tables, workers)
				require.Equal(t, codes[from], got[i], name)
				require.Equal(t, reasons[from], why[i], name)
			}
		}
	}
}

// TestManyEndorsements: those that are not verified ahead of time count as well.
func TestManyEndorsements(t *testing.T) {
	n := newNetwork(t)
	e := n.put("k")
	e.payload = func(p *peerpb.ChaincodeActionPayload) {
		var strangers []*peerpb.Endorsement
		for i := range maxAhead {
			strangers = append(strangers, &peerpb.Endorsement{Endorser: []byte{byte(i)}, Signature: garbage})
		}
		p.Action.Endorsements = append(strangers, p.Action.Endorsements...)
	}
	codes, reasons := n.judge(n.newMemory(), n.build(e))
	require.Equal(t, []string{"VALID"}, codes, reasons)
}

func TestRunSize(t *testing.T) {
	for _, c := range []struct{ txs, workers, size int }{
		{0, 2, 1}, {1, 2, 1}, {2, 2, 1}, {3, 2, 2}, {10, 2, 5}, {10, 64, 1}, {64, 2, 32}, {65, 2, 17}, {100, 2, 25}, {500, 2, 32}, {500, 64, 8}, {100, 1, 25},
	} {
		require.Equal(t, c.size, runSize(c.txs, c.workers), "%d transactions, %d workers", c.txs, c.workers)
	}
}
