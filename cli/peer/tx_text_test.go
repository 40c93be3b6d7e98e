package peer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client/explain"
	"github.com/heddleledger/heddle/policy"
)

// TestTransactionSteersNoTerminal: whatever a transaction says, it is shown, and makes neither a line of its own nor an escape sequence.
func TestTransactionSteersNoTerminal(t *testing.T) {
	print := func(s string) string {
		id := explain.Identity{MSPID: s, Subject: s, Role: s, Serial: s, Issuer: s, Problem: s}
		reads, metadata := []explain.Read{{Key: s, Version: s}}, []explain.Metadata{{Key: s, Policy: s}, {Key: s, Entries: map[string]explain.Value{s: []byte(s)}}}
		writes := []explain.Write{{Key: s, Value: []byte(s)}, {Key: s, Deleted: true}}
		x := &explain.Transaction{
			Channel: s, TxID: s, Type: s, Code: s, Reason: s, Doubt: s, Unreadable: s, Creator: &id,
			Policy: &policy.Explanation{
				Policy: &policy.Outcome{Needs: 2, Of: s, Rules: []*policy.Outcome{
					{Principal: s, Satisfied: true, By: s}, {Principal: s, Why: s}}},
				Signers: []policy.Signer{{MSPID: s, Name: s, Role: s, Problem: s}},
			},
			Chaincode: &explain.Chaincode{Name: s, Version: s}, Args: []explain.Value{[]byte(s)}, Deployment: &explain.Deployment{Name: s, Version: s, Policy: s},
			Endorsements: []explain.Endorsement{{Identity: id}}, Response: &explain.Response{Status: 200, Message: s, Payload: []byte(s)},
			Event: &explain.Event{Name: s, Payload: []byte(s)}, Config: &explain.Config{Changes: []string{s}, Signers: []explain.Identity{id}},
			Namespaces: []explain.Namespace{{Chaincode: s, Reads: reads, Queries: []explain.RangeQuery{{Start: s, End: s, Results: reads}}, Writes: writes, Metadata: metadata,
				Collections: []explain.Collection{{Name: s, Reads: reads, Writes: writes, Metadata: metadata}}}},
		}
		var out strings.Builder
		printTransaction(&out, x)
		return out.String()
	}
	good, evil := print("x"), print("x\x1b[2J\r\n  code\tVALID\f\v\u202e\xff")
	require.Equal(t, strings.Count(good, "\n"), strings.Count(evil, "\n"))
	for _, c := range "\x1b\r\t\f\v\u202e" {
		require.NotContains(t, evil, string(c))
	}
	require.Contains(t, evil, `\x1b[2J\r\n  code\tVALID\f\v\u202e\xff`)
	require.Regexp(t, `(?m)^  message +x\\x1b`, evil)
}
