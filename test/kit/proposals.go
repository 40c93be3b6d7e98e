package kit

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

//go:embed testdata/proposals.txt
var proposalAnswers string

// OddProposalAnswers are what Fabric 1.4.12 answers to OddProposals, in the words of ProposalOutline and in the order of asking.
func OddProposalAnswers() []Answer { return ParseAnswers(proposalAnswers) }

// Who are the senders of odd requests, on a channel that runs the chaincode kv.
type Who struct {
	Channel      string
	User         tx.Signer // a client of Org1
	Org2         tx.Signer // a client of Org2
	OrdererAdmin tx.Signer
	Peer         tx.Signer // Org1's peer
}

// OddProposals are the requests of testdata/proposals.txt by name.
func OddProposals(t testing.TB, w Who) map[string]*Proposal {
	all := map[string]*Proposal{}
	probe := func(name string, change func(o *Proposal)) {
		o := NewProposal(w.User, w.Channel, "kv", "put", "a", "1")
		change(o)
		all[name] = o
	}
	call := func(name, chaincode string, args ...string) *Proposal {
		o := NewProposal(w.User, w.Channel, chaincode, args...)
		all[name] = o
		return o
	}
	wrongID, noID := strings.Repeat("ab", 32), ""

	probe("valid put", func(*Proposal) {})
	probe("nil SignedProposal", func(o *Proposal) {
		o.Whole = func(s *peerpb.SignedProposal) { s.ProposalBytes, s.Signature = nil, nil }
	})
	probe("garbage proposal bytes", func(o *Proposal) { o.Whole = func(s *peerpb.SignedProposal) { s.ProposalBytes = []byte("garbage") } })
	probe("no signature", func(o *Proposal) { o.Signature = func([]byte) []byte { return nil } })
	probe("bad signature", func(o *Proposal) { o.Signature = Flipped })
	probe("high-S signature", func(o *Proposal) { o.Signature = HighS })
	probe("garbage signature DER", func(o *Proposal) { o.Signature = func([]byte) []byte { return []byte("garbage") } })
	probe("unknown channel", func(o *Proposal) { o.Channel.ChannelId = "nochannel" })
	probe("empty channel, user cc", func(o *Proposal) { o.Channel.ChannelId = "" })
	call("unknown chaincode", "nocc", "get", "a")
	probe("txid mismatch", func(o *Proposal) { o.TxID = &wrongID })
	probe("empty txid", func(o *Proposal) { o.TxID = &noID })
	probe("empty nonce", func(o *Proposal) { o.Nonce = nil })
	probe("short nonce(1B)", func(o *Proposal) { o.Nonce = []byte{7} })
	probe("unknown MSP", func(o *Proposal) { o.Creator = Creator("Org9MSP", Certificate(t, o.Creator)) })
	probe("Org2 cert as Org1MSP", func(o *Proposal) { o.Signer, o.Creator = w.Org2, Creator("Org1MSP", Certificate(t, w.Org2.Creator())) })
	probe("garbage creator", func(o *Proposal) { o.Creator = []byte("garbage") })
	probe("empty creator", func(o *Proposal) { o.Creator = nil })
	probe("garbage cert in creator", func(o *Proposal) { o.Creator = Creator("Org1MSP", []byte("garbage")) })
	probe("orderer-org admin as client", func(o *Proposal) { o.Signer, o.Creator = w.OrdererAdmin, w.OrdererAdmin.Creator() })
	probe("peer identity as client (not in Writers)", func(o *Proposal) { o.Signer, o.Creator = w.Peer, w.Peer.Creator() })
	probe("header type CONFIG", func(o *Proposal) { o.Channel.Type = int32(commonpb.HeaderType_CONFIG) })
	probe("header type CONFIG_UPDATE", func(o *Proposal) { o.Channel.Type = int32(commonpb.HeaderType_CONFIG_UPDATE) })
	probe("header type 99", func(o *Proposal) { o.Channel.Type = 99 })
	probe("epoch=1", func(o *Proposal) { o.Channel.Epoch = 1 })
	probe("version=5", func(o *Proposal) { o.Channel.Version = 5 })
	probe("timestamp 1h old", func(o *Proposal) { o.Channel.Timestamp = timestamppb.New(time.Now().Add(-time.Hour)) })
	probe("timestamp 1h future", func(o *Proposal) { o.Channel.Timestamp = timestamppb.New(time.Now().Add(time.Hour)) })
	probe("no timestamp", func(o *Proposal) { o.Channel.Timestamp = nil })
	probe("no header extension", func(o *Proposal) { o.Extension = nil })
	probe("header ext cc != spec cc", func(o *Proposal) { o.Extension.ChaincodeId = &peerpb.ChaincodeID{Name: "other"} })
	probe("payload visibility set", func(o *Proposal) { o.Extension.PayloadVisibility = []byte("all") })
	probe("spec version 9.9", func(o *Proposal) { o.Spec.ChaincodeId.Version = "9.9" })
	call("chaincode error", "kv", "nosuchfn")
	call("no args", "kv")
	call("put empty key", "kv", "put", "", "v")
	call("get missing key", "kv", "get", "missing")
	call("invoke vscc", "vscc", "x")
	call("invoke escc", "escc", "x")
	call("cc name 'kv:1.0'", "kv:1.0", "get", "a")
	call("qscc GetChainInfo", "qscc", "GetChainInfo", w.Channel)
	call("qscc GetChainInfo empty channel hdr", "qscc", "GetChainInfo", w.Channel).Channel.ChannelId = ""
	call("qscc GetBlockByNumber 99999", "qscc", "GetBlockByNumber", w.Channel, "99999")
	call("qscc GetTransactionByID unknown", "qscc", "GetTransactionByID", w.Channel, "abcd")
	call("qscc unknown fn", "qscc", "Nope", w.Channel)
	call("qscc unknown channel", "qscc", "GetChainInfo", "nochannel")
	call("cscc GetChannels (user)", "cscc", "GetChannels").Channel.ChannelId = ""
	call("cscc JoinChain (user)", "cscc", "JoinChain", "").Channel.ChannelId = ""
	call("lscc getchaincodes (user)", "lscc", "getchaincodes")
	call("lscc getid", "lscc", "getid", w.Channel, "kv")
	call("lscc getinstalledchaincodes (user)", "lscc", "getinstalledchaincodes").Channel.ChannelId = ""
	call("_lifecycle QueryInstalledChaincodes (user)", "_lifecycle", "QueryInstalledChaincodes", "").Channel.ChannelId = ""
	call("_lifecycle unknown fn", "_lifecycle", "Nope", "")
	probe("order: unknown channel + bad sig", func(o *Proposal) { o.Channel.ChannelId, o.Signature = "nochannel", Flipped })
	probe("order: unknown chaincode + bad sig", func(o *Proposal) { o.Extension.ChaincodeId.Name, o.Signature = "nocc", Flipped })
	probe("order: txid mismatch + bad sig", func(o *Proposal) { o.TxID, o.Signature = &wrongID, Flipped })
	probe("order: peer identity (ACL) + unknown chaincode", func(o *Proposal) {
		o.Signer, o.Creator, o.Extension.ChaincodeId.Name = w.Peer, w.Peer.Creator(), "nocc"
	})
	probe("order: epoch=1 + bad sig", func(o *Proposal) { o.Channel.Epoch, o.Signature = 1, Flipped })
	return all
}

var anyHash = regexp.MustCompile(`[0-9a-f]{64}`)

// HideHashes writes <H> for every hash in hexadecimal.
func HideHashes(s string) string { return anyHash.ReplaceAllString(s, "<H>") }

// ProposalOutline puts a peer's answer in the words of testdata/proposals.txt.
func ProposalOutline(r *peerpb.ProposalResponse, err error) string {
	if err != nil {
		return HideHashes(fmt.Sprintf("RPC %s: %s", status.Code(err), status.Convert(err).Message()))
	}
	payload := "none"
	if len(r.Payload) > 0 {
		payload = "some"
	}
	return fmt.Sprintf("status=%d msg=%q payload=%s endorsement=%t", r.Response.Status, r.Response.Message, payload, r.Endorsement != nil)
}
