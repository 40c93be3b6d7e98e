package validation

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

type channelHeader = commonpb.ChannelHeader

func badCreator(n *network) func(*commonpb.SignatureHeader) {
	return func(h *commonpb.SignatureHeader) { h.Creator = n.user2.Creator() }
}

func idOf(t testing.TB, raw []byte) string {
	e, err := tx.ParseEnvelope(raw)
	require.NoError(t, err)
	return e.TxID()
}

func TestRepeatedIDsInABlock(t *testing.T) {
	for _, capability := range []string{"V1_4_2", "V1_1", "none"} {
		n := newNetwork(t, capability)
		state := n.newMemory()
		good := n.build(n.put("k"))
		e := n.put("k")
		e.endorsers = nil
		bad := n.build(e)
		second := "DUPLICATE_TXID"
		if capability == "none" {
			second = "VALID"
		}
		codes, _ := n.judge(state, good, bad, good, bad, good)
		require.Equal(t, []string{"VALID", "ENDORSEMENT_POLICY_FAILURE", second, "ENDORSEMENT_POLICY_FAILURE", second}, codes, capability)
	}
}

func TestUpgradesInABlock(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.define(n.data("kv", "1.0"))
	state.define(n.data("js", "1.0"))
	js := n.deployment("upgrade", "js", "2.0")
	js.spec.ChaincodeSpec.Type = peerpb.ChaincodeSpec_NODE
	callJS := n.put("k")
	callJS.chaincode, callJS.set = "js", writeSet("js", "k")
	callOther := n.put("k")
	callOther.chaincode, callOther.set = "open", both(writeSet("open", "k"), writeSet("kv", "k"))
	expired := n.put("k")
	expired.version = "0.9"

	codes, reasons := n.judge(state,
		n.build(n.put("k")),
		n.deployment("upgrade", "kv", "2.0").build(),
		n.deployment("upgrade", "kv", "3.0").build(),
		n.build(n.put("k")),
		n.build(expired),
		n.build(callOther),
		js.build(),
		n.build(callJS),
	)
	require.Equal(t, []string{
		"CHAINCODE_VERSION_CONFLICT", // called before
		"CHAINCODE_VERSION_CONFLICT", // upgraded again
		"VALID",
		"CHAINCODE_VERSION_CONFLICT", // called after
		"EXPIRED_CHAINCODE",
		"VALID", // only writes there
		"VALID",
		"VALID", // Fabric does not recognize this upgrade
	}, codes, reasons)
	require.Equal(t, "chaincode kv is upgraded by transaction 2 of this block", reasons[0])

	once := n.deployment("upgrade", "kv", "2.0").build()
	codes, _ = n.judge(state, once, once, n.build(n.put("k")))
	require.Equal(t, []string{"CHAINCODE_VERSION_CONFLICT", "DUPLICATE_TXID", "CHAINCODE_VERSION_CONFLICT"}, codes,
		"the second counts as the upgrade although it is refused: Fabric's rules come in this order")

	failed := n.deployment("upgrade", "kv", "2.0")
	failed.tx.endorsers = nil
	codes, _ = n.judge(state, failed.build(), n.build(n.put("k")))
	require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE", "VALID"}, codes, "a refused upgrade leaves nothing behind")
}

// TestUpgradeThatChangesPoliciesOfKeys: Init runs in the upgrade's simulation, and nobody asks the chaincode's policy about what it writes.
func TestUpgradeThatChangesPoliciesOfKeys(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.define(n.data("kv", "1.0"))
	upgrade := n.deployment("upgrade", "kv", "2.0")
	upgrade.change = func(s *rwset.Set) { *s = *both(s, guardSet("kv", "k")) }
	through := n.put("k")
	through.chaincode, through.set = "open", both(writeSet("open", "o"), writeSet("kv", "k"))
	codes, _ := n.judge(state, upgrade.build(), n.build(through))
	require.Equal(t, []string{"VALID", "ENDORSEMENT_POLICY_FAILURE"}, codes)
}

// TestCapabilities: older channels keep the older rules.
func TestCapabilities(t *testing.T) {
	levels := []string{"none", "V1_1", "V1_2", "V1_3", "V1_4_2"}
	for _, c := range []struct {
		name   string
		codes  string // one per level: v valid, o other reason, p policy failure, x expired
		change func(n *network, m *memory, e *endorsement)
	}{
		{"a chaincode that wrote nothing is not judged", "vvppp", func(_ *network, _ *memory, e *endorsement) {
			e.set, e.endorsers = &rwset.Set{}, nil
		}},
		{"nor is its version", "vvxxx", func(_ *network, _ *memory, e *endorsement) {
			e.set, e.version = &rwset.Set{}, "0.9"
		}},
		{"nor does it count when it writes elsewhere", "vvppp", func(n *network, _ *memory, e *endorsement) {
			e.set, e.endorsers = writeSet("open", "k"), []*msp.Signer{n.user1}
		}},
		{"events are not looked at", "vvooo", func(_ *network, _ *memory, e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Events = []byte{0xff} }
		}},
		{"collections are not looked at", "vvooo", func(_ *network, _ *memory, e *endorsement) {
			e.set = both(writeSet("kv", "k"), privateSet("nocc", "c", "k"))
		}},
		{"policies of keys are not looked at", "vvvpp", func(n *network, m *memory, e *endorsement) {
			m.guard("kv", "", "k", n.bothPeers)
			e.endorsers = e.endorsers[:1]
		}},
		{"nor where only they are changed", "vvvoo", func(_ *network, _ *memory, e *endorsement) {
			e.set = both(writeSet("kv", "k"), guardSet("nocc", "k"))
		}},
		{"an endorser that is no identity spoils the transaction", "pppvv", func(_ *network, _ *memory, e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) {
				p.Action.Endorsements = append(p.Action.Endorsements, &peerpb.Endorsement{Endorser: []byte{0xff}})
			}
		}},
	} {
		got := ""
		for _, level := range levels {
			n := newNetwork(t, level)
			state := n.newMemory()
			e := n.put("k")
			c.change(n, state, e)
			codes, _ := n.judge(state, n.build(e))
			got += map[string]string{"VALID": "v", "INVALID_OTHER_REASON": "o", "ENDORSEMENT_POLICY_FAILURE": "p", "EXPIRED_CHAINCODE": "x"}[codes[0]]
		}
		require.Equal(t, c.codes, got, "%s, at %s", c.name, strings.Join(levels, ", "))
	}
}

func TestPrepareNeedsAnApplication(t *testing.T) {
	n := newNetwork(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := New(channelID, Options{Workers: 3})
	_, err := v.Prepare(ctx, block.New(7, nil, [][]byte{n.build(n.put("k"))}), n.bundle)
	require.ErrorIs(t, err, context.Canceled)

	p, err := v.Prepare(t.Context(), block.New(7, nil, [][]byte{n.build(n.put("k"))}), n.bundle)
	require.NoError(t, err)
	require.EqualValues(t, 7, p.Number())
	require.False(t, p.ChangesConfig())
	_, err = v.Decide(ctx, p, n.newMemory())
	require.ErrorIs(t, err, context.Canceled)

	p, err = v.Prepare(t.Context(), block.New(7, nil, nil), n.bundle)
	require.NoError(t, err)
	verdict, err := v.Decide(t.Context(), p, n.newMemory())
	require.NoError(t, err)
	require.Empty(t, verdict.Block.Txs)
}
