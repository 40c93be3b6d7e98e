package endorser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// The odd proposals get Fabric 1.4.12's answers, over the network.
func TestProbes(t *testing.T) {
	p := newPeer(t)
	conn, err := comm.Dial(t.Context(), serve(t, p), comm.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	remote := peerpb.NewEndorserClient(conn)

	requests := kit.OddProposals(t, kit.Who{
		Channel:      channelID,
		User:         orgUser(t, "User1"),
		Org2:         signer(t, "peerOrganizations/org2.example.com/users/User1@org2.example.com", "Org2MSP"),
		OrdererAdmin: signer(t, "ordererOrganizations/example.com/users/Admin@example.com", "OrdererMSP"),
		Peer:         signer(t, "peerOrganizations/org1.example.com/peers/peer0.org1.example.com", "Org1MSP"),
	})
	for _, a := range kit.OddProposalAnswers() {
		t.Run(a.Name, func(t *testing.T) {
			o := requests[a.Name]
			require.NotNil(t, o, "no such request")
			delete(requests, a.Name)
			a.Equal(t, kit.ProposalOutline(remote.ProcessProposal(t.Context(), o.Build(t))))
		})
	}
	require.Empty(t, requests)
}

// newOdd is a call on the sample channel, to be made odd.
func newOdd(s tx.Signer, chaincode string, args ...string) *kit.Proposal {
	return kit.NewProposal(s, channelID, chaincode, args...)
}
