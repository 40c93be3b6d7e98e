package shim

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	pb "github.com/heddleledger/heddle/wire/peerpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// invokeFunc is a chaincode made of one function.
type invokeFunc func(ChaincodeStubInterface) pb.Response

func (f invokeFunc) Init(s ChaincodeStubInterface) pb.Response   { return f(s) }
func (f invokeFunc) Invoke(s ChaincodeStubInterface) pb.Response { return f(s) }

// inProc runs cc over a pipe and returns the peer's end and how the chaincode's session ended.
func inProc(t testing.TB, cc Chaincode) (peer ClientStream, ended <-chan error) {
	t.Helper()
	mine, peer := Pipe()
	end := make(chan error, 1)
	go func() { end <- StartInProc("cc:1.0", mine, cc) }()
	t.Cleanup(func() { _ = peer.CloseSend() })
	require.Equal(t, string(marshal(t, &pb.ChaincodeID{Name: "cc:1.0"})), handshake(t, peer))
	return peer, end
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	return b
}

// invoke sends a transaction with args.
func invoke(t testing.TB, peer PeerChaincodeStream, typ pb.ChaincodeMessage_Type, txid string, args ...string) {
	t.Helper()
	input := &pb.ChaincodeInput{}
	for _, a := range args {
		input.Args = append(input.Args, []byte(a))
	}
	require.NoError(t, peer.Send(&pb.ChaincodeMessage{Type: typ, ChannelId: "ch", Txid: txid, Payload: marshal(t, input)}))
}

func recv(t testing.TB, peer PeerChaincodeStream) *pb.ChaincodeMessage {
	t.Helper()
	m, err := peer.Recv()
	require.NoError(t, err)
	return m
}

func response(t testing.TB, m *pb.ChaincodeMessage) *pb.Response {
	t.Helper()
	require.Equal(t, pb.ChaincodeMessage_COMPLETED, m.Type, string(m.Payload))
	r := &pb.Response{}
	require.NoError(t, proto.Unmarshal(m.Payload, r))
	return r
}

func TestManyTransactionsAtOnce(t *testing.T) {
	const transactions, questions = 100, 20
	cc := invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		for i := range questions {
			v, err := s.GetState(fmt.Sprint(i))
			if err != nil || string(v) != s.GetTxID()+fmt.Sprint(i) {
				return Error(fmt.Sprintf("%s %v", v, err))
			}
		}
		return Success([]byte(s.GetTxID()))
	})
	done := make(chan error, 1)
	address := startPeer(t, nil, func(s registerStream) error {
		handshake(t, s)
		for i := range transactions {
			invoke(t, s, pb.ChaincodeMessage_TRANSACTION, fmt.Sprintf("tx%d", i))
		}
		for left := transactions; left > 0; {
			m, err := s.Recv()
			if err != nil {
				done <- err
				return err
			}
			if m.Type == pb.ChaincodeMessage_COMPLETED {
				left--
				if r := response(t, m); r.Status != OK || string(r.Payload) != m.Txid {
					done <- errors.New(r.Message)
				}
				continue
			}
			q := &pb.GetState{}
			if err := proto.Unmarshal(m.Payload, q); err != nil {
				return err
			}
			err = s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_RESPONSE, ChannelId: "ch", Txid: m.Txid, Payload: []byte(m.Txid + q.Key)})
			if err != nil {
				return err
			}
		}
		done <- nil
		return nil
	})
	require.ErrorIs(t, chat(t, address, nil, cc), io.EOF)
	require.NoError(t, <-done)
}

func TestInitWithErrorStatusIsAnError(t *testing.T) {
	peer, _ := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		require.NoError(t, s.SetEvent("e", []byte("p")))
		return pb.Response{Status: 500, Message: "no", Payload: []byte("dropped")}
	}))
	invoke(t, peer, pb.ChaincodeMessage_INIT, "tx")
	m := recv(t, peer)
	require.Equal(t, pb.ChaincodeMessage_ERROR, m.Type)
	require.Equal(t, "no", string(m.Payload))
	require.Equal(t, "e", m.ChaincodeEvent.EventName)
	require.Equal(t, "ch", m.ChannelId)
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "tx2")
	require.Equal(t, "no", response(t, recv(t, peer)).Message)
}

