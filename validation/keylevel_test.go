package validation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// guardSet changes the policies of keys.
func guardSet(ns string, keys ...string) *rwset.Set {
	kv := &kvrwsetpb.KVRWSet{}
	for _, k := range keys {
		kv.MetadataWrites = append(kv.MetadataWrites, &kvrwsetpb.KVMetadataWrite{
			Key: k, Entries: []*kvrwsetpb.KVMetadataEntry{{Name: "VALIDATION_PARAMETER", Value: []byte("p")}}})
	}
	return &rwset.Set{Namespaces: []rwset.Namespace{{Name: ns, KV: kv}}}
}

// privateGuardSet changes the policy of a private key.
func privateGuardSet(ns, collection, keyHash string) *rwset.Set {
	h := &kvrwsetpb.HashedRWSet{MetadataWrites: []*kvrwsetpb.KVMetadataWriteHash{{KeyHash: []byte(keyHash)}}}
	return &rwset.Set{Namespaces: []rwset.Namespace{{Name: ns, KV: &kvrwsetpb.KVRWSet{}, Collections: []rwset.Collection{{Name: collection, Hashed: h}}}}}
}

// with is a put of key k with other writes and endorsers.
func (n *network) with(set *rwset.Set, endorsers ...*msp.Signer) *endorsement {
	e := n.put("k")
	e.set, e.endorsers = set, endorsers
	return e
}

func TestPoliciesOfKeys(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.guard("kv", "", "mine", n.policy("AND('Org1MSP.peer')"))
	state.guard("kv", "", "yours", n.policy("AND('Org2MSP.peer')"))
	state.guard("kv", "", "ours", n.bothPeers)
	state.guard("kv", "", "client's", n.policy("AND('Org1MSP.client')"))
	state.guard("kv", "", "broken", []byte{0xff})
	state.guard("kv", "", "empty", nil)
	state.guard("kv", "c", "private", n.bothPeers)
	mine, yours := []*msp.Signer{n.peer1}, []*msp.Signer{n.peer2}
	for _, c := range []struct {
		name, code string
		set        *rwset.Set
		endorsers  []*msp.Signer
	}{
		{"by its own peer", "VALID", writeSet("kv", "mine"), mine},
		{"by another peer, which the chaincode's policy would let", "ENDORSEMENT_POLICY_FAILURE", writeSet("kv", "mine"), yours},
		{"the key's policy replaces the chaincode's", "VALID", writeSet("kv", "client's"), []*msp.Signer{n.user1}},
		{"but another key still needs the chaincode's", "ENDORSEMENT_POLICY_FAILURE", writeSet("kv", "client's", "free"), []*msp.Signer{n.user1}},
		{"every key's policy counts", "ENDORSEMENT_POLICY_FAILURE", writeSet("kv", "mine", "yours"), mine},
		{"all satisfied", "VALID", writeSet("kv", "mine", "yours", "ours", "ours", "free"), []*msp.Signer{n.peer1, n.peer2}},
		{"changing a key's policy needs the present one", "ENDORSEMENT_POLICY_FAILURE", guardSet("kv", "yours"), mine},
		{"giving a key its first policy needs the chaincode's", "VALID", guardSet("kv", "free"), mine},
		{"a policy that does not decode lets nobody", "ENDORSEMENT_POLICY_FAILURE", writeSet("kv", "broken"), mine},
		{"an empty policy is none", "VALID", writeSet("kv", "empty"), mine},
		{"private key", "ENDORSEMENT_POLICY_FAILURE", privateSet("kv", "c", "private"), mine},
		{"private key, by both", "VALID", privateSet("kv", "c", "private"), []*msp.Signer{n.peer1, n.peer2}},
		{"policy of a private key", "ENDORSEMENT_POLICY_FAILURE", privateGuardSet("kv", "c", "private"), mine},
		{"same hash in another collection", "VALID", privateSet("kv", "d", "private"), mine},
		{"same key of another chaincode", "VALID", both(writeSet("kv", "free"), writeSet("open", "ours")), mine},
	} {
		t.Run(c.name, func(t *testing.T) {
			codes, reasons := n.judge(state, n.build(n.with(c.set, c.endorsers...)))
			require.Equal(t, []string{c.code}, codes, reasons)
		})
	}
}

// TestPoliciesChangedInTheBlock: once a transaction has changed a key's policy, nobody can write the key until the next block.
func TestPoliciesChangedInTheBlock(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	peers := []*msp.Signer{n.peer1, n.peer2}
	block := func(all ...*endorsement) []string {
		t.Helper()
		raw := make([][]byte, len(all))
		for i, e := range all {
			raw[i] = n.build(e)
		}
		codes, _ := n.judge(state, raw...)
		return codes
	}
	const valid, refused = "VALID", "ENDORSEMENT_POLICY_FAILURE"

	require.Equal(t, []string{valid, valid, refused, refused, valid}, block(
		n.with(writeSet("kv", "k"), peers...), // before it: fine
		n.with(guardSet("kv", "k"), peers...),
		n.with(writeSet("kv", "k"), peers...),
		n.with(guardSet("kv", "k"), peers...),
		n.with(writeSet("kv", "l"), peers...)), "a change of policy")

	require.Equal(t, []string{refused, valid}, block(
		n.with(guardSet("kv", "k")),
		n.with(writeSet("kv", "k"), peers...)), "a refused change leaves nothing behind")

	require.Equal(t, []string{valid, refused, valid}, block(
		n.with(privateGuardSet("kv", "c", "h"), peers...),
		n.with(privateSet("kv", "c", "h"), peers...),
		n.with(privateSet("kv", "d", "h"), peers...)), "in a collection")

	// Refused for its second namespace, it has passed its first: Fabric looks at each namespace alone.
	elsewhere := n.with(both(guardSet("kv", "k"), writeSet("strict", "s")), n.peer1)
	require.Equal(t, []string{refused, refused}, block(elsewhere, n.with(writeSet("kv", "k"), peers...)), "refused for another namespace")

	// Refused before policies are asked, with what looks like a change.
	for name, change := range map[string]func(*endorsement){
		"creator's signature": func(e *endorsement) { e.signatureHeader = badCreator(n) },
		"old version":         func(e *endorsement) { e.version = "0.9" },
		"unknown chaincode":   func(e *endorsement) { e.chaincode = "nocc" },
		"no transaction id":   func(e *endorsement) { e.channelHeader = func(h *channelHeader) { h.TxId = "" } },
		"illegal write": func(e *endorsement) {
			e.set = both(e.set, writeSet("lscc", "k"))
		},
		"unreadable results": func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Results = append(a.Results, 0xff) }
		},
	} {
		e := n.with(guardSet("kv", "k"), peers...)
		change(e)
		codes := block(e, n.with(writeSet("kv", "k"), peers...))
		require.NotEqual(t, valid, codes[0], name)
		require.Equal(t, valid, codes[1], name)
	}

	duplicate := n.build(n.with(guardSet("kv", "k"), peers...))
	state.txs[idOf(t, duplicate)] = true
	codes, _ := n.judge(state, duplicate, n.build(n.with(writeSet("kv", "k"), peers...)))
	require.Equal(t, []string{"DUPLICATE_TXID", valid}, codes)
}
