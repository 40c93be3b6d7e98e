package endorser_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// lscc's refusals, in Fabric's words (testdata/fabric-1.4/errors).
func TestDeployRefusals(t *testing.T) {
	p := newPeer(t)
	kv := vectors.Read(t, network, "packages", "installed", "kv.1.0")
	p.install(t, renamed(t, kv, "fresh", "1.0"), renamed(t, kv, "fresh", "2.0"))
	admin, user := client.New(orgUser(t, "Admin")), client.New(orgUser(t, "User1"))
	lscc := func(channelID string, args ...string) client.Request {
		return client.Request{ChannelID: channelID, Chaincode: "lscc", Args: client.Args(args...)}
	}
	collections := func(member *commonpb.SignaturePolicyEnvelope) []byte {
		return wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{{
			Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{
				Name:             "c",
				MemberOrgsPolicy: &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{SignaturePolicy: member}},
			}},
		}}})
	}
	withCode := string(wire.MustMarshal(&peerpb.ChaincodeDeploymentSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: "fresh", Version: "1.0"}},
		CodePackage:   []byte("no archive"),
	}))
	notYetInstalled := string(renamed(t, kv, "kv", "1.0"))
	for _, c := range []struct {
		name    string
		client  *client.Client
		request client.Request
		want    string // the beginning of the message
	}{
		{"not installed", admin, deploy(t, "deploy", "ghost", "1.0", nil, nil), "cannot get package for chaincode (ghost:1.0)"},
		{"twice", admin, deploy(t, "deploy", "kv", "2.0", nil, nil), "chaincode with name 'kv' already exists"},
		{"by a client", user, deploy(t, "deploy", "fresh", "1.0", nil, nil), "instantiation policy violation: signature set did not satisfy policy"},
		{"Init fails", admin, deploy(t, "deploy", "fresh", "1.0", client.Args("init", "fail", "no thanks"), nil), "transaction returned with failure: init refused: no thanks"},
		{"bad name", admin, deploy(t, "deploy", "a!", "1.0", nil, nil), "invalid chaincode name 'a!'. Names must"},
		{"bad version", admin, deploy(t, "deploy", "a", "1 0", nil, nil), "invalid chaincode version '1 0'. Versions must"},
		{"upgrade to the same version", admin, deploy(t, "upgrade", "kv", "2.0", nil, nil), "version already exists for chaincode with name 'kv'"},
		{"upgrade to a version not installed", admin, deploy(t, "upgrade", "kv", "9.9", nil, nil), "cannot get package for chaincode (kv:9.9)"},
		{"upgrade of nothing", admin, deploy(t, "upgrade", "fresh", "2.0", nil, nil), "could not find chaincode with name 'fresh'"},
		{"upgrade by a client", user, deploy(t, "upgrade", "kv", "1.0", nil, nil), "instantiation policy violation: signature set did not satisfy policy"},
		{"collections are garbage", admin, deploy(t, "deploy", "fresh", "1.0", nil, nil, []byte("garbage")), "invalid collection configuration supplied for chaincode fresh:1.0"},
		{"collection without a policy", admin, deploy(t, "deploy", "fresh", "1.0", nil, nil, collections(nil)), "collection member policy check failed: invalid member org policy for collection 'c': Empty policy element"},
		{"collection policy out of range", admin, deploy(t, "deploy", "fresh", "1.0", nil, nil,
			collections(&commonpb.SignaturePolicyEnvelope{Rule: &commonpb.SignaturePolicy{Type: &commonpb.SignaturePolicy_SignedBy{SignedBy: 3}}})),
			"collection member policy check failed: invalid member org policy for collection 'c': "},
		{"collection of a strange principal", admin, deploy(t, "deploy", "fresh", "1.0", nil, nil,
			collections(&commonpb.SignaturePolicyEnvelope{Identities: []*msppb.MSPPrincipal{{PrincipalClassification: msppb.MSPPrincipal_ANONYMITY}}})),
			"collection member policy check failed: collection-name: c -- principal type ANONYMITY is not supported"},
		{"too many arguments", admin, deploy(t, "deploy", "fresh", "1.0", nil, nil, []byte("6"), []byte("7")), "invalid number of arguments to lscc: 8"},
		{"too few arguments", admin, lscc(channelID, "deploy", channelID), "invalid number of arguments to lscc: 2"},
		{"no channel in the arguments", admin, lscc(channelID, "deploy", "", ""), "invalid channel name: "},
		{"another channel in the arguments", admin, lscc(channelID, "deploy", otherChannel, ""), "invalid channel name: otherchannel: the proposal is for channel [mychannel]"},
		{"no channel in the proposal", admin, lscc("", "deploy", channelID, ""), "invalid channel name: mychannel: the proposal is for channel []"},
		{"spec is garbage", admin, lscc(channelID, "deploy", channelID, "garbage"), "error unmarshaling ChaincodeDeploymentSpec: "},
		{"spec carries bad code", admin, lscc(channelID, "deploy", channelID, withCode), "failure opening codepackage gzip stream"},
		{"spec is empty", admin, lscc(channelID, "deploy", channelID, ""), "invalid chaincode name ''. Names must"},
		{"no function", admin, lscc(channelID), "invalid number of arguments to lscc: 0"},
		{"install again", admin, lscc("", "install", notYetInstalled), "error installing chaincode code kv:1.0(chaincode "},
		{"install by a client", user, lscc("", "install", notYetInstalled), "access denied for [install]: Failed verifying that proposal's creator satisfies local MSP principal during channelless check policy with policy [Admins]: [The identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU [ADMIN], MSP: [Org1MSP]]"},
		{"install garbage", admin, lscc("", "install", "garbage"), "could not unmarshal chaincode package to CDS or SignedCDS"},
		{"install a system chaincode", admin, lscc("", "install", string(renamed(t, kv, "lscc", "1.0"))), "cannot install: lscc is the name of a system chaincode"},
		{"install a bad name", admin, lscc("", "install", string(renamed(t, kv, "kv!", "1.0"))), "invalid chaincode name 'kv!'. Names must"},
		{"data without a channel", admin, lscc("", "getccdata", channelID, "kv"), "transaction not found: GET_STATE failed: transaction ID: "},
		{"data of a channel not joined", admin, lscc(channelID, "getccdata", "nochannel", "kv"), "access denied for [getccdata][nochannel]: Failed to get policy manager for channel [nochannel]"},
		{"data of the channel without a name", admin, lscc("", "getccdata", "", "kv"), "access denied for [getccdata][]: Failed getting local MSP principal during channelless check policy with policy [/Channel/Application/Readers]: [MSP Principal role [/Channel/Application/Readers] not recognized]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			proposal, err := c.client.NewProposal(c.request)
			require.NoError(t, err)
			r, err := p.ProcessProposal(t.Context(), proposal.Signed)
			require.NoError(t, err)
			require.EqualValues(t, 500, r.Response.Status)
			require.True(t, strings.HasPrefix(r.Response.Message, c.want), r.Response.Message)
			require.Nil(t, r.Endorsement)
		})
	}
}

