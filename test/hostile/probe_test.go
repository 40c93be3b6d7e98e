//go:build e2e

package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	_ "embed"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var (
	//go:embed testdata/broadcast.txt
	broadcastAnswers string
	//go:embed testdata/deliver.txt
	deliverAnswers string
)

// TestProbes asks a real network everything that real Fabric 1.4.12 was asked, and expects its answers.
func TestProbes(t *testing.T) {
	n := start(t)
	n.deploy(t, "strict", "AND('Org1MSP.member','Org2MSP.member')", n.Orgs[0], n.Orgs[1])
	t.Run("proposals", n.probeProposals)
	t.Run("broadcast", n.probeBroadcast)
	t.Run("deliver", n.probeDeliver)
	n.commits(t)
	n.noPanics(t)
}

func (n *network) probeProposals(t *testing.T) {
	endorser := peerpb.NewEndorserClient(n.peers[0])
	requests := kit.OddProposals(t, n.who)
	for _, a := range kit.OddProposalAnswers() {
		t.Run(a.Name, func(t *testing.T) {
			o := requests[a.Name]
			require.NotNil(t, o, "no such request")
			delete(requests, a.Name)
			a.Equal(t, kit.ProposalOutline(endorser.ProcessProposal(t.Context(), o.Build(t))))
		})
	}
	require.Empty(t, requests)
}

func (n *network) probeBroadcast(t *testing.T) {
	events, err := peerpb.NewDeliverClient(n.peers[0]).DeliverFiltered(t.Context())
	require.NoError(t, err)
	require.NoError(t, events.Send(seek{signer: n.who.User, info: between(newest, at(math.MaxUint64))}.envelope(t, n.Channel)))
	_, err = events.Recv() // the newest block, before any of ours
	require.NoError(t, err)

	requests := n.oddEnvelopes(t)
	for _, a := range kit.ParseAnswers(broadcastAnswers) {
		t.Run(a.Name, func(t *testing.T) {
			make := requests[a.Name]
			require.NotNil(t, make, "no such request")
			delete(requests, a.Name)
			got := n.broadcast(t, make())
			if got == "SUCCESS" {
				got += " -> " + judged(events)
			}
			a.Equal(t, got)
		})
	}
	require.Empty(t, requests)
}

// broadcast sends one envelope and tells the answer, and whether the stream ends after a refusal.
func (n *network) broadcast(t *testing.T, e *commonpb.Envelope) string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := ordererpb.NewAtomicBroadcastClient(n.orderer).Broadcast(ctx)
	require.NoError(t, err)
	require.NoError(t, s.Send(e))
	r, err := s.Recv()
	require.NoError(t, err)
	if r.Status == commonpb.Status_SUCCESS {
		return "SUCCESS"
	}
	_, err = s.Recv()
	return fmt.Sprintf("%s info=%q then=%v", r.Status, r.Info, err)
}

// judged tells what the peer made of the next block, which has one transaction.
func judged(events peerpb.Deliver_DeliverFilteredClient) string {
	m, err := events.Recv()
	if err != nil {
		return err.Error()
	}
	if _, ok := m.Type.(*peerpb.DeliverResponse_Status); ok {
		return fmt.Sprintf("STATUS %s (mid-stream instead of the block)", m.GetStatus())
	}
	txs := m.GetFilteredBlock().GetFilteredTransactions()
	if len(txs) != 1 {
		return fmt.Sprintf("a block of %d transactions", len(txs))
	}
	kind := ""
	if x := txs[0]; x.Type != commonpb.HeaderType_ENDORSER_TRANSACTION {
		kind = fmt.Sprintf("type=%s ", x.Type)
	}
	return kind + "code=" + txs[0].TxValidationCode.String()
}

func (n *network) probeDeliver(t *testing.T) {
	requests := n.oddSeeks(t)
	asked := map[string]bool{}
	for _, a := range kit.ParseAnswers(deliverAnswers) {
		name, service, _ := strings.Cut(a.Name, " [")
		t.Run(a.Name, func(t *testing.T) {
			require.NotNil(t, requests[name], "no such request")
			asked[name] = true
			a.Equal(t, n.seek(t, strings.TrimSuffix(service, "]"), requests[name]))
		})
	}
	require.Len(t, asked, len(requests))
}

// services are the calls that deliver blocks, and who answers them. All number the fields of their messages alike.
func (n *network) service(name string) (*grpc.ClientConn, string) {
	switch name {
	case "orderer":
		return n.orderer, ordererpb.AtomicBroadcast_Deliver_FullMethodName
	case "peer.full":
		return n.peers[0], peerpb.Deliver_Deliver_FullMethodName
	default:
		return n.peers[0], peerpb.Deliver_DeliverFiltered_FullMethodName
	}
}

