package endorser_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// query is one recorded request of queries/index.json and what the real peer answered.
type query struct {
	Name           string
	OtherName      string `json:"-"` // of the function, where it is not called by the recorded one
	Chaincode      string
	Args           []string
	Channel        string `json:"proposal_channel"`
	As             string `json:"as_"`
	Status         int32
	Message        string
	HasEndorsement bool                       `json:"has_endorsement"`
	Payload        struct{ Extension []byte } `json:"proposal_response_payload"`
	GRPC           *struct {
		Message string `json:"grpc_message"`
	}
}

func (q *query) args(t *testing.T) [][]byte {
	var args [][]byte
	for _, a := range q.Args {
		if raw, isHex := strings.CutPrefix(a, "(raw bytes) hex "); isHex {
			b, err := hex.DecodeString(raw)
			require.NoError(t, err)
			args = append(args, b)
			continue
		}
		args = append(args, []byte(a))
	}
	return args
}

// The recorded queries of the system chaincodes get the recorded answers: status, message, payload, and for channel requests the very
// bytes of the ChaincodeAction, read set included.
func TestRecordedQueries(t *testing.T) {
	p := newPeer(t)
	users := map[string]*msp.Signer{"admin": orgUser(t, "Admin"), "client": orgUser(t, "User1"), "": orgUser(t, "Admin")}
	for _, q := range withOtherNames(vectors.JSON[[]query](t, network, "queries", "index.json")) {
		t.Run(strings.TrimSpace(q.Name+" "+q.OtherName), func(t *testing.T) {
			if q.Name == "qscc_GetBlockByHash" {
				q.Channel = channelID // the one entry that leaves it out
			}
			proposal, err := client.New(users[q.As]).NewProposal(client.Request{ChannelID: q.Channel, Chaincode: q.Chaincode, Args: q.args(t)})
			require.NoError(t, err)
			got, err := p.ProcessProposal(t.Context(), proposal.Signed)
			if q.GRPC != nil {
				require.ErrorContains(t, err, q.GRPC.Message)
				return
			}
			require.NoError(t, err)
			want := vectors.Message(t, &peerpb.ProposalResponse{}, network, "queries", q.Name+".response.pb")
			if q.Channel != "" || q.Status >= 500 {
				require.Equal(t, len(want.Payload) > 0, len(got.Payload) > 0)
				sameAction(t, q, want, got, proposal)
			}
			require.Equal(t, want.Version, got.Version)
			require.Nil(t, got.Timestamp)
			require.Equal(t, q.Status, got.Response.Status)
			require.Equal(t, want.Response.Message, got.Response.Message)
			require.Equal(t, want.Endorsement != nil, got.Endorsement != nil)
			samePayload(t, q, want.Response.Payload, got.Response.Payload)
			if got.Endorsement != nil {
				requireEndorsed(t, p, got)
			}
		})
	}
}

// withOtherNames adds each query that lscc answered once more, with the function's other name: the answer is the same. (A refusal has the
// name in its text.)
func withOtherNames(queries []query) []query {
	other := map[string]string{
		"getid": "ChaincodeExists", "getdepspec": "GetDeploymentSpec", "getccdata": "GetChaincodeData", "getchaincodes": "GetChaincodes",
		"getinstalledchaincodes": "GetInstalledChaincodes", "GetCollectionsConfig": "getcollectionsconfig",
	}
	all := slices.Clone(queries)
	for _, q := range queries {
		if name, ok := other[q.Args[0]]; ok && q.Chaincode == "lscc" && q.Status == 200 {
			q.OtherName, q.Args = name, append([]string{name}, q.Args[1:]...)
			all = append(all, q)
		}
	}
	return all
}

func sameAction(t *testing.T, q query, want, got *peerpb.ProposalResponse, proposal *tx.Proposal) {
	w, g := &peerpb.ProposalResponsePayload{}, &peerpb.ProposalResponsePayload{}
	require.NoError(t, proto.Unmarshal(want.Payload, w))
	require.NoError(t, proto.Unmarshal(got.Payload, g))
	if len(got.Payload) > 0 {
		require.Equal(t, proposal.Hash(), g.ProposalHash)
	}
	if byContent(q) {
		return
	}
	require.Equal(t, hex.EncodeToString(w.Extension), hex.EncodeToString(g.Extension))
	if len(q.Payload.Extension) > 0 {
		require.Equal(t, q.Payload.Extension, g.Extension)
	}
}

// byContent lists answers whose bytes follow the order of a Go map in Fabric.
func byContent(q query) bool {
	return strings.HasPrefix(q.Name, "cscc_GetChannels") || q.Name == "cscc_GetConfigTree"
}

func samePayload(t *testing.T, q query, want, got []byte) {
	switch {
	case strings.HasPrefix(q.Name, "cscc_GetChannels"):
		r := &peerpb.ChannelQueryResponse{}
		require.NoError(t, proto.Unmarshal(got, r))
		require.Equal(t, channelID, r.Channels[0].ChannelId)
	case q.Name == "cscc_GetConfigTree":
		w, g := &peerpb.ConfigTree{}, &peerpb.ConfigTree{}
		require.NoError(t, proto.Unmarshal(want, w))
		require.NoError(t, proto.Unmarshal(got, g))
		require.True(t, proto.Equal(w, g))
	default:
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(got))
	}
}