// A deployment without options gets Fabric's defaults; definition, collections and what Init writes are one transaction.
func TestDeployDefaults(t *testing.T) {
	p := newPeer(t)
	kv := vectors.Read(t, network, "packages", "installed", "kv.1.0")
	p.install(t, renamed(t, kv, "fresh", "1.0"))
	config := wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{{
		Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{
			Name: "c",
			MemberOrgsPolicy: &commonpb.CollectionPolicyConfig{Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{
				SignaturePolicy: policy.SignedByAny("member", []string{"Org1MSP", "Org7MSP"}),
			}},
		}},
	}}})
	proposal, err := client.New(orgUser(t, "Admin")).NewProposal(deploy(t, "deploy", "fresh", "1.0", client.Args("init", "a", "1"), nil, config))
	require.NoError(t, err)
	r, err := p.ProcessProposal(t.Context(), proposal.Signed)
	require.NoError(t, err)
	require.EqualValues(t, 200, r.Response.Status, r.Response.Message)
	requireEndorsed(t, p, r)

	d := &peerpb.ChaincodeData{}
	require.NoError(t, proto.Unmarshal(r.Response.Payload, d))
	require.Equal(t, "escc", d.Escc)
	require.Equal(t, "vscc", d.Vscc)
	require.Equal(t, wire.MustMarshal(policy.SignedByAny("member", []string{"Org1MSP", "Org2MSP"})), d.Policy)
	require.Equal(t, wire.MustMarshal(policy.SignedByAny("admin", []string{"Org1MSP", "Org2MSP"})), d.InstantiationPolicy)

	set, err := rwset.Parse(action(t, r).Results)
	require.NoError(t, err)
	written := map[string]string{}
	for _, ns := range set.Namespaces {
		for _, w := range ns.KV.GetWrites() {
			written[ns.Name+"/"+w.Key] = string(w.Value)
		}
	}
	require.Equal(t, map[string]string{"fresh/a": "1", "lscc/fresh": string(r.Response.Payload), "lscc/fresh~collection": string(config)}, written)
}

// An upgrade announces itself by an event and keeps the collections that the chaincode has.
func TestUpgrade(t *testing.T) {
	p := newPeer(t)
	kv := vectors.Read(t, network, "packages", "installed", "kv.1.0")
	p.install(t, renamed(t, kv, "kv", "3.0"))
	proposal, err := client.New(orgUser(t, "Admin")).NewProposal(deploy(t, "upgrade", "kv", "3.0", nil, nil))
	require.NoError(t, err)
	r, err := p.ProcessProposal(t.Context(), proposal.Signed)
	require.NoError(t, err)
	require.EqualValues(t, 200, r.Response.Status, r.Response.Message)
	event := &peerpb.ChaincodeEvent{}
	require.NoError(t, proto.Unmarshal(action(t, r).Events, event))
	require.Equal(t, "upgrade", event.EventName)
	require.Equal(t, "lscc", event.ChaincodeId)
	require.Equal(t, proposal.TxID(), event.TxId)
	lifecycle := &peerpb.LifecycleEvent{}
	require.NoError(t, proto.Unmarshal(event.Payload, lifecycle))
	require.Equal(t, "kv", lifecycle.ChaincodeName)
}
