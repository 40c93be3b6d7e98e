package validation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// FuzzEnvelope: whatever bytes stand in a block, each transaction gets a code, and a refused one a reason.
func FuzzEnvelope(f *testing.F) {
	n := newNetwork(f)
	f.Add([]byte{})
	f.Add([]byte{0xff})
	f.Add(n.build(n.put("k")))
	f.Add(n.deployment("deploy", "new", "1.0").build())
	for _, number := range []uint64{3, 5, 50, 72, 73, 74, 75, 77} {
		for _, raw := range vectors.Block(f, "fabric-1.4", number).Data.Data {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := *n
		n.t = t
		verdict, err := n.verdict(n.newMemory(), raw)
		if err == nil { // only a signed configuration can stop the peer
			require.Len(t, verdict.Block.Txs, 1)
		}
	})
}

// FuzzSigned goes behind the creator's signature: data is what a hostile client of the channel signs as its transaction.
func FuzzSigned(f *testing.F) {
	n := newNetwork(f)
	for _, e := range []*endorsement{n.put("k"), n.deployment("upgrade", "kv", "2.0").tx} {
		if e.set == nil {
			e.set = writeSet("lscc", "kv")
		}
		env, payload := &commonpb.Envelope{}, &commonpb.Payload{}
		require.NoError(f, proto.Unmarshal(n.build(e), env))
		require.NoError(f, proto.Unmarshal(env.Payload, payload))
		f.Add(payload.Data)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		n := *n
		n.t = t
		e := n.put("k")
		e.body = func(p *commonpb.Payload) { p.Data = data }
		n.judge(n.newMemory(), n.build(e))
	})
}

// FuzzAction goes behind the endorsements: action, results and arguments are what hostile endorsers agree on.
func FuzzAction(f *testing.F) {
	n := newNetwork(f)
	d := n.deployment("upgrade", "kv", "2.0")
	d.collected(collection("c", nil))
	d.build()
	results, err := d.tx.set.Marshal()
	require.NoError(f, err)
	f.Add("lscc", results, d.tx.args[2], d.collections, []byte{}, true)
	f.Add("kv", results, []byte{}, []byte{}, wire.MustMarshal(&peerpb.ChaincodeEvent{ChaincodeId: "kv"}), false)
	f.Fuzz(func(t *testing.T, chaincode string, results, spec, collections, event []byte, upgrade bool) {
		n := *n
		n.t = t
		state := n.newMemory()
		state.define(n.data("kv", "1.0"))
		e := n.put("k")
		e.chaincode, e.creator = "kv", n.admin1
		if chaincode != "kv" {
			e.chaincode = "lscc"
		}
		function := "deploy"
		if upgrade {
			function = "upgrade"
		}
		e.args = [][]byte{[]byte(function), []byte(channelID), spec, nil, nil, nil, collections}
		e.action = func(a *peerpb.ChaincodeAction) { a.Results, a.Events = results, event }
		n.judge(state, n.build(e), n.build(n.put("k")))
	})
}
