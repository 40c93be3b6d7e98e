package chaincode_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/querypb"
)

// payloads are the message types whose payload is a message, as chaincode sends them.
var payloads = map[peerpb.ChaincodeMessage_Type]func() proto.Message{
	peerpb.ChaincodeMessage_GET_STATE:             func() proto.Message { return &peerpb.GetState{} },
	peerpb.ChaincodeMessage_PUT_STATE:             func() proto.Message { return &peerpb.PutState{} },
	peerpb.ChaincodeMessage_DEL_STATE:             func() proto.Message { return &peerpb.DelState{} },
	peerpb.ChaincodeMessage_GET_STATE_METADATA:    func() proto.Message { return &peerpb.GetStateMetadata{} },
	peerpb.ChaincodeMessage_PUT_STATE_METADATA:    func() proto.Message { return &peerpb.PutStateMetadata{} },
	peerpb.ChaincodeMessage_GET_PRIVATE_DATA_HASH: func() proto.Message { return &peerpb.GetState{} },
	peerpb.ChaincodeMessage_GET_STATE_BY_RANGE:    func() proto.Message { return &peerpb.GetStateByRange{} },
	peerpb.ChaincodeMessage_GET_QUERY_RESULT:      func() proto.Message { return &peerpb.GetQueryResult{} },
	peerpb.ChaincodeMessage_GET_HISTORY_FOR_KEY:   func() proto.Message { return &peerpb.GetHistoryForKey{} },
	peerpb.ChaincodeMessage_QUERY_STATE_NEXT:      func() proto.Message { return &peerpb.QueryStateNext{} },
	peerpb.ChaincodeMessage_QUERY_STATE_CLOSE:     func() proto.Message { return &peerpb.QueryStateClose{} },
	peerpb.ChaincodeMessage_INVOKE_CHAINCODE:      func() proto.Message { return &peerpb.ChaincodeSpec{} },
	peerpb.ChaincodeMessage_COMPLETED:             func() proto.Message { return &peerpb.Response{} },
}

// echoSystem is a system chaincode that answers with its arguments and sets an event.
type echoSystem struct{ name string }

func (e echoSystem) Name() string { return e.name }

func (e echoSystem) Invoke(_ context.Context, c *chaincode.Call) *peerpb.Response {
	c.SetEvent("called", []byte(c.ChannelID))
	return &peerpb.Response{Status: 200, Payload: []byte(fmt.Sprintf("%s on %q: %s", e.name, c.ChannelID, c.Input.GetArgs()))}
}

// TestConversations plays the chaincode's part of transactions and prints what the peer says.
//
//	state                     commits "key value" lines to chaincode kv
//	transaction [init] [channel=…] [cc=…] [tx=gone]
//	                          invokes kv; each line is a message of the chaincode: its type, then its payload as JSON, or "garbage", or
//	                          (for ERROR) text. Printed are the answer to each, what the caller got, and what the simulator recorded.
func TestConversations(t *testing.T) {
	p := newPeer(t, func(o *chaincode.Options) {
		o.System = []chaincode.System{echoSystem{"lscc"}, echoSystem{"qscc"}, echoSystem{"cscc"}}
		o.TotalQueryLimit = 250
	})
	for _, name := range []string{"kv", "other", "notinstalled", "stopped"} {
		p.define(channel, name, "1.0", "code of "+name)
	}
	p.put(channel, "lscc", "kv~collection", wire.MustMarshal(&commonpb.CollectionConfigPackage{Config: []*commonpb.CollectionConfig{{
		Payload: &commonpb.CollectionConfig_StaticCollectionConfig{StaticCollectionConfig: &commonpb.StaticCollectionConfig{Name: "secrets"}},
	}}}))
	p.define(otherChannel, "other", "1.0", "code of other")
	p.define(otherChannel, "kv", "1.0", "code of kv")
	p.put(otherChannel, "other", "a", []byte("elsewhere"))
	p.put(channel, "other", "a", []byte("here"))
	p.run("other:1.0")
	kv := p.connect().register(t, "kv:1.0")

	datadriven.RunTest(t, "testdata/conversations.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "state":
			for line := range strings.Lines(d.Input) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
				if first, last, ok := strings.Cut(key, ".."); ok { // a run of keys
					prefix := first[:1]
					for i := atoi(first[1:]); i <= atoi(last); i++ {
						p.put(channel, "kv", fmt.Sprintf("%s%03d", prefix, i), []byte(value))
					}
					continue
				}
				p.put(channel, "kv", key, []byte(value))
			}
			return ""
		case "transaction":
			c := p.call("kv", "do", "it")
			c.Init = d.HasArg("init")
			ch := channel
			d.MaybeScanArgs(t, "channel", &ch)
			p.begin(c, ch)
			defer c.Simulator.Close()
			said := converse(t, p, kv, c, d.Input, d.HasArg("gone"))
			return strings.NewReplacer(p.dir, "<dir>", "\u00a0", " ").Replace(said) + recorded(t, c) // protobuf varies its spaces
		}
		t.Fatalf("unknown command %s", d.Cmd)
		return ""
	})
}