// requireEndorsed checks the endorsement's signature.
func requireEndorsed(t *testing.T, p *peer, r *peerpb.ProposalResponse) {
	t.Helper()
	id, err := p.bundle.MSPs().Identity(r.Endorsement.Endorser)
	require.NoError(t, err)
	require.Equal(t, "Org1MSP", id.MSPID())
	require.NoError(t, id.Verify(slices.Concat(r.Payload, r.Endorsement.Endorser), r.Endorsement.Signature))
}

// The recorded proposal, which both real peers endorsed, is a duplicate now that it is committed; its hash is the recorded one.
func TestRecordedProposal(t *testing.T) {
	p := newPeer(t)
	signed := vectors.Message(t, &peerpb.SignedProposal{}, network, "proposals", "signed_proposal.pb")
	proposal, err := tx.ParseProposal(signed)
	require.NoError(t, err)
	_, err = p.ProcessProposal(t.Context(), signed)
	require.ErrorContains(t, err, fmt.Sprintf("duplicate transaction found [%s]. Creator [%x]", proposal.TxID(), proposal.Creator()))
	require.NoError(t, proposal.Open())
	payload := vectors.Message(t, &peerpb.ProposalResponsePayload{}, network, "proposals", "proposal_response_payload.pb")
	require.Equal(t, payload.ProposalHash, proposal.Hash())
}

// Chaincode statuses decide what an answer carries.
func TestRecordedStatuses(t *testing.T) {
	type statusCase struct {
		Returned int32 `json:"chaincode_returned"`
	}
	p, c := newPeer(t), client.New(orgUser(t, "User1"))
	for _, s := range vectors.JSON[[]statusCase](t, network, "extra", "chaincode-status", "index.json") {
		t.Run(fmt.Sprint(s.Returned), func(t *testing.T) {
			want := vectors.Message(t, &peerpb.ProposalResponse{}, network, "extra", "chaincode-status", fmt.Sprintf("%d.proposal_response.pb", s.Returned))
			proposal, err := c.NewProposal(client.Request{ChannelID: channelID, Chaincode: "kv",
				Args: client.Args("status", fmt.Sprint(s.Returned), fmt.Sprintf("message %d", s.Returned), "payload")})
			require.NoError(t, err)
			got, err := p.ProcessProposal(t.Context(), proposal.Signed)
			require.NoError(t, err)
			require.True(t, proto.Equal(want.Response, got.Response), "%v", got.Response)
			require.Equal(t, want.Version, got.Version)
			require.Equal(t, want.Endorsement != nil, got.Endorsement != nil)
			require.Equal(t, want.Payload != nil, got.Payload != nil)
			if want.Payload != nil {
				w, g := action(t, want), action(t, got)
				require.Equal(t, w.ChaincodeId.Version != "", g.ChaincodeId.Version != "")
				require.True(t, proto.Equal(w.Response, g.Response))
				require.Equal(t, "kv", g.ChaincodeId.Name)
				require.NotEmpty(t, g.Results)
			}
		})
	}
}

func action(t testing.TB, r *peerpb.ProposalResponse) *peerpb.ChaincodeAction {
	t.Helper()
	p, a := &peerpb.ProposalResponsePayload{}, &peerpb.ChaincodeAction{}
	require.NoError(t, proto.Unmarshal(r.Payload, p))
	require.NoError(t, proto.Unmarshal(p.Extension, a))
	return a
}

// lscc's definition of a signed package is the recorded one.
func TestRecordedDefinition(t *testing.T) {
	definition := &peerpb.ChaincodeData{}
	require.NoError(t, proto.Unmarshal(vectors.Read(t, network, "packages", "signedcc.chaincode_data.pb"), definition))
	p, c := newPeer(t), client.New(orgUser(t, "Admin"))
	p.install(t, vectors.Read(t, network, "packages", "installed", "signedcc.1.0"))
	proposal, err := c.NewProposal(deploy(t, "deploy", "signedcc", "1.0", nil, definition.Policy))
	require.NoError(t, err)
	got, err := p.ProcessProposal(t.Context(), proposal.Signed)
	require.NoError(t, err)
	require.Equal(t, int32(200), got.Response.Status, got.Response.Message)
	require.Equal(t, vectors.Read(t, network, "packages", "signedcc.chaincode_data.pb"), got.Response.Payload)
	requireEndorsed(t, p, got)
}

// deploy is a request to lscc.
func deploy(t testing.TB, function, name, version string, init [][]byte, policy []byte, more ...[]byte) client.Request {
	t.Helper()
	r, err := client.Deployment{ChannelID: channelID, Name: name, Version: version, Init: init, Policy: policy,
		Type: peerpb.ChaincodeSpec_GOLANG}.Request(function)
	require.NoError(t, err)
	r.Args = append(r.Args, more...)
	return r
}
