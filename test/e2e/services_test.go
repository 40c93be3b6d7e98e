//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// services sends what the gRPC cases of testdata/fabric-1.4/errors sent to real Fabric 1.4.12.
type services struct {
	*commands
	t                           *testing.T
	results                     map[string]any // Fabric's, by title
	user, admin, peer           *msp.Signer
	otherCA, expired            stranger
	toOrderer, toPeer1, toPeer2 *grpc.ClientConn
}

// TestServiceErrors expects of every odd request to Endorser, Broadcast and Deliver the answer of Fabric 1.4.
func TestServiceErrors(t *testing.T) {
	s := newServices(t)
	s.proposals()
	s.broadcasts()
	s.deliveries()
	for title := range s.results {
		require.Contains(t, notSent, title, "a case that was not sent")
	}
}

// notSent are the cases that are tested elsewhere, and where.
var notSent = map[string]string{
	"ProcessProposal: lscc getchaincodes on the peer with the other source":                                                             "TestCommandErrors lists the same chaincodes",
	"ProcessProposal: creator certificate of a known CA whose CA signature is high-S (accepted: only message signatures must be low-S)": "package msp has that certificate",
	"Broadcast: the same creator": "package msp has that certificate",
	"Commit: the same creator":    "package msp has that certificate",
}

func newServices(t *testing.T) *services {
	s := &services{commands: newCommands(t), t: t, results: map[string]any{}}
	for _, k := range vectors.JSON[[]struct {
		Title, Kind string
		Result      any
	}](t, "fabric-1.4", "errors", "errors.json") {
		if k.Kind == "grpc" {
			s.results[k.Title] = k.Result
		}
	}
	org1, org2 := s.Orgs[0], s.Orgs[1]
	s.user, s.admin = s.signer(s.User(org1)), s.signer(s.Admin(org1))
	s.peer = kit.Signer(t, s.Network, org1.PeerDir(), org1.MSPID)
	s.otherCA, s.expired = newStranger(t, s.identities[otherCA], org1.MSPID), newStranger(t, s.identities[expired], org1.MSPID)
	s.toOrderer = s.dial(s.Orderer.Address(), s.OrdererCA())
	s.toPeer1, s.toPeer2 = s.dial(org1.Peer.Address(), s.PeerCA(org1)), s.dial(org2.Peer.Address(), s.PeerCA(org2))

	s.install("kv", "1.0", "kv", org1)
	s.commands.peer(s.Admin(org1), append([]string{"chaincode", "instantiate", "-C", s.Channel, "-n", "kv", "-v", "1.0", "-c", `{"Args":["init","a","1"]}`}, s.OrdererFlags()...)...)
	s.deployed("kv")
	s.install("fp", "1.0", "kv", org1)
	s.install("fp", "1.0", "other/kv", org2)
	s.instantiate("fp", "OR('Org1MSP.peer','Org2MSP.peer')")
	return s
}

// stranger signs with any certificate, even one that no MSP would sign with.
type stranger struct {
	creator []byte
	key     *ecdsa.PrivateKey
}

// newStranger reads an MSP folder.
func newStranger(t *testing.T, dir, mspID string) stranger {
	t.Helper()
	file := func(folder string) string {
		files, err := filepath.Glob(filepath.Join(dir, folder, "*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		return files[0]
	}
	key, err := x509.ParsePKCS8PrivateKey(decodePEM(t, file("keystore")))
	require.NoError(t, err)
	certificate, err := os.ReadFile(file("signcerts"))
	require.NoError(t, err)
	return stranger{kit.Creator(mspID, certificate), key.(*ecdsa.PrivateKey)}
}

func (s stranger) Creator() []byte { return s.creator }

// Sign makes a low-S signature, as Fabric wants it.
func (s stranger) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, digest[:])
	if err != nil {
		return nil, err
	}
	return kit.LowS(signature), nil
}

