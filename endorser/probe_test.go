package endorser_test

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// odd is a proposal in pieces. A probe changes pieces before they are put together and signed, or the signed whole.
type odd struct {
	signer    tx.Signer
	creator   []byte
	nonce     []byte
	txID      *string // nil for the right one
	channel   *commonpb.ChannelHeader
	extension *peerpb.ChaincodeHeaderExtension
	spec      *peerpb.ChaincodeSpec
	signature func([]byte) []byte
	whole     func(*peerpb.SignedProposal)
}

func newOdd(s tx.Signer, chaincode string, args ...string) *odd {
	id := &peerpb.ChaincodeID{Name: chaincode}
	return &odd{
		signer: s, creator: s.Creator(), nonce: fmt.Appendf(nil, "%24d", time.Now().UnixNano()),
		channel: &commonpb.ChannelHeader{
			Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), ChannelId: channelID, Timestamp: timestamppb.Now(),
		},
		extension: &peerpb.ChaincodeHeaderExtension{ChaincodeId: id},
		spec:      &peerpb.ChaincodeSpec{ChaincodeId: id, Input: &peerpb.ChaincodeInput{Args: client.Args(args...)}},
	}
}

func (o *odd) build(t testing.TB) *peerpb.SignedProposal {
	t.Helper()
	o.channel.TxId = tx.ID(o.nonce, o.creator)
	if o.txID != nil {
		o.channel.TxId = *o.txID
	}
	if o.extension != nil {
		o.channel.Extension = wire.MustMarshal(o.extension)
	}
	header := &commonpb.Header{
		ChannelHeader:   wire.MustMarshal(o.channel),
		SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: o.creator, Nonce: o.nonce}),
	}
	payload := &peerpb.ChaincodeProposalPayload{Input: wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{ChaincodeSpec: o.spec})}
	raw := wire.MustMarshal(&peerpb.Proposal{Header: wire.MustMarshal(header), Payload: wire.MustMarshal(payload)})
	signature, err := o.signer.Sign(raw)
	require.NoError(t, err)
	if o.signature != nil {
		signature = o.signature(signature)
	}
	signed := &peerpb.SignedProposal{ProposalBytes: raw, Signature: signature}
	if o.whole != nil {
		o.whole(signed)
	}
	return signed
}

