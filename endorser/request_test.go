package endorser_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// outsider signs with a key and a certificate that no MSP would load.
type outsider struct {
	key     *ecdsa.PrivateKey
	creator []byte
}

func newOutsider(t *testing.T, keyFile, certFile string) *outsider {
	t.Helper()
	block, _ := pem.Decode(vectors.Read(t, network, keyFile))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return &outsider{
		key:     key.(*ecdsa.PrivateKey),
		creator: wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP", IdBytes: vectors.Read(t, network, certFile)}),
	}
}

func (o *outsider) Creator() []byte { return o.creator }

func (o *outsider) Sign(msg []byte) ([]byte, error) {
	digest := sha256.Sum256(msg)
	for {
		signature, err := ecdsa.SignASN1(rand.Reader, o.key, digest[:])
		if err != nil || lowS(signature) {
			return signature, err
		}
	}
}

func lowS(signature []byte) bool {
	var rs struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &rs)
	return err == nil && rs.S.BitLen() < 256 // stricter than needed
}

func TestExpiredCreator(t *testing.T) {
	p := newPeer(t, func(o *endorser.Options) {
		o.Now = func() time.Time { return time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC) }
	})
	expired := newOutsider(t, "crypto-extra/expired-client/keystore/priv_sk", "crypto-extra/expired-client/signcerts/cert.pem")
	for _, channel := range []string{channelID, "nochannel", ""} {
		o := newOdd(expired, "kv", "get", "a")
		o.Channel.ChannelId = channel
		_, err := p.ProcessProposal(t.Context(), o.Build(t))
		require.Equal(t, codes.Unknown, status.Code(err))
		require.ErrorContains(t, err, "identity expired")
	}
}

// A creator of a known organization under a certificate of another CA is refused.
func TestUnknownCA(t *testing.T) {
	p := newPeer(t)
	rogue := newOutsider(t, "crypto-extra/unknown-ca-client/keystore/priv_sk", "crypto-extra/unknown-ca-client/signcerts/cert.pem")
	_, err := p.ProcessProposal(t.Context(), newOdd(rogue, "kv", "get", "a").Build(t))
	require.ErrorContains(t, err, "access denied: channel [mychannel] creator org [Org1MSP]")
}

// A client whose certificate its CA signed with high S is accepted: low S is asked of messages only.
func TestHighSCertificate(t *testing.T) {
	p := newPeer(t)
	c := newOutsider(t, "extra/high-s-certificate/creator_private_key.pem", "extra/high-s-certificate/creator_cert.pem")
	r, err := p.ProcessProposal(t.Context(), newOdd(c, "kv", "get", "a").Build(t))
	require.NoError(t, err)
	require.EqualValues(t, 200, r.Response.Status)
	requireEndorsed(t, p, r)
}

// The transient map reaches the chaincode and stays out of the hash that is endorsed.
func TestTransient(t *testing.T) {
	p := newPeer(t)
	proposal, err := client.New(orgUser(t, "User1")).NewProposal(client.Request{
		ChannelID: channelID, Chaincode: "kv", Args: client.Args("secret"), Transient: map[string][]byte{"secret": []byte("s3")},
	})
	require.NoError(t, err)
	r, err := p.ProcessProposal(t.Context(), proposal.Signed)
	require.NoError(t, err)
	require.Equal(t, "s3", string(r.Response.Payload))
	payload := &peerpb.ProposalResponsePayload{}
	require.NoError(t, proto.Unmarshal(r.Payload, payload))
	open := proto.Clone(proposal.Payload).(*peerpb.ChaincodeProposalPayload)
	open.TransientMap = nil
	require.Equal(t, proposal.PayloadWithoutTransient, wire.MustMarshal(open))
	require.Equal(t, proposal.Hash(), payload.ProposalHash)
}

func TestFailuresOfSimulation(t *testing.T) {
	p := newPeer(t)
	c := client.New(orgUser(t, "User1"))
	ask := func(r client.Request) *peerpb.ProposalResponse {
		proposal, err := c.NewProposal(r)
		require.NoError(t, err)
		answer, err := p.ProcessProposal(t.Context(), proposal.Signed)
		require.NoError(t, err)
		require.EqualValues(t, 500, answer.Response.Status)
		require.Nil(t, answer.Endorsement)
		answer.Response.Message = kit.HideHashes(answer.Response.Message)
		return answer
	}
	r := ask(client.Request{ChannelID: channelID, Chaincode: "kv", Args: client.Args("sleep", "1200")})
	require.Equal(t, "failed to execute transaction <H>: error sending: timeout expired while executing transaction", r.Response.Message)
	require.Empty(t, r.Payload)
	r = ask(client.Request{ChannelID: channelID, Chaincode: "both", Args: client.Args("fail", "it failed")})
	require.Equal(t, "it failed", r.Response.Message)
	require.NotEmpty(t, r.Payload)

	o := newOdd(orgUser(t, "User1"), "kv")
	o.Spec.Input = nil
	r, err := p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	require.EqualValues(t, 500, r.Response.Status)
}

