package endorser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// BenchmarkEndorse measures one proposal from its bytes to the signed answer, with an in-process chaincode.
func BenchmarkEndorse(b *testing.B) {
	for name, args := range map[string][]string{"read": {"get", "a"}, "write": {"put", "a", "1"}, "system": nil} {
		b.Run(name, func(b *testing.B) {
			p, c := newPeer(b), client.New(orgUser(b, "User1"))
			proposals := make([]*peerpb.SignedProposal, b.N)
			for i := range proposals {
				r := client.Request{ChannelID: channelID, Chaincode: "kv", Args: client.Args(args...)}
				if name == "system" {
					r.Chaincode, r.Args = "qscc", client.Args("GetChainInfo", channelID)
				}
				proposal, err := c.NewProposal(r)
				require.NoError(b, err)
				proposals[i] = proposal.Signed
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, signed := range proposals {
				r, err := p.ProcessProposal(b.Context(), signed)
				if err != nil || r.Endorsement == nil {
					b.Fatal(r, err)
				}
			}
		})
	}
}
