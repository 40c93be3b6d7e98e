package endorser_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// A proposal of any bytes is answered, never endorsed unless signed, and never makes the endorser panic.
func FuzzSignedProposal(f *testing.F) {
	p := newPeer(f)
	f.Add(vectors.Read(f, network, "proposals", "proposal.pb"), vectors.Read(f, network, "proposals", "endorser_org1.pb"))
	f.Add([]byte{}, []byte{})
	f.Add(wire.MustMarshal(&peerpb.Proposal{Header: wire.MustMarshal(&commonpb.Header{})}), []byte{1})
	f.Add(newOdd(orgUser(f, "User1"), "kv", "get", "a").Build(f).ProposalBytes, []byte{0x30, 0x06})
	f.Fuzz(func(t *testing.T, proposal, signature []byte) {
		r, err := p.ProcessProposal(t.Context(), &peerpb.SignedProposal{ProposalBytes: proposal, Signature: signature})
		require.True(t, err != nil || r.Endorsement == nil)
	})
}

// A proposal that is properly signed may hold any bytes where the chaincode is named and called, and any arguments of a system chaincode.
func FuzzAuthenticProposal(f *testing.F) {
	p, user := newPeer(f), orgUser(f, "Admin")
	call := func(name string, args ...string) {
		id := &peerpb.ChaincodeID{Name: name}
		spec := &peerpb.ChaincodeSpec{ChaincodeId: id, Input: &peerpb.ChaincodeInput{Args: client.Args(args...)}}
		f.Add(true, wire.MustMarshal(&peerpb.ChaincodeHeaderExtension{ChaincodeId: id}), wire.MustMarshal(&peerpb.ChaincodeProposalPayload{
			Input: wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: spec}),
		}))
	}
	empty := wire.MustMarshal(&peerpb.ChaincodeProposalPayload{Input: wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{}})})
	extension := wire.MustMarshal(&peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{}})
	f.Add(false, []byte{}, []byte{})
	f.Add(true, extension, []byte("garbage"))
	f.Add(true, extension, empty)
	genesis := string(vectors.Read(f, network, "config", "mychannel.block"))
	config := wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{{}}})
	spec := wire.MustMarshal(&peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{ChaincodeId: &peerpb.ChaincodeID{Name: "both", Version: "1.0"}}})
	call("kv", "get", "a")
	call("cscc", "JoinChain", genesis)
	call("cscc", "JoinChain", genesis[:100])
	call("cscc", "SimulateConfigTreeUpdate", channelID, string(vectors.Read(f, network, "config", "mychannel.tx")))
	call("cscc", "SimulateConfigTreeUpdate", channelID)
	call("cscc", "GetConfigBlock", channelID)
	call("qscc", "GetBlockByNumber", channelID, "18446744073709551615")
	call("qscc", "GetBlockByNumber", channelID, "-1")
	call("qscc", "GetBlockByHash", channelID, "")
	call("lscc", "install", string(vectors.Read(f, network, "packages", "signedcc.cds-only-envelope.pkg")))
	call("lscc", "deploy", channelID, string(spec), "policy", "escc", "vscc", string(config))
	call("lscc", "upgrade", channelID, string(spec))
	call("lscc", "getdepspec", channelID, "kv")
	call("lscc", "no such \xff function")
	call("both", "no such \xff function")
	f.Fuzz(func(t *testing.T, onChannel bool, extension, payload []byte) {
		nonce := []byte("nonce")
		channel := &commonpb.ChannelHeader{
			Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), Timestamp: timestamppb.Now(),
			TxId: tx.ID(nonce, user.Creator()), Extension: extension,
		}
		if onChannel {
			channel.ChannelId = channelID
		}
		header := wire.MustMarshal(&commonpb.Header{
			ChannelHeader:   wire.MustMarshal(channel),
			SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: user.Creator(), Nonce: nonce}),
		})
		raw := wire.MustMarshal(&peerpb.Proposal{Header: header, Payload: payload})
		signature, err := user.Sign(raw)
		require.NoError(t, err)
		r, err := p.ProcessProposal(t.Context(), &peerpb.SignedProposal{ProposalBytes: raw, Signature: signature})
		if err == nil {
			require.NotNil(t, r.Response)
			_, err = proto.Marshal(r)
			require.NoError(t, err, "an answer that cannot be sent")
		}
	})
}