// A channel may name other policies for its resources.
func TestChannelOverridesPolicy(t *testing.T) {
	p := newPeer(t)
	config := proto.Clone(p.bundle.Config()).(*commonpb.Config)
	config.ChannelGroup.Groups["Application"].Values["ACLs"] = &commonpb.ConfigValue{
		ModPolicy: "Admins",
		Value: wire.MustMarshal(&peerpb.ACLs{Acls: map[string]*peerpb.APIResource{
			"peer/Propose":      {PolicyRef: "Admins"},
			"qscc/GetChainInfo": {PolicyRef: "/Channel/Application/NoSuchPolicy"},
		}}),
	}
	var err error
	p.bundle, err = channelconfig.New(channelID, config)
	require.NoError(t, err)
	user, admin := client.New(orgUser(t, "User1")), client.New(orgUser(t, "Admin"))
	propose := func(c *client.Client, chaincode string, args ...string) (*peerpb.ProposalResponse, error) {
		proposal, err := c.NewProposal(client.Request{ChannelID: channelID, Chaincode: chaincode, Args: client.Args(args...)})
		require.NoError(t, err)
		return p.ProcessProposal(t.Context(), proposal.Signed)
	}
	_, err = propose(user, "kv", "get", "a")
	require.ErrorContains(t, err, "failed evaluating policy on signed data during check policy [/Channel/Application/Admins]: [implicit policy evaluation failed")
	_, err = propose(admin, "kv", "get", "a")
	require.ErrorContains(t, err, "implicit policy evaluation failed - 1 sub-policies", "Admins is a majority of two")
	r, err := propose(admin, "qscc", "GetChainInfo", channelID)
	require.NoError(t, err)
	require.Equal(t, "access denied for [GetChainInfo][mychannel]: [failed evaluating policy on signed data during check policy "+
		"[/Channel/Application/NoSuchPolicy]: [policy /Channel/Application/NoSuchPolicy not found]]", r.Response.Message)
}

// Many proposals at once, the first of which launch the chaincode, get their own answers.
func TestManyAtOnce(t *testing.T) {
	p := newPeer(t)
	user := client.New(orgUser(t, "User1"))
	conn, err := client.ConnectPeer(t.Context(), serve(t, p), comm.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	var all sync.WaitGroup
	failures := make(chan error, 64)
	for i := range cap(failures) {
		all.Go(func() {
			key := fmt.Sprint("many", i)
			r, err := user.Query(t.Context(), conn, client.Request{ChannelID: channelID, Chaincode: "kv", Args: client.Args("cput", "type", key, "1")})
			if want := "\x00type\x00" + key + "\x00"; err == nil && string(r.Payload) != want {
				err = fmt.Errorf("got %q, want %q", r.Payload, want)
			}
			failures <- err
		})
	}
	all.Wait()
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
}

// noX is an auth filter.
type noX struct{}

func (noX) Check(_ context.Context, r *plugin.AuthRequest) error {
	if r.Signature.Nonce[0] == 'x' {
		return fmt.Errorf("nonces of %s begin with something else", r.Identity.MSPID())
	}
	return nil
}

func TestFilters(t *testing.T) {
	p := newPeer(t, func(o *endorser.Options) {
		o.Filters = append(o.Filters, noX{})
	})
	o := newOdd(orgUser(t, "User1"), "kv", "get", "a")
	_, err := p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	o.Nonce = []byte("x")
	_, err = p.ProcessProposal(t.Context(), o.Build(t))
	require.ErrorContains(t, err, "nonces of Org1MSP begin with something else")
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := newPeer(t, func(o *endorser.Options) { o.Metrics = endorser.NewMetrics(registry) })
	user := orgUser(t, "User1")
	ask := func(o *kit.Proposal) { _, _ = p.ProcessProposal(t.Context(), o.Build(t)) }
	ask(newOdd(user, "kv", "get", "a"))
	ask(newOdd(user, "kv", "fail", "x"))
	ask(newOdd(user, "nocc"))
	forged := newOdd(user, "kv")
	forged.Signature = kit.Flipped
	ask(forged)
	ask(newOdd(signer(t, "peerOrganizations/org1.example.com/peers/peer0.org1.example.com", "Org1MSP"), "kv"))
	_, err := p.ProcessProposal(t.Context(), vectors.Message(t, &peerpb.SignedProposal{}, network, "proposals", "signed_proposal.pb"))
	require.Error(t, err)

	families, err := registry.Gather()
	require.NoError(t, err)
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			counted[f.GetName()] += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	require.Equal(t, map[string]float64{
		"endorser_proposals_received": 6, "endorser_successful_proposals": 1, "endorser_proposal_validation_failures": 1,
		"endorser_proposal_acl_failures": 1, "endorser_duplicate_transaction_failures": 1, "endorser_endorsement_failures": 2,
		"endorser_proposal_duration": 3,
	}, counted)
}