func (s *services) dial(address, ca string) *grpc.ClientConn {
	s.t.Helper()
	conn, err := comm.Dial(s.t.Context(), address, s.tls(ca))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// expect holds an answer against Fabric's. Of a text of the protobuf library no more is compared than what was being decoded, and an explanation
// may stand behind a fingerprint mismatch.
func (s *services) expect(title string, got any) {
	s.t.Helper()
	want, ok := s.results[title]
	require.True(s.t, ok, "the vectors have no case %q", title)
	delete(s.results, title)
	s.t.Run(strings.ReplaceAll(title, "/", " "), func(t *testing.T) {
		require.JSONEq(t, comparableJSON(t, want), comparableJSON(t, got))
	})
}

var furtherText = regexp.MustCompile(`(error unmarshaling [^:"]+|data mismatch): [^"]*`)

func comparableJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return furtherText.ReplaceAllString(kit.HideHashes(string(text)), "$1")
}

type object = map[string]any

// proposals are the cases of ProcessProposal.
func (s *services) proposals() {
	to := func(conn *grpc.ClientConn, title string, p *kit.Proposal) {
		s.t.Helper()
		s.expect("ProcessProposal: "+title, proposalResult(peerpb.NewEndorserClient(conn).ProcessProposal(s.t.Context(), p.Build(s.t))))
	}
	call := func(title, chaincode string, args ...string) {
		s.t.Helper()
		to(s.toPeer2, title, kit.NewProposal(s.signer(s.Admin(s.Orgs[1])), s.Channel, chaincode, args...))
	}
	call("fingerprint mismatch", "fp", "get", "a")
	call("lscc getccdata on the peer with the other source", "lscc", "getccdata", s.Channel, "fp")
	call("lscc getid on the peer with the other source", "lscc", "getid", s.Channel, "fp")
	call("lscc getdepspec on the peer with the other source", "lscc", "getdepspec", s.Channel, "fp")

	odd := func(title string, change func(*kit.Proposal)) {
		s.t.Helper()
		p := kit.NewProposal(s.user, s.Channel, "kv", "get", "a")
		change(p)
		to(s.toPeer1, title, p)
	}
	by := func(who tx.Signer) func(*kit.Proposal) {
		return func(p *kit.Proposal) { p.Signer, p.Creator = who, who.Creator() }
	}
	wrongID, noID := strings.Repeat("0", 64), ""
	odd("a proposal that works", func(*kit.Proposal) {})
	odd("no signature", func(p *kit.Proposal) { p.Signature = func([]byte) []byte { return nil } })
	odd("signature by another key", func(p *kit.Proposal) { p.Signer = s.admin })
	odd("signature with high S", func(p *kit.Proposal) { p.Signature = kit.HighS })
	odd("empty request", func(p *kit.Proposal) { p.Whole = func(whole *peerpb.SignedProposal) { proto.Reset(whole) } })
	odd("proposal bytes are garbage", func(p *kit.Proposal) {
		p.Whole = func(whole *peerpb.SignedProposal) { whole.ProposalBytes = []byte("garbage") }
	})
	odd("creator from another CA", by(s.otherCA))
	odd("expired creator", by(s.expired))
	odd("creator of an unknown MSP", func(p *kit.Proposal) { p.Creator = kit.Creator("Org9MSP", kit.Certificate(s.t, p.Creator)) })
	odd("creator is not a serialized identity", func(p *kit.Proposal) { p.Creator = []byte("garbage") })
	odd("wrong transaction id", func(p *kit.Proposal) { p.TxID = &wrongID })
	odd("empty transaction id", func(p *kit.Proposal) { p.TxID = &noID })
	odd("empty nonce", func(p *kit.Proposal) { p.Nonce = nil })
	odd("epoch 1", func(p *kit.Proposal) { p.Channel.Epoch = 1 })
	odd("header type 99", func(p *kit.Proposal) { p.Channel.Type = 99 })
	odd("header type CONFIG_UPDATE", func(p *kit.Proposal) { p.Channel.Type = int32(commonpb.HeaderType_CONFIG_UPDATE) })
	odd("header type CONFIG", func(p *kit.Proposal) { p.Channel.Type = int32(commonpb.HeaderType_CONFIG) })
	odd("header extension empty", func(p *kit.Proposal) { p.Extension = nil })
	odd("header extension with payload visibility", func(p *kit.Proposal) { p.Extension.PayloadVisibility = []byte("x") })
	odd("unknown channel", func(p *kit.Proposal) { p.Channel.ChannelId = "nochannel" })
	odd("channel is empty, application chaincode", func(p *kit.Proposal) { p.Channel.ChannelId = "" })
	odd("unknown chaincode", func(p *kit.Proposal) { p.Extension.ChaincodeId.Name = "nosuch" })
	odd("chaincode name is empty", func(p *kit.Proposal) { p.Extension.ChaincodeId.Name = "" })
	odd("system chaincode not callable from outside (vscc)", func(p *kit.Proposal) { p.Extension.ChaincodeId.Name = "vscc" })
	odd("chaincode version given and wrong", func(p *kit.Proposal) { p.Spec.ChaincodeId.Version = "9.9" })
}