// seek sends one request to a service, closes our side and tells all that comes.
func (n *network) seek(t *testing.T, service string, e *commonpb.Envelope) string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, method := n.service(service)
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	require.NoError(t, err)
	require.NoError(t, s.SendMsg(e))
	require.NoError(t, s.CloseSend())
	var all []string
	for {
		m := &peerpb.DeliverResponse{}
		if err := s.RecvMsg(m); errors.Is(err, io.EOF) {
			return strings.Join(append(all, "EOF"), ", ")
		} else if err != nil {
			return strings.Join(append(all, err.Error()), ", ")
		}
		switch r := m.Type.(type) {
		case *peerpb.DeliverResponse_Block:
			all = append(all, "block"+numbered(r.Block.GetHeader().GetNumber()))
		case *peerpb.DeliverResponse_FilteredBlock:
			all = append(all, fmt.Sprintf("fblock%s(%dtx)", numbered(r.FilteredBlock.Number), len(r.FilteredBlock.FilteredTransactions)))
		case *peerpb.DeliverResponse_Status:
			all = append(all, r.Status.String())
		}
	}
}

// numbered is how the answers name blocks: by number if they were asked for by number, else N.
func numbered(n uint64) string {
	if n > 1 {
		return "N"
	}
	return fmt.Sprint(n)
}

func at(n uint64) *ordererpb.SeekPosition {
	return &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Specified{Specified: &ordererpb.SeekSpecified{Number: n}}}
}

var (
	oldest = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Oldest{Oldest: &ordererpb.SeekOldest{}}}
	newest = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_Newest{Newest: &ordererpb.SeekNewest{}}}
	next   = &ordererpb.SeekPosition{Type: &ordererpb.SeekPosition_NextCommit{NextCommit: &ordererpb.SeekNextCommit{}}}
)

// between waits for blocks that are not there yet, ready does not.
func between(start, stop *ordererpb.SeekPosition) *ordererpb.SeekInfo {
	return &ordererpb.SeekInfo{Start: start, Stop: stop, Behavior: ordererpb.SeekInfo_BLOCK_UNTIL_READY}
}

func ready(start, stop *ordererpb.SeekPosition) *ordererpb.SeekInfo {
	return &ordererpb.SeekInfo{Start: start, Stop: stop, Behavior: ordererpb.SeekInfo_FAIL_IF_NOT_READY}
}

// oddSeeks are the requests of testdata/deliver.txt by name.
func (n *network) oddSeeks(t *testing.T) map[string]*commonpb.Envelope {
	user := n.who.User
	ask := func(info *ordererpb.SeekInfo) *commonpb.Envelope {
		return seek{signer: user, info: info}.envelope(t, n.Channel)
	}
	odd := func(s seek) *commonpb.Envelope {
		s.info = between(oldest, oldest)
		if s.signer == nil {
			s.signer = user
		}
		return s.envelope(t, n.Channel)
	}
	badSignature := ask(between(oldest, oldest))
	badSignature.Signature = kit.Flipped(badSignature.Signature)
	return map[string]*commonpb.Envelope{
		"block 0..1":     ask(between(at(0), at(1))),
		"oldest..oldest": ask(between(oldest, oldest)),
		"newest..newest": ask(between(newest, newest)),
		"nextcommit..nextcommit FAIL_IF_NOT_READY": ask(ready(next, next)),
		"start>stop":                      ask(between(at(2), at(1))),
		"beyond height FAIL_IF_NOT_READY": ask(ready(at(99999), at(99999))),
		"newest..max FAIL_IF_NOT_READY":   ask(ready(newest, at(math.MaxUint64))),
		"nil start":                       ask(between(nil, newest)),
		"nil stop":                        ask(between(oldest, nil)),
		"empty seekinfo":                  ask(&ordererpb.SeekInfo{}),
		"unknown channel":                 odd(seek{header: func(h *commonpb.ChannelHeader) { h.ChannelId = "nochannel" }}),
		"no timestamp":                    odd(seek{header: func(h *commonpb.ChannelHeader) { h.Timestamp = nil }}),
		"timestamp 1h old":                odd(seek{header: func(h *commonpb.ChannelHeader) { h.Timestamp.Seconds -= 3600 }}),
		"wrong header type 0":             odd(seek{header: func(h *commonpb.ChannelHeader) { h.Type = 0 }}),
		"unknown MSP":                     odd(seek{creator: kit.Creator("Org9MSP", kit.Certificate(t, user.Creator()))}),
		"orderer admin as reader":         odd(seek{signer: n.who.OrdererAdmin}),
		"bad signature":                   badSignature,
		"garbage payload":                 {Payload: []byte("garbage"), Signature: []byte("garbage")},
		"empty envelope":                  {},
	}
}

// seek is a request for blocks in pieces.
type seek struct {
	signer interface {
		Sign([]byte) ([]byte, error)
		Creator() []byte
	}
	creator []byte // nil for the signer's
	header  func(*commonpb.ChannelHeader)
	info    *ordererpb.SeekInfo
}

func (s seek) envelope(t *testing.T, channel string) *commonpb.Envelope {
	t.Helper()
	h := &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_DELIVER_SEEK_INFO), ChannelId: channel, Timestamp: timestamppb.Now()}
	if s.header != nil {
		s.header(h)
	}
	if s.creator == nil {
		s.creator = s.signer.Creator()
	}
	payload := wire.MustMarshal(&commonpb.Payload{
		Header: &commonpb.Header{
			ChannelHeader:   wire.MustMarshal(h),
			SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: s.creator, Nonce: []byte("nonce")}),
		},
		Data: wire.MustMarshal(s.info),
	})
	signature, err := s.signer.Sign(payload)
	require.NoError(t, err)
	return &commonpb.Envelope{Payload: payload, Signature: signature}
}
