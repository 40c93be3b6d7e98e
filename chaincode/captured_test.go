package chaincode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// recordedSystem answers every call as a real peer once did.
type recordedSystem struct {
	name   string
	answer []byte
}

func (r recordedSystem) Name() string { return r.name }

func (r recordedSystem) Invoke(context.Context, *chaincode.Call) *peerpb.Response {
	return &peerpb.Response{Status: 200, Payload: r.answer}
}

// TestCapturedStream says to our peer what a real 1.4 Go chaincode said to a real 1.4.12 peer, with the same ledger behind it, and wants the
// same answers, byte for byte. Only the ids of queries are each peer's own.
func TestCapturedStream(t *testing.T) {
	const ch = "otherchannel"
	messages, chainInfo := captured(t)
	p := newPeer(t, func(o *chaincode.Options) {
		o.System = []chaincode.System{recordedSystem{"lscc", []byte("rec")}, recordedSystem{"qscc", chainInfo}}
		o.KeyLevelEndorsement = func(string) (bool, bool) { return true, true }
	})
	p.define(ch, "rec", "1.0", "code")
	p.define(ch, "kv", "1.0", "code")
	p.define(channel, "kv", "2.0", "code")
	p.put(ch, "kv", "x", []byte("from otherchannel"))
	p.put(ch, "lscc", "rec~collection", wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{{
		Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{Name: "c"}},
	}}}))
	p.run("kv:1.0")
	what := map[string]string{}
	for _, c := range vectors.JSON[[]struct{ What, TxID string }](t, "fabric-1.4", "shim", "calls.json") {
		what[c.TxID] = c.What
	}
	committed := map[string]bool{"": true, "put": true, "put again (history)": true, "delete": true, "250 puts": true, "composite put": true}

	require.Equal(t, peerpb.ChaincodeMessage_REGISTER, messages[0].Type)
	rec := p.connect().register(t, "rec:1.0")
	ids := map[string]string{} // of queries: theirs to ours
	var c *chaincode.Call
	var outcome chan *peerpb.Response
	answered, transactions := 0, 0
	for _, m := range messages[3:] { // after REGISTERED and READY
		switch {
		case m.Type == peerpb.ChaincodeMessage_KEEPALIVE:
		case m.Type == peerpb.ChaincodeMessage_INIT || m.Type == peerpb.ChaincodeMessage_TRANSACTION:
			transactions++
			c = callOf(t, m.ChaincodeMessage)
			p.begin(c, m.ChannelId)
			outcome = make(chan *peerpb.Response, 1)
			go func() {
				r, _, err := p.Invoke(context.Background(), c)
				if err != nil {
					r = &peerpb.Response{Message: err.Error()}
				}
				outcome <- r
			}()
			first, err := rec.Recv()
			require.NoError(t, err)
			requireSame(t, m.ChaincodeMessage, first)
		case m.fromPeer:
			ours, err := rec.Recv()
			require.NoError(t, err)
			requireAnswer(t, m, ours, ids, what[m.Txid])
			answered++
		default:
			require.NoError(t, rec.Send(translated(m, ids)))
			if m.Type != peerpb.ChaincodeMessage_COMPLETED {
				continue
			}
			want := &peerpb.Response{}
			mustUnmarshal(m.Payload, want)
			requireSame(t, want, <-outcome)
			if committed[what[m.Txid]] {
				p.commit(c)
			}
			c.Simulator.Close()
		}
	}
	require.Equal(t, 42, transactions)
	require.Greater(t, answered, 280)
}

// capturedMessage is a message on the wire between a real peer and a real chaincode.
type capturedMessage struct {
	*peerpb.ChaincodeMessage
	fromPeer  bool
	inReplyTo string
}