func proposalResult(r *peerpb.ProposalResponse, err error) object {
	if err != nil {
		return object{"grpc_code": status.Code(err).String(), "grpc_message": status.Convert(err).Message(), "details": len(status.Convert(err).Details())}
	}
	response := object{"status": r.Response.Status}
	if r.Response.Message != "" {
		response["message"] = r.Response.Message
	}
	if len(r.Response.Payload) > 0 {
		response["payload"] = r.Response.Payload
	}
	return object{"grpc_code": "OK", "response": response, "has_endorsement": r.Endorsement != nil}
}

// envelope is an envelope in pieces.
type envelope struct {
	who       tx.Signer
	channel   string
	kind      commonpb.HeaderType
	data      []byte
	signature func([]byte) []byte      // nil for the right one
	whole     func(*commonpb.Envelope) // nil changes nothing
}

func (e envelope) build(t *testing.T) *commonpb.Envelope {
	t.Helper()
	made := &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Data: e.data, Header: &commonpb.Header{
		ChannelHeader:   wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(e.kind), ChannelId: e.channel, Timestamp: timestamppb.Now()}),
		SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: e.who.Creator(), Nonce: []byte("a nonce of 24 characters")}),
	}})}
	var err error
	made.Signature, err = e.who.Sign(made.Payload)
	require.NoError(t, err)
	if e.signature != nil {
		made.Signature = e.signature(made.Signature)
	}
	if e.whole != nil {
		e.whole(made)
	}
	return made
}

func unsigned([]byte) []byte { return nil }

// broadcasts are the cases of Broadcast.
func (s *services) broadcasts() {
	odd := func(title string, change func(*envelope)) {
		s.t.Helper()
		e := envelope{who: s.user, channel: s.Channel, kind: commonpb.HeaderType_ENDORSER_TRANSACTION, data: []byte("data")}
		change(&e)
		stream, err := ordererpb.NewAtomicBroadcastClient(s.toOrderer).Broadcast(s.t.Context())
		require.NoError(s.t, err)
		require.NoError(s.t, stream.Send(e.build(s.t)))
		r, err := stream.Recv()
		require.NoError(s.t, err)
		answer := object{"status": r.Status.String()}
		if r.Info != "" {
			answer["info"] = r.Info
		}
		s.expect("Broadcast: "+title, object{"responses": []any{answer}})
	}
	odd("a transaction that works", func(*envelope) {})
	odd("the same transaction again (the orderer does not mind)", func(*envelope) {})
	odd("bad signature", func(e *envelope) { e.signature = kit.Flipped })
	odd("no signature", func(e *envelope) { e.signature = unsigned })
	odd("empty envelope", func(e *envelope) { e.whole = func(whole *commonpb.Envelope) { proto.Reset(whole) } })
	odd("payload is garbage", func(e *envelope) { e.whole = func(whole *commonpb.Envelope) { whole.Payload = []byte("garbage") } })
	odd("unknown channel", func(e *envelope) { e.channel = "nochannel" })
	odd("creator from another CA", func(e *envelope) { e.who = s.otherCA })
	odd("expired creator", func(e *envelope) { e.who = s.expired })
	odd("creator is a peer (Writers: admin and client only)", func(e *envelope) { e.who = s.peer })
	odd("header type CONFIG sent by a client", func(e *envelope) { e.kind = commonpb.HeaderType_CONFIG })
	odd("header type CONFIG_UPDATE with garbage", func(e *envelope) { e.kind, e.data = commonpb.HeaderType_CONFIG_UPDATE, []byte("garbage") })
	odd("header type ORDERER_TRANSACTION", func(e *envelope) { e.kind = commonpb.HeaderType_ORDERER_TRANSACTION })
	s.tooLarge()
}