func highS(signature []byte) []byte {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &rs); err != nil {
		panic(err)
	}
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	rs.S.Sub(order, rs.S)
	b, err := asn1.Marshal(rs)
	if err != nil {
		panic(err)
	}
	return b
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// probes are the requests of testdata/probe.txt by name.
func probes(t *testing.T) map[string]*odd {
	user := orgUser(t, "User1")
	org2 := signer(t, "peerOrganizations/org2.example.com/users/User1@org2.example.com", "Org2MSP")
	orderer := signer(t, "ordererOrganizations/example.com/users/Admin@example.com", "OrdererMSP")
	ownPeer := signer(t, "peerOrganizations/org1.example.com/peers/peer0.org1.example.com", "Org1MSP")

	all := map[string]*odd{}
	probe := func(name string, change func(o *odd)) {
		o := newOdd(user, "kv", "put", "a", "1")
		change(o)
		all[name] = o
	}
	call := func(name, chaincode string, args ...string) *odd {
		o := newOdd(user, chaincode, args...)
		all[name] = o
		return o
	}
	sealed := func(mspID, cert string) []byte {
		return wire.MustMarshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: []byte(cert)})
	}
	certOf := func(creator []byte) string {
		id := &msppb.SerializedIdentity{}
		require.NoError(t, proto.Unmarshal(creator, id))
		return string(id.IdBytes)
	}
	wrongID, noID := strings.Repeat("ab", 32), ""

	probe("valid put", func(*odd) {})
	probe("nil SignedProposal", func(o *odd) { o.whole = func(s *peerpb.SignedProposal) { s.ProposalBytes, s.Signature = nil, nil } })
	probe("garbage proposal bytes", func(o *odd) { o.whole = func(s *peerpb.SignedProposal) { s.ProposalBytes = []byte("garbage") } })
	probe("no signature", func(o *odd) { o.signature = func([]byte) []byte { return nil } })
	probe("bad signature", func(o *odd) { o.signature = flipped })
	probe("high-S signature", func(o *odd) { o.signature = highS })
	probe("garbage signature DER", func(o *odd) { o.signature = func([]byte) []byte { return []byte("garbage") } })
	probe("unknown channel", func(o *odd) { o.channel.ChannelId = "nochannel" })
	probe("empty channel, user cc", func(o *odd) { o.channel.ChannelId = "" })
	call("unknown chaincode", "nocc", "get", "a")
	probe("txid mismatch", func(o *odd) { o.txID = &wrongID })
	probe("empty txid", func(o *odd) { o.txID = &noID })
	probe("empty nonce", func(o *odd) { o.nonce = nil })
	probe("short nonce(1B)", func(o *odd) { o.nonce = []byte{7} })
	probe("unknown MSP", func(o *odd) { o.creator = sealed("Org9MSP", certOf(o.creator)) })
	probe("Org2 cert as Org1MSP", func(o *odd) { o.signer, o.creator = org2, sealed("Org1MSP", certOf(org2.Creator())) })
	probe("garbage creator", func(o *odd) { o.creator = []byte("garbage") })
	probe("empty creator", func(o *odd) { o.creator = nil })
	probe("garbage cert in creator", func(o *odd) { o.creator = sealed("Org1MSP", "garbage") })
	probe("orderer-org admin as client", func(o *odd) { o.signer, o.creator = orderer, orderer.Creator() })
	probe("peer identity as client (not in Writers)", func(o *odd) { o.signer, o.creator = ownPeer, ownPeer.Creator() })
	probe("header type CONFIG", func(o *odd) { o.channel.Type = int32(commonpb.HeaderType_CONFIG) })
	probe("header type CONFIG_UPDATE", func(o *odd) { o.channel.Type = int32(commonpb.HeaderType_CONFIG_UPDATE) })
	probe("header type 99", func(o *odd) { o.channel.Type = 99 })
	probe("epoch=1", func(o *odd) { o.channel.Epoch = 1 })
	probe("version=5", func(o *odd) { o.channel.Version = 5 })
	probe("timestamp 1h old", func(o *odd) { o.channel.Timestamp = timestamppb.New(time.Now().Add(-time.Hour)) })
	probe("timestamp 1h future", func(o *odd) { o.channel.Timestamp = timestamppb.New(time.Now().Add(time.Hour)) })
	probe("no timestamp", func(o *odd) { o.channel.Timestamp = nil })
	probe("no header extension", func(o *odd) { o.extension = nil })
	probe("header ext cc != spec cc", func(o *odd) { o.extension.ChaincodeId = &peerpb.ChaincodeID{Name: "other"} })
	probe("payload visibility set", func(o *odd) { o.extension.PayloadVisibility = []byte("all") })
	probe("spec version 9.9", func(o *odd) { o.spec.ChaincodeId.Version = "9.9" })
	call("chaincode error", "kv", "nosuchfn")
	call("no args", "kv")
	call("put empty key", "kv", "put", "", "v")
	call("get missing key", "kv", "get", "missing")
	call("invoke vscc", "vscc", "x")
	call("invoke escc", "escc", "x")
	call("cc name 'kv:1.0'", "kv:1.0", "get", "a")
	call("qscc GetChainInfo", "qscc", "GetChainInfo", channelID)
	call("qscc GetChainInfo empty channel hdr", "qscc", "GetChainInfo", channelID).channel.ChannelId = ""
	call("qscc GetBlockByNumber 99999", "qscc", "GetBlockByNumber", channelID, "99999")
	call("qscc GetTransactionByID unknown", "qscc", "GetTransactionByID", channelID, "abcd")
	call("qscc unknown fn", "qscc", "Nope", channelID)
	call("qscc unknown channel", "qscc", "GetChainInfo", "nochannel")
	call("cscc GetChannels (user)", "cscc", "GetChannels").channel.ChannelId = ""
	call("cscc JoinChain (user)", "cscc", "JoinChain", "").channel.ChannelId = ""
	call("lscc getchaincodes (user)", "lscc", "getchaincodes")
	call("lscc getid", "lscc", "getid", channelID, "kv")
	call("lscc getinstalledchaincodes (user)", "lscc", "getinstalledchaincodes").channel.ChannelId = ""
	call("_lifecycle QueryInstalledChaincodes (user)", "_lifecycle", "QueryInstalledChaincodes", "").channel.ChannelId = ""
	call("_lifecycle unknown fn", "_lifecycle", "Nope", "")
	probe("order: unknown channel + bad sig", func(o *odd) { o.channel.ChannelId, o.signature = "nochannel", flipped })
	probe("order: unknown chaincode + bad sig", func(o *odd) { o.extension.ChaincodeId.Name, o.signature = "nocc", flipped })
	probe("order: txid mismatch + bad sig", func(o *odd) { o.txID, o.signature = &wrongID, flipped })
	probe("order: peer identity (ACL) + unknown chaincode", func(o *odd) {
		o.signer, o.creator, o.extension.ChaincodeId.Name = ownPeer, ownPeer.Creator(), "nocc"
	})
	probe("order: epoch=1 + bad sig", func(o *odd) { o.channel.Epoch, o.signature = 1, flipped })
	return all
}

var anyHash = regexp.MustCompile(`[0-9a-f]{64}`)

// outline puts an answer in the words of testdata/probe.txt.
func outline(r *peerpb.ProposalResponse, err error) string {
	if err != nil {
		return anyHash.ReplaceAllString(fmt.Sprintf("RPC %s: %s", status.Code(err), status.Convert(err).Message()), "<H>")
	}
	payload := "none"
	if len(r.Payload) > 0 {
		payload = "some"
	}
	return fmt.Sprintf("status=%d msg=%q payload=%s endorsement=%t", r.Response.Status, r.Response.Message, payload, r.Endorsement != nil)
}

// The odd proposals get Fabric 1.4.12's answers, over the network.
func TestProbes(t *testing.T) {
	p := newPeer(t)
	conn, err := comm.Dial(t.Context(), serve(t, p), comm.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	remote := peerpb.NewEndorserClient(conn)

	raw, err := os.ReadFile("testdata/probe.txt")
	require.NoError(t, err)
	requests := probes(t)
	for _, entry := range strings.Split(strings.TrimSpace(string(raw)), "\n\n")[1:] {
		name, want, _ := strings.Cut(entry, "\n")
		t.Run(name, func(t *testing.T) {
			o := requests[name]
			require.NotNil(t, o, "no such request")
			delete(requests, name)
			got := outline(remote.ProcessProposal(t.Context(), o.build(t)))
			if before, _, ok := strings.Cut(want, "(what the protobuf library says)"); ok {
				want, got = before, got[:min(len(before), len(got))]
			}
			require.Equal(t, want, got)
		})
	}
	require.Empty(t, requests)
}
