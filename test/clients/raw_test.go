//go:build clients

package clients

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestRawGRPC deploys and calls a chaincode with messages made by hand.
func TestRawGRPC(t *testing.T) {
	n := start(t, localnet.Options{})
	n.material(t)
	t.Run("deploy", n.rawDeploy)
	t.Run("call", n.rawCall)
	t.Run("refusals", n.rawRefusals)
}

func (n *network) rawDeploy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	for i, org := range n.Orgs {
		admin := n.raw(t, n.Admin(org))
		pkg, err := os.ReadFile(filepath.Join(n.Dir, "asset.1.0.pkg"))
		require.NoError(t, err)
		e, err := admin.propose(ctx, admin.peers[i:i+1], "", "lscc", []byte("install"), pkg)
		require.NoError(t, err)
		require.Equal(t, int32(200), e.responses[0].Response.Status, e.responses[0].Response.Message)
	}
	admin := n.raw(t, n.Admin(n.Orgs[0]))
	spec := encode(&peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
		Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: "asset", Version: "1.0"},
		Input: &peerpb.ChaincodeInput{Args: words("init", "rug", "Anna", "120")},
	}})
	e, err := admin.propose(ctx, admin.peers[:1], n.Channel, "lscc", []byte("deploy"), []byte(n.Channel), spec, bothPeers(n.Orgs))
	require.NoError(t, err)
	require.Equal(t, int32(200), e.responses[0].Response.Status, e.responses[0].Response.Message)
	admin.commits(ctx, n.Channel, e, peerpb.TxValidationCode_VALID)
}

// rawCall submits a transaction, follows its events, full and filtered, and queries.
func (n *network) rawCall(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	user := n.raw(t, n.User(n.Orgs[0]))
	e := user.endorse(ctx, n.Channel, "put", "raw", "Anna", "7")
	user.commits(ctx, n.Channel, e, peerpb.TxValidationCode_VALID)
	got := user.endorse(ctx, n.Channel, "get", "raw")
	require.Equal(t, `{"id":"raw","owner":"Anna","value":7}`, string(got.responses[1].Response.Payload))

	first := uint64(0)
	full, err := user.events[1].Deliver(ctx)
	require.NoError(t, err)
	require.NoError(t, full.Send(user.seek(n.Channel, &first)))
	fromOrderer, err := user.orderer.Deliver(ctx)
	require.NoError(t, err)
	require.NoError(t, fromOrderer.Send(user.seek(n.Channel, &first)))
	for number := range uint64(2) {
		committed, err := full.Recv()
		require.NoError(t, err)
		ordered, err := fromOrderer.Recv()
		require.NoError(t, err)
		require.Equal(t, number, committed.GetBlock().GetHeader().GetNumber())
		require.True(t, proto.Equal(ordered.GetBlock().GetHeader(), committed.GetBlock().GetHeader()))
		require.True(t, proto.Equal(ordered.GetBlock().GetData(), committed.GetBlock().GetData()))
	}
}

// rawRefusals holds what a client is told against what Fabric tells it.
func (n *network) rawRefusals(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	user := n.raw(t, n.User(n.Orgs[0]))

	e, err := user.propose(ctx, user.peers[:1], n.Channel, "asset", words("get", "nothing")...)
	require.NoError(t, err)
	require.Equal(t, "asset nothing does not exist", e.responses[0].Response.Message)
	require.Nil(t, e.responses[0].Endorsement)

	e = user.endorse(ctx, n.Channel, "put", "twice", "Anna", "1")
	user.commits(ctx, n.Channel, e, peerpb.TxValidationCode_VALID)
	again := user.endorse(ctx, n.Channel, "transfer", "twice", "Boris")
	later := user.endorse(ctx, n.Channel, "transfer", "twice", "Carl")
	user.commits(ctx, n.Channel, again, peerpb.TxValidationCode_VALID)
	user.commits(ctx, n.Channel, later, peerpb.TxValidationCode_MVCC_READ_CONFLICT)
	alone, err := user.propose(ctx, user.peers[:1], n.Channel, "asset", words("put", "lonely", "Anna", "1")...)
	require.NoError(t, err)
	user.commits(ctx, n.Channel, alone, peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE)

	forged := user.transaction(again)
	forged.Signature = user.sign([]byte("something else"))
	require.Equal(t, commonpb.Status_FORBIDDEN, user.broadcast(ctx, forged).Status)
}

// endorse calls asset on all peers, which must all agree.
func (c *rawClient) endorse(ctx context.Context, channel string, args ...string) *endorsed {
	c.t.Helper()
	e, err := c.propose(ctx, c.peers, channel, "asset", words(args...)...)
	require.NoError(c.t, err)
	for _, r := range e.responses {
		require.Equal(c.t, int32(200), r.Response.Status, r.Response.Message)
		require.Equal(c.t, e.responses[0].Payload, r.Payload)
	}
	return e
}

// commits submits a transaction, which must end with the code on every peer.
func (c *rawClient) commits(ctx context.Context, channel string, e *endorsed, code peerpb.TxValidationCode) {
	c.t.Helper()
	var streams []peerpb.Deliver_DeliverFilteredClient
	for _, peer := range c.events {
		stream, err := peer.DeliverFiltered(ctx)
		require.NoError(c.t, err)
		require.NoError(c.t, stream.Send(c.seek(channel, nil)))
		_, err = stream.Recv() // the newest block of before
		require.NoError(c.t, err)
		streams = append(streams, stream)
	}
	answer := c.broadcast(ctx, c.transaction(e))
	require.Equal(c.t, commonpb.Status_SUCCESS, answer.Status, answer.Info)
	for _, stream := range streams {
		require.Equal(c.t, code, c.outcome(stream, e.id))
		require.NoError(c.t, stream.CloseSend())
	}
}

// outcome reads filtered blocks until the one with the transaction.
func (c *rawClient) outcome(stream peerpb.Deliver_DeliverFilteredClient, id string) peerpb.TxValidationCode {
	c.t.Helper()
	for {
		r, err := stream.Recv()
		require.NoError(c.t, err)
		for _, transaction := range r.GetFilteredBlock().GetFilteredTransactions() {
			if transaction.Txid == id {
				return transaction.TxValidationCode
			}
		}
	}
}

// bothPeers is the policy that a peer of every organisation must endorse.
func bothPeers(orgs []localnet.Org) []byte {
	all := &commonpb.SignaturePolicy_NOutOf{N: int32(len(orgs))}
	policy := &commonpb.SignaturePolicyEnvelope{Rule: &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_NOutOf_{NOutOf: all}}}
	for i, org := range orgs {
		all.Rules = append(all.Rules, &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
		policy.Identities = append(policy.Identities, &msppb.MSPPrincipal{
			PrincipalClassification: msppb.MSPPrincipal_ROLE,
			Principal:               encode(&msppb.MSPRole{MspIdentifier: org.MSPID, Role: msppb.MSPRole_PEER}),
		})
	}
	return encode(policy)
}

func words(all ...string) [][]byte {
	args := make([][]byte, len(all))
	for i, w := range all {
		args[i] = []byte(w)
	}
	return args
}