// converse runs c while the chaincode at the end of l says lines.
func converse(t *testing.T, p *peer, l *line, c *chaincode.Call, lines string, gone bool) string {
	t.Helper()
	var out strings.Builder
	result := make(chan string, 1)
	go func() {
		r, event, err := p.Invoke(t.Context(), c)
		text := fmt.Sprintf("result: %s", short(r))
		if err != nil {
			text = fmt.Sprintf("error: %s", err)
		}
		if event != nil {
			text += fmt.Sprintf(" event %s of %s: %s", event.EventName, event.ChaincodeId, event.Payload)
		}
		result <- text
	}()
	m, err := l.Recv()
	require.NoError(t, err)
	require.Equal(t, c.TxID, m.Txid)
	require.Equal(t, c.Proposal.Signed, m.Proposal)
	input := &peerpb.ChaincodeInput{}
	mustUnmarshal(m.Payload, input)
	fmt.Fprintf(&out, "%s %s on %s\n", m.Type, input.Args, m.ChannelId)
	for text := range strings.Lines(lines) {
		word, payload, _ := strings.Cut(strings.TrimSpace(text), " ")
		q := &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_Type(peerpb.ChaincodeMessage_Type_value[word]), Txid: m.Txid, ChannelId: m.ChannelId}
		if gone {
			q.Txid = "gone"
		}
		switch decoded := payloads[q.Type]; {
		case payload == "garbage":
			q.Payload = []byte{0xff}
		case decoded == nil:
			q.Payload = []byte(payload)
		default:
			body := decoded()
			require.NoError(t, protojson.Unmarshal([]byte(payload), body), text)
			q.Payload = wire.MustMarshal(body)
			if r, ok := body.(*peerpb.Response); ok && string(r.Payload) == "event" {
				q.ChaincodeEvent = &peerpb.ChaincodeEvent{EventName: "happened", Payload: []byte("it")}
			}
		}
		if word == "COMPLETED" || word == "ERROR" {
			if gone {
				require.NoError(t, l.Send(q)) // nobody waits for it
				q = proto.Clone(q).(*peerpb.ChaincodeMessage)
				q.Txid = m.Txid
			}
			require.NoError(t, l.Send(q))
			break
		}
		require.NoError(t, l.Send(q))
		a, err := l.Recv()
		require.NoError(t, err)
		require.Equal(t, q.Txid, a.Txid)
		require.Equal(t, q.ChannelId, a.ChannelId)
		fmt.Fprintf(&out, "%s\n", answered(t, q.Type, a))
	}
	fmt.Fprintln(&out, strings.ReplaceAll(<-result, m.Txid, "<txid>"))
	return strings.ReplaceAll(out.String(), m.Txid, "<txid>")
}

