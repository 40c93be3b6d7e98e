package golang

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	pb "github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// TestSamplesBuildAndRun collects and builds every sample, runs it as a peer would, and calls it.
func TestSamplesBuildAndRun(t *testing.T) {
	samples, err := heddle.Samples()
	require.NoError(t, err)
	gopath, cacheDir, env := t.TempDir(), t.TempDir(), offline(t)
	require.NoError(t, os.CopyFS(gopath, samples))
	require.NoError(t, prepareIn(t.Context(), cacheDir, env))
	asset := []call{
		{"put a1 alice 10", "200 "},
		{"put a2 bob 20", "200 "},
		{"put a1 bob 10", "500 asset a1 belongs to alice: transfer it"},
		{"get a1", `200 {"id":"a1","owner":"alice","value":10}`},
		{"transfer a1 bob", "200 "},
		{"owned bob", `200 ["a1","a2"]`},
		{"owned alice", `200 []`},
		{"range a1 a2", `200 [{"id":"a1","owner":"bob","value":10}]`},
		{"del a2", "200 "},
		{"get a2", "500 asset a2 does not exist"},
		{"nothing", "500 unknown function: nothing"},
	}
	for path, calls := range map[string][]call{
		"example.com/asset":  append(asset, call{"version", "500 unknown function: version"}),
		"example.com/asset2": append(asset, call{"version", "200 2"}, call{"appraise a1 99", `200 {"id":"a1","owner":"bob","value":99}`}),
		"example.com/marbles": {
			{"create m1 blue 35 tom", "200 "},
			{"create m2 blue 50 tom", "200 "},
			{"transferColor blue jerry", "200 2"},
			{"query m2 n", `200 [{"name":"m2","color":"blue","size":50,"owner":"jerry","changed":"1970-01-01T00:16:40Z"}]`},
			{"delete m1", "200 "},
			{"read m1", "500 marble does not exist: m1"},
		},
		"example.com/counter": {
			{"add x 2", "200 2"},
			{"add x 3", "200 5"},
			{"get x", "200 5"},
			{"add x y", `500 strconv.Atoi: parsing "y": invalid syntax`},
		},
		"example.com/notes": {
			{"get one", "200 "},
			{"put one hello", "500 the peer has no decorator that tells the author"},
		},
	} {
		t.Run(path, func(t *testing.T) {
			code, err := Collect(path, []string{"GOPATH=" + gopath})
			require.NoError(t, err)
			binary, err := buildIn(t.Context(), request(code, path, cacheDir), env)
			require.NoError(t, err)
			peer := &testPeer{calls: calls, state: map[string][]byte{}}
			cmd := exec.Command(binary, "-peer.address", peer.listen(t))
			cmd.Env = []string{"CORE_CHAINCODE_ID_NAME=cc:1.0"}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			require.Error(t, cmd.Run(), "the peer ends the stream")
			require.NoError(t, peer.err)
			require.Contains(t, out.String(), "received EOF")
		})
	}
}

// call is the arguments of a transaction, and the status with the message or the payload it must end in.
type call struct{ args, want string }

// testPeer makes its calls to the first chaincode that registers and answers its questions from a map that, unlike a ledger, shows writes at once.
type testPeer struct {
	pb.UnimplementedChaincodeSupportServer
	calls []call
	state map[string][]byte
	err   error // read it when the chaincode has ended
}

func (p *testPeer) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	pb.RegisterChaincodeSupportServer(s, p)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Stop
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return l.Addr().String()
}

