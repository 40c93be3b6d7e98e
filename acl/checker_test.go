package acl_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

const network = "fabric-1.4"

func load(t *testing.T, dir, mspID string) *msp.Signer {
	t.Helper()
	s, err := msp.LoadSigner(vectors.Path(network, "crypto", dir, "msp"), mspID)
	require.NoError(t, err)
	return s
}

func request(t *testing.T, s *msp.Signer) policy.SignedData {
	t.Helper()
	p, err := tx.NewProposal(s, tx.ProposalRequest{Time: time.Unix(0, 0), Spec: &peerpb.ChaincodeSpec{
		ChaincodeId: &peerpb.ChaincodeID{Name: "cc"}, Input: &peerpb.ChaincodeInput{},
	}})
	require.NoError(t, err)
	return acl.Signed(p)
}

func TestChecker(t *testing.T) {
	bundle, err := channelconfig.FromBlock(vectors.Block(t, network, 76))
	require.NoError(t, err)
	own := load(t, "peerOrganizations/org1.example.com/peers/peer0.org1.example.com", "Org1MSP")
	admin := request(t, load(t, "peerOrganizations/org1.example.com/users/Admin@org1.example.com", "Org1MSP"))
	user := request(t, load(t, "peerOrganizations/org1.example.com/users/User1@org1.example.com", "Org1MSP"))
	other := request(t, load(t, "peerOrganizations/org2.example.com/users/Admin@org2.example.com", "Org2MSP"))
	orderer := request(t, load(t, "ordererOrganizations/example.com/users/Admin@example.com", "OrdererMSP"))
	forged := policy.SignedData{Data: []byte("else"), Identity: user.Identity, Signature: user.Signature}
	c := acl.New(msp.NewManager(own.MSP()), func(id string) (*channelconfig.Bundle, bool) { return bundle, id == "mychannel" })

	const notReader = "Failed evaluating policy on signed data during check policy on channel [mychannel] with policy [/Channel/Application/Readers]: " +
		"[implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Readers' sub-policies to be satisfied]"
	for _, x := range []struct {
		resource, channel string
		request           policy.SignedData
		want              string
	}{
		{acl.QsccGetChainInfo, "mychannel", user, ""},
		{acl.QsccGetChainInfo, "mychannel", other, ""},
		{acl.PeerPropose, "mychannel", other, ""},
		{acl.EventBlock, "mychannel", request(t, own), ""},
		{acl.QsccGetChainInfo, "mychannel", orderer, notReader},
		{acl.QsccGetChainInfo, "mychannel", forged, notReader},
		{acl.QsccGetChainInfo, "nochannel", user, "Failed to get policy manager for channel [nochannel]"},
		{"qscc/Nope", "mychannel", user, "Unmapped policy for qscc/Nope"},
		{acl.LsccDeploy, "mychannel", admin, "Unmapped policy for lscc/Deploy"},
		{acl.LsccGetChaincodeData, "", admin, "Failed getting local MSP principal during channelless check policy with policy [/Channel/Application/Readers]: " +
			"[MSP Principal role [/Channel/Application/Readers] not recognized]"},
	} {
		requireError(t, x.want, c.Check(x.resource, x.channel, x.request), x.resource)
	}
	for _, x := range []struct {
		resource string
		request  policy.SignedData
		want     string
	}{
		{acl.LsccInstall, admin, ""},
		{acl.CsccJoinChain, admin, ""},
		{acl.CsccGetChannels, user, ""},
		{acl.LsccInstall, user, "Failed verifying that proposal's creator satisfies local MSP principal during channelless check policy with policy [Admins]: " +
			"[The identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU [ADMIN], MSP: [Org1MSP]]"},
		{acl.CsccGetChannels, other, "Failed deserializing proposal creator during channelless check policy with policy [Members]: " +
			"[expected MSP ID Org1MSP, received Org2MSP]"},
		{acl.CsccGetChannels, forged, "The signature is invalid"},
		{acl.QsccGetChainInfo, admin, "Unmapped policy for qscc/GetChainInfo"},
	} {
		requireError(t, x.want, c.CheckResource(x.resource, x.request), x.resource)
	}
}

func requireError(t *testing.T, want string, err error, about string) {
	t.Helper()
	if want == "" {
		require.NoError(t, err, about)
		return
	}
	require.EqualError(t, err, want, about)
}