func TestPanicInProcessFailsTheTransactionOnly(t *testing.T) {
	peer, _ := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		if f, _ := s.GetFunctionAndParameters(); f == "panic" {
			panic("oops")
		}
		return Success(nil)
	}))
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "tx", "panic")
	m := recv(t, peer)
	require.Equal(t, pb.ChaincodeMessage_ERROR, m.Type)
	require.Equal(t, "chaincode cc:1.0 panicked: oops", string(m.Payload))
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "tx2")
	response(t, recv(t, peer))
}

// TestHostilePeer: whatever the peer sends, the session answers or ends; it does not panic.
func TestHostilePeer(t *testing.T) {
	for name, c := range map[string]struct {
		send *pb.ChaincodeMessage
		ends string // empty: it goes on
	}{
		"answer nobody waits for":        {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_RESPONSE, Txid: "tx"}, "cannot handle message (RESPONSE) with payload size (0) while in state: ready"},
		"error nobody waits for":         {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_ERROR, Txid: "tx"}, ""},
		"unknown type":                   {&pb.ChaincodeMessage{Type: 99}, "cannot handle message (99)"},
		"second READY":                   {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_READY}, "cannot handle message (READY)"},
		"nil":                            {nil, "received nil message"},
		"input that does not parse":      {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_TRANSACTION, Txid: "bad", Payload: []byte{0xff}}, ""},
		"no input and an empty proposal": {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_TRANSACTION, Txid: "bad", Proposal: &pb.SignedProposal{}}, ""},
		"proposal that does not parse":   {&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_INIT, Txid: "bad", Proposal: &pb.SignedProposal{ProposalBytes: []byte{0xff}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			peer, ended := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
				for _, get := range []func() error{
					func() error { _, err := s.GetCreator(); return err },
					func() error { _, err := s.GetTransient(); return err },
					func() error { _, err := s.GetBinding(); return err },
					func() error { _, err := s.GetTxTimestamp(); return err },
				} {
					_ = get() // an error or nothing
				}
				return Success([]byte("done"))
			}))
			require.NoError(t, peer.Send(c.send))
			if c.ends != "" {
				require.ErrorContains(t, <-ended, c.ends)
				return
			}
			invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "good")
			for {
				if m := recv(t, peer); m.Txid == "good" {
					require.Equal(t, "done", string(response(t, m).Payload))
					return
				}
			}
		})
	}
}

func TestHandshakeOutOfOrder(t *testing.T) {
	for _, first := range []pb.ChaincodeMessage_Type{pb.ChaincodeMessage_READY, pb.ChaincodeMessage_TRANSACTION, pb.ChaincodeMessage_ERROR} {
		mine, peer := Pipe()
		ended := make(chan error, 1)
		go func() { ended <- StartInProc("cc:1.0", mine, invokeFunc(nil)) }()
		recv(t, peer)
		require.NoError(t, peer.Send(&pb.ChaincodeMessage{Type: first}))
		require.ErrorContains(t, <-ended, fmt.Sprintf("cannot handle message (%s) with payload size (0) while in state: created", first))
		m := recv(t, peer)
		require.Equal(t, pb.ChaincodeMessage_ERROR, m.Type)
	}
	require.ErrorContains(t, StartInProc("", nil, nil), "error chaincode id not provided")
}

func TestKeepAliveIsSentBack(t *testing.T) {
	peer, _ := inProc(t, invokeFunc(nil))
	require.NoError(t, peer.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_KEEPALIVE}))
	require.Equal(t, pb.ChaincodeMessage_KEEPALIVE, recv(t, peer).Type)
}

func TestQuestionsFailWhenTheStreamEnds(t *testing.T) {
	results := make(chan error, 2)
	peer, ended := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		_, err := s.GetState("k")
		results <- err
		_, err = s.GetState("k")
		results <- err
		return Success(nil)
	}))
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "0123456789")
	recv(t, peer)
	require.NoError(t, peer.CloseSend())
	require.ErrorIs(t, <-ended, io.EOF)
	require.ErrorContains(t, <-results, "[01234567] error sending GET_STATE: unexpected failure on receive")
	require.ErrorContains(t, <-results, "[01234567] error sending GET_STATE: the stream to the peer has ended")
}