// answered prints an answer, its payload decoded as the question demands.
func answered(t *testing.T, question peerpb.ChaincodeMessage_Type, a *peerpb.ChaincodeMessage) string {
	t.Helper()
	if a.Type == peerpb.ChaincodeMessage_ERROR {
		return fmt.Sprintf("%s %s", a.Type, a.Payload)
	}
	switch question {
	case peerpb.ChaincodeMessage_GET_STATE_BY_RANGE, peerpb.ChaincodeMessage_QUERY_STATE_NEXT, peerpb.ChaincodeMessage_QUERY_STATE_CLOSE,
		peerpb.ChaincodeMessage_GET_HISTORY_FOR_KEY:
		r := &peerpb.QueryResponse{}
		mustUnmarshal(a.Payload, r)
		var results []string
		for _, b := range r.Results {
			kv, modification := &querypb.KV{}, &querypb.KeyModification{}
			if question == peerpb.ChaincodeMessage_GET_HISTORY_FOR_KEY {
				mustUnmarshal(b.ResultBytes, modification)
				results = append(results, fmt.Sprintf("%s@%d", modification.Value, modification.Timestamp.GetSeconds()))
				continue
			}
			mustUnmarshal(b.ResultBytes, kv)
			require.Equal(t, "kv", kv.Namespace)
			results = append(results, fmt.Sprintf("%s=%s", kv.Key, kv.Value))
		}
		text := fmt.Sprintf("%s id=%s results=%d more=%t", a.Type, r.Id, len(results), r.HasMore)
		if n := len(results); n > 6 {
			results = append(append(results[:2:2], "…"), results[n-2:]...)
		}
		text += " [" + strings.Join(results, " ") + "]"
		if r.Metadata != nil {
			page := &peerpb.QueryResponseMetadata{}
			mustUnmarshal(r.Metadata, page)
			text += fmt.Sprintf(" fetched=%d bookmark=%q", page.FetchedRecordsCount, page.Bookmark)
		}
		return text
	case peerpb.ChaincodeMessage_GET_STATE_METADATA:
		r := &peerpb.StateMetadataResult{}
		mustUnmarshal(a.Payload, r)
		return fmt.Sprintf("%s %s", a.Type, short(r))
	case peerpb.ChaincodeMessage_INVOKE_CHAINCODE:
		m, r := &peerpb.ChaincodeMessage{}, &peerpb.Response{}
		mustUnmarshal(a.Payload, m)
		mustUnmarshal(m.Payload, r)
		return fmt.Sprintf("%s (%s on %s: %s)", a.Type, m.Type, m.ChannelId, short(r))
	}
	return fmt.Sprintf("%s %q", a.Type, a.Payload)
}

// short is a message on one line, without the spaces that protojson varies.
func short(m proto.Message) string {
	b, err := protojson.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), ", ", ","), ": ", ":")
}

// recorded prints a call's read-write set.
func recorded(t *testing.T, c *chaincode.Call) string {
	t.Helper()
	b, err := c.Simulator.Results()
	require.NoError(t, err)
	set, err := rwset.Parse(b)
	require.NoError(t, err)
	var out strings.Builder
	for _, ns := range set.Namespaces {
		var parts []string
		for _, r := range ns.KV.GetReads() {
			parts = append(parts, "read "+r.GetKey())
		}
		for _, q := range ns.KV.GetRangeQueriesInfo() {
			parts = append(parts, fmt.Sprintf("range [%s,%s) %d exhausted=%t", q.StartKey, q.EndKey, len(q.GetRawReads().GetKvReads()), q.ItrExhausted))
		}
		for _, w := range ns.KV.GetWrites() {
			parts = append(parts, fmt.Sprintf("write %s=%q delete=%t", w.GetKey(), w.GetValue(), w.GetIsDelete()))
		}
		for _, w := range ns.KV.GetMetadataWrites() {
			for _, e := range w.GetEntries() {
				parts = append(parts, fmt.Sprintf("metadata %s/%s=%q", w.GetKey(), e.GetName(), e.GetValue()))
			}
		}
		fmt.Fprintf(&out, "rwset %s: %s\n", ns.Name, strings.Join(parts, ", "))
	}
	return out.String()
}