func (p *testPeer) Register(s grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error {
	p.err = p.run(s)
	return nil
}

func (p *testPeer) run(s grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error {
	if m, err := s.Recv(); err != nil || !proto.Equal(m, &pb.ChaincodeMessage{
		Type:    pb.ChaincodeMessage_REGISTER,
		Payload: wire.MustMarshal(&pb.ChaincodeID{Name: "cc:1.0"}),
	}) {
		return fmt.Errorf("want REGISTER of cc:1.0, got %v, %w", m, err)
	}
	err := errors.Join(s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_REGISTERED}), s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_READY}))
	if err != nil {
		return err
	}
	for i, c := range p.calls {
		got, err := p.transaction(s, fmt.Sprint("tx", i), c.args)
		if err != nil {
			return err
		}
		if got != c.want {
			return fmt.Errorf("%s: got %s, want %s", c.args, got, c.want)
		}
	}
	return nil
}

func (p *testPeer) transaction(s grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage], txid, args string) (string, error) {
	input := &pb.ChaincodeInput{}
	for _, a := range bytes.Fields([]byte(args)) {
		input.Args = append(input.Args, a)
	}
	payload, err := proto.Marshal(input)
	if err != nil {
		return "", err
	}
	if err := s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_TRANSACTION, Txid: txid, ChannelId: "ch", Payload: payload, Proposal: testProposal()}); err != nil {
		return "", err
	}
	for {
		m, err := s.Recv()
		if err != nil {
			return "", err
		}
		if m.Type == pb.ChaincodeMessage_COMPLETED {
			r := &pb.Response{}
			err := proto.Unmarshal(m.Payload, r)
			return fmt.Sprintf("%d %s%s", r.Status, r.Message, r.Payload), err
		}
		answer, err := p.answer(m)
		if err != nil {
			return "", err
		}
		if err := s.Send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_RESPONSE, Txid: txid, ChannelId: "ch", Payload: answer}); err != nil {
			return "", err
		}
	}
}

func (p *testPeer) answer(m *pb.ChaincodeMessage) ([]byte, error) {
	switch m.Type {
	case pb.ChaincodeMessage_GET_STATE:
		q := &pb.GetState{}
		err := proto.Unmarshal(m.Payload, q)
		return p.state[q.Key], err
	case pb.ChaincodeMessage_PUT_STATE:
		q := &pb.PutState{}
		err := proto.Unmarshal(m.Payload, q)
		p.state[q.Key] = q.Value
		return nil, err
	case pb.ChaincodeMessage_DEL_STATE:
		q := &pb.DelState{}
		err := proto.Unmarshal(m.Payload, q)
		delete(p.state, q.Key)
		return nil, err
	case pb.ChaincodeMessage_GET_STATE_BY_RANGE:
		q := &pb.GetStateByRange{}
		if err := proto.Unmarshal(m.Payload, q); err != nil {
			return nil, err
		}
		r := &pb.QueryResponse{Id: "q"}
		for _, k := range slices.Sorted(maps.Keys(p.state)) {
			if k < q.StartKey || k >= q.EndKey {
				continue
			}
			kv, err := proto.Marshal(&querypb.KV{Key: k, Value: p.state[k]})
			if err != nil {
				return nil, err
			}
			r.Results = append(r.Results, &pb.QueryResultBytes{ResultBytes: kv})
		}
		return proto.Marshal(r)
	case pb.ChaincodeMessage_QUERY_STATE_CLOSE:
		return proto.Marshal(&pb.QueryResponse{Id: "q"})
	}
	return nil, fmt.Errorf("unexpected message %s", m.Type)
}

// testProposal is a proposal of 1970-01-01T00:16:40Z.
func testProposal() *pb.SignedProposal {
	header := wire.MustMarshal(&commonpb.Header{
		ChannelHeader:   wire.MustMarshal(&commonpb.ChannelHeader{Timestamp: &timestamppb.Timestamp{Seconds: 1000}}),
		SignatureHeader: wire.MustMarshal(&commonpb.SignatureHeader{Creator: []byte("creator"), Nonce: []byte("nonce")}),
	})
	payload := wire.MustMarshal(&pb.ChaincodeProposalPayload{Input: []byte("input")})
	return &pb.SignedProposal{ProposalBytes: wire.MustMarshal(&pb.Proposal{Header: header, Payload: payload})}
}
