package validation

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// judge is a validation plugin.
type judge func(*plugin.ValidationRequest) error

func (j judge) Validate(_ context.Context, r *plugin.ValidationRequest) error { return j(r) }

func TestPlugins(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Vscc: "mine", Policy: n.bothPeers})
	var asked []string
	decide := func(j judge, txs ...*endorsement) (codes []string, err error) {
		asked = nil
		var envelopes [][]byte
		for _, e := range txs {
			envelopes = append(envelopes, n.build(e))
		}
		v := New(channelID, Options{Plugins: map[string]plugin.Validation{"vscc": plugin.DefaultValidation{}, "mine": judge(func(r *plugin.ValidationRequest) error {
			asked = append(asked, r.Namespace)
			return j(r)
		})}})
		p, err := v.Prepare(t.Context(), block.New(7, nil, envelopes), n.bundle)
		require.NoError(t, err)
		verdict, err := v.Decide(t.Context(), p, state)
		if err != nil {
			return nil, err
		}
		for _, tx := range verdict.Block.Txs {
			codes = append(codes, tx.Code.String())
		}
		return codes, nil
	}
	alone := n.put("a")
	alone.endorsers = alone.endorsers[:1]
	other := n.put("b")
	other.chaincode, other.set = "open", writeSet("open", "b")

	// A plugin has the last word about its own chaincode, and only about that.
	codes, err := decide(func(r *plugin.ValidationRequest) error {
		require.Equal(t, 0, r.Position)
		require.EqualValues(t, 7, r.Block.Header.Number)
		require.Equal(t, n.bothPeers, r.Policy)
		require.Equal(t, "a", r.Set.Namespaces[0].KV.Writes[0].Key)
		require.NoError(t, r.Evaluate(n.eitherPeer))
		require.Error(t, r.Evaluate(n.bothPeers))
		return nil
	}, alone, other)
	require.NoError(t, err)
	require.Equal(t, []string{"VALID", "VALID"}, codes)
	require.Equal(t, []string{"kv"}, asked)

	codes, err = decide(func(*plugin.ValidationRequest) error { return errors.New("not on Sundays") }, n.put("a"), other)
	require.NoError(t, err)
	require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE", "VALID"}, codes)

	codes, err = decide(func(r *plugin.ValidationRequest) error { return r.Default() }, alone, n.put("a"))
	require.NoError(t, err)
	require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE", "VALID"}, codes)

	// A transaction of another chaincode that writes here is judged here as well.
	both := n.put("a")
	both.chaincode = "open"
	codes, err = decide(func(*plugin.ValidationRequest) error { return errors.New("not from there") }, both)
	require.NoError(t, err)
	require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE"}, codes)
	require.Equal(t, []string{"kv"}, asked)

	_, err = decide(func(*plugin.ValidationRequest) error {
		return &plugin.ExecutionFailure{Reason: errors.New("the oracle is silent")}
	}, n.put("a"))
	require.ErrorContains(t, err, "block [7], transaction 0")
	require.ErrorContains(t, err, "the oracle is silent")
}