func TestOneQuestionAtATime(t *testing.T) {
	first, refused := make(chan struct{}), make(chan struct{})
	peer, _ := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.GetState("k") })
		<-first
		_, err := s.GetState("k")
		close(refused)
		wg.Wait()
		return Error(err.Error())
	}))
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "tx")
	recv(t, peer)
	close(first)
	<-refused
	require.NoError(t, peer.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_RESPONSE, ChannelId: "ch", Txid: "tx"}))
	require.Equal(t, "[tx] error sending GET_STATE: [chtx] channel exists", response(t, recv(t, peer)).Message)
}

func TestProposalFields(t *testing.T) {
	creator, nonce := []byte("creator"), []byte("nonce")
	header := marshal(t, &commonpb.Header{
		ChannelHeader:   marshal(t, &commonpb.ChannelHeader{Epoch: 258}),
		SignatureHeader: marshal(t, &commonpb.SignatureHeader{Creator: creator, Nonce: nonce}),
	})
	payload := marshal(t, &pb.ChaincodeProposalPayload{Input: []byte("i"), TransientMap: map[string][]byte{"k": []byte("v")}})
	p := parsedProposal{signed: &pb.SignedProposal{ProposalBytes: marshal(t, &pb.Proposal{Header: header, Payload: payload})}}
	got, err := p.creator()
	require.NoError(t, err)
	require.Equal(t, creator, got)
	transient, err := p.transient()
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"k": []byte("v")}, transient)
	binding, err := p.binding()
	require.NoError(t, err)
	// sha256("noncecreator" 02 01 00 00 00 00 00 00)
	require.Equal(t, "83170521a98a656ee31c4c47a7059098bbd5ca6ad2608b7c0051709a54344e44", fmt.Sprintf("%x", binding))

	none := parsedProposal{}
	_, err = none.timestamp()
	require.ErrorContains(t, err, "no proposal")
	got, err = none.creator()
	require.NoError(t, err)
	require.Nil(t, got)
	headless := parsedProposal{signed: &pb.SignedProposal{ProposalBytes: marshal(t, &pb.Proposal{Payload: payload})}}
	_, err = headless.creator()
	require.ErrorContains(t, err, "proposal's header is nil")
}

func FuzzProposal(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x0a, 0x00})
	f.Add(marshal(f, &pb.Proposal{Header: marshal(f, &commonpb.Header{ChannelHeader: []byte{8, 3}, SignatureHeader: []byte{10, 1, 1}}), Payload: []byte{10, 1, 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parsedProposal{signed: &pb.SignedProposal{ProposalBytes: b}}
		_, err := p.creator()
		_, again := p.binding()
		require.Equal(t, err == nil, again == nil)
		_, again = p.timestamp()
		require.Equal(t, err == nil, again == nil)
	})
}

func TestKeysThatAreNoStringsAreRefusedHere(t *testing.T) {
	peer, _ := inProc(t, invokeFunc(func(s ChaincodeStubInterface) pb.Response {
		_, getErr := s.GetState("\xff")
		return Error(strings.Join([]string{
			getErr.Error(),
			s.PutState("", nil).Error(),
			s.PutPrivateData("", "k", nil).Error(),
			s.PutPrivateData("c", "", nil).Error(),
			s.PurgePrivateData("c", "k").Error(),
			s.SetEvent("", nil).Error(),
		}, "\n"))
	}))
	invoke(t, peer, pb.ChaincodeMessage_TRANSACTION, "tx")
	texts := strings.Split(response(t, recv(t, peer)).Message, "\n")
	require.Contains(t, texts[0], "invalid UTF-8")
	require.Equal(t, []string{"key must not be an empty string", "collection must not be an empty string", "key must not be an empty string"}, texts[1:4])
	require.Contains(t, texts[4], "PurgePrivateData needs")
	require.Equal(t, "event name can not be nil string", texts[5])
}
