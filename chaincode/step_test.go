package chaincode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestStep drives the state machine of a stream. Each line of a "stream" is an input: a message type with an optional payload (the name a
// REGISTER carries, or "garbage"), or a verdict of the registry.
func TestStep(t *testing.T) {
	verdicts := map[string]verdict{"admitted": admitted, "refused": refused, "announced": announced}
	kinds := []string{"ignore", "admit", "answer", "request", "finish", "end"}
	datadriven.RunTest(t, "testdata/step.txt", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		s := created
		for line := range strings.Lines(d.Input) {
			word, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
			in := input{verdict: verdicts[word]}
			if in.verdict == undecided {
				typ, ok := peerpb.ChaincodeMessage_Type_value[word]
				require.True(t, ok, word)
				in.message = &peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_Type(typ), Txid: "tx"}
				switch argument {
				case "":
				case "garbage":
					in.message.Payload = []byte{0xff}
				default:
					in.message.Payload = wire.MustMarshal(&peerpb.ChaincodeID{Name: argument})
				}
			}
			before := s
			var e effect
			s, e = step(s, in)
			fmt.Fprintf(&out, "%s + %s = %s: %s", before, strings.TrimSpace(line), s, kinds[e.kind])
			switch e.kind {
			case admit:
				fmt.Fprintf(&out, " name=%s version=%s", e.id.name, e.id.version)
			case answer:
				fmt.Fprintf(&out, " %s", e.send)
			case end:
				fmt.Fprintf(&out, " (%s)", strings.ReplaceAll(e.err.Error(), "\u00a0", " "))
			}
			out.WriteByte('\n')
		}
		return out.String()
	})
}

// FuzzStep feeds any message to any state: it may end the stream, it may not panic.
func FuzzStep(f *testing.F) {
	for typ := range peerpb.ChaincodeMessage_Type_name {
		f.Add(uint8(2), wire.MustMarshal(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_Type(typ), Txid: "tx", ChannelId: "ch"}))
	}
	f.Add(uint8(0), wire.MustMarshal(&peerpb.ChaincodeMessage{
		Type: peerpb.ChaincodeMessage_REGISTER, Payload: wire.MustMarshal(&peerpb.ChaincodeID{Name: "kv:1.0:x/y"}),
	}))
	f.Fuzz(func(t *testing.T, s uint8, raw []byte) {
		m := &peerpb.ChaincodeMessage{}
		if proto.Unmarshal(raw, m) != nil {
			return
		}
		after, e := step(state(s%3), input{message: m})
		require.Equal(t, state(s%3), after, "only verdicts change the state")
		require.Equal(t, e.kind == end, e.err != nil)
	})
}