// captured reads the recording, and the chain info that qscc gave in it.
func captured(t testing.TB) (messages []capturedMessage, chainInfo []byte) {
	t.Helper()
	var question *peerpb.ChaincodeMessage
	for raw := range bytes.Lines(vectors.Read(t, "fabric-1.4", "shim", "stream.jsonl")) {
		var line struct {
			Dir       string `json:"dir"`
			Message   []byte `json:"message"`
			InReplyTo string `json:"in_reply_to"`
		}
		require.NoError(t, json.Unmarshal(raw, &line))
		if line.Dir == "" {
			continue // the end of the stream
		}
		m := &peerpb.ChaincodeMessage{}
		mustUnmarshal(line.Message, m)
		messages = append(messages, capturedMessage{m, line.Dir == "peer->cc", line.InReplyTo})
		if question != nil && line.InReplyTo == "INVOKE_CHAINCODE" && bytes.Contains(question.Payload, []byte("qscc")) {
			inner, r := &peerpb.ChaincodeMessage{}, &peerpb.Response{}
			mustUnmarshal(m.Payload, inner)
			mustUnmarshal(inner.Payload, r)
			chainInfo = r.Payload
		}
		question = m
	}
	require.NotNil(t, chainInfo)
	return messages, chainInfo
}

// callOf is the call that made a peer send m.
func callOf(t *testing.T, m *peerpb.ChaincodeMessage) *chaincode.Call {
	t.Helper()
	proposal, err := tx.ParseProposal(m.Proposal)
	require.NoError(t, err)
	require.NoError(t, proposal.Open())
	input := &peerpb.ChaincodeInput{}
	mustUnmarshal(m.Payload, input)
	return &chaincode.Call{
		TxID: m.Txid, Name: "rec", Version: "1.0", Input: input, Proposal: proposal, Init: m.Type == peerpb.ChaincodeMessage_INIT,
	}
}

func requireSame(t *testing.T, want, got proto.Message) {
	t.Helper()
	require.Equal(t, wire.MustMarshal(want), wire.MustMarshal(got), "want %s\ngot  %s", want, got)
}

// requireAnswer compares our answer with theirs, and learns the ids of queries from them.
func requireAnswer(t *testing.T, theirs capturedMessage, ours *peerpb.ChaincodeMessage, ids map[string]string, what string) {
	t.Helper()
	const docker = "error starting container: error starting container: "
	switch {
	case strings.HasPrefix(what, "private ") && what != "private get in an unknown collection":
		if theirs.inReplyTo != "QUERY_STATE_CLOSE" {
			require.Contains(t, string(ours.Payload), "private data is not supported by this peer (collection otherchannel/rec/c)")
		}
		return
	case what == "chaincode to chaincode on another channel": // no Docker there, no process here
		want, _, _ := strings.Cut(string(theirs.Payload), docker)
		require.True(t, strings.HasPrefix(string(ours.Payload), want+docker), "%s", ours.Payload)
		return
	}
	if strings.HasPrefix(theirs.inReplyTo, "GET_STATE_BY_RANGE") || strings.HasPrefix(theirs.inReplyTo, "GET_HISTORY") ||
		strings.HasPrefix(theirs.inReplyTo, "QUERY_STATE") {
		want, got := &peerpb.QueryResponse{}, &peerpb.QueryResponse{}
		mustUnmarshal(theirs.Payload, want)
		mustUnmarshal(ours.Payload, got)
		if theirs.inReplyTo != "QUERY_STATE_CLOSE" && theirs.inReplyTo != "QUERY_STATE_NEXT" {
			ids[want.Id] = got.Id
		}
		require.Equal(t, ids[want.Id], got.Id)
		got.Id = want.Id
		ours.Payload = wire.MustMarshal(got)
	}
	requireSame(t, theirs.ChaincodeMessage, ours)
}

// translated is what the chaincode said, with our ids of queries.
func translated(m capturedMessage, ids map[string]string) *peerpb.ChaincodeMessage {
	q := &peerpb.QueryStateNext{} // the same shape as QueryStateClose
	if m.Type == peerpb.ChaincodeMessage_QUERY_STATE_NEXT || m.Type == peerpb.ChaincodeMessage_QUERY_STATE_CLOSE {
		mustUnmarshal(m.Payload, q)
		q.Id = ids[q.Id]
		m.Payload = wire.MustMarshal(q)
	}
	return m.ChaincodeMessage
}