// tooLarge is the case whose answer tells sizes: the channel's limit, and that of the payload and the signature.
func (s *services) tooLarge() {
	const title = "Broadcast: larger than AbsoluteMaxBytes (10 MB)"
	e := envelope{who: s.user, channel: s.Channel, kind: commonpb.HeaderType_ENDORSER_TRANSACTION, data: make([]byte, 60<<20)}.build(s.t)
	stream, err := ordererpb.NewAtomicBroadcastClient(s.toOrderer).Broadcast(s.t.Context())
	require.NoError(s.t, err)
	require.NoError(s.t, stream.Send(e))
	r, err := stream.Recv()
	require.NoError(s.t, err)
	number := regexp.MustCompile(`\d+`)
	want, err := json.Marshal(s.results[title])
	require.NoError(s.t, err)
	delete(s.results, title)
	require.Contains(s.t, number.ReplaceAllString(string(want), "N"), number.ReplaceAllString(r.Info, "N"))
	require.Equal(s.t, commonpb.Status_BAD_REQUEST, r.Status)
}

// deliveries are the cases of the three services that deliver blocks.
func (s *services) deliveries() {
	for _, service := range []struct {
		name   string
		conn   *grpc.ClientConn
		method string
		answer proto.Message
	}{
		{"orderer", s.toOrderer, ordererpb.AtomicBroadcast_Deliver_FullMethodName, &ordererpb.DeliverResponse{}},
		{"peer", s.toPeer1, peerpb.Deliver_Deliver_FullMethodName, &peerpb.DeliverResponse{}},
		{"peer filtered", s.toPeer1, peerpb.Deliver_DeliverFiltered_FullMethodName, &peerpb.DeliverResponse{}},
	} {
		odd := func(title string, start, stop uint64, behavior ordererpb.SeekInfo_SeekBehavior, change func(*envelope)) {
			s.t.Helper()
			e := envelope{who: s.user, channel: s.Channel, kind: commonpb.HeaderType_DELIVER_SEEK_INFO, data: wire.MustMarshal(&ordererpb.SeekInfo{
				Start: seek(start), Stop: seek(stop), Behavior: behavior,
			})}
			change(&e)
			stream, err := service.conn.NewStream(s.t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, service.method)
			require.NoError(s.t, err)
			require.NoError(s.t, stream.SendMsg(e.build(s.t)))
			s.expect("Deliver: "+service.name+": "+title, deliverResult(s.t, stream, service.answer))
		}
		const wait, fail = ordererpb.SeekInfo_BLOCK_UNTIL_READY, ordererpb.SeekInfo_FAIL_IF_NOT_READY
		same := func(*envelope) {}
		odd("works", 0, 0, wait, same)
		odd("unknown channel", 0, 0, wait, func(e *envelope) { e.channel = "nochannel" })
		odd("bad signature", 0, 0, wait, func(e *envelope) { e.signature = kit.Flipped })
		odd("creator from another CA", 0, 0, wait, func(e *envelope) { e.who = s.otherCA })
		odd("expired creator", 0, 0, wait, func(e *envelope) { e.who = s.expired })
		odd("start after stop", 1, 0, wait, same)
		odd("beyond the end, FAIL_IF_NOT_READY", 9999, 9999, fail, same)
		odd("beyond the end, BLOCK_UNTIL_READY, client deadline 5s", 9999, math.MaxUint64, wait, same)
		odd("empty envelope", 0, 0, wait, func(e *envelope) { e.whole = func(whole *commonpb.Envelope) { proto.Reset(whole) } })
	}
}

func seek(n uint64) *ordererpb.SeekPosition {
	return &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: n}}}
}

// deliverResult reads until a status, which ends what was asked for; if it is a refusal, the server ends the stream.
func deliverResult(t *testing.T, stream grpc.ClientStream, r proto.Message) object {
	t.Helper()
	var responses []any
	for {
		require.NoError(t, stream.RecvMsg(r))
		r.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if f.Enum() != nil {
				responses = append(responses, object{"status": string(f.Enum().Values().ByNumber(v.Enum()).Name())})
				return false
			}
			responses = append(responses, object{string(f.Name()): "(block)"})
			return false
		})
		answer, ok := responses[len(responses)-1].(object)["status"]
		switch {
		case !ok:
			continue
		case answer == "SUCCESS":
			return object{"responses": responses}
		}
		require.ErrorIs(t, stream.RecvMsg(r), io.EOF)
		return object{"responses": responses, "stream": "then ended by the server, gRPC status OK"}
	}
}
