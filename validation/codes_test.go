package validation

import (
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func sum(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// highS gives the same signature with its other, higher S.
func highS(t testing.TB, signature []byte) []byte {
	var s struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &s)
	require.NoError(t, err)
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	s.S.Sub(order, s.S)
	raw, err := asn1.Marshal(s)
	require.NoError(t, err)
	return raw
}

var garbage = []byte{0xff, 0xff, 0xff}

// codeCase is a change of a good transaction, and the code and some of the reason that it brings.
type codeCase struct {
	name, code, reason string
	change             func(*endorsement)
}

// codeCases are what may be wrong with one transaction; the codes are 1.4.12's (testdata, and the probes of a real network).
func (n *network) codeCases() []codeCase {
	t := n.t
	id := func(name, version string) *peerpb.ChaincodeID {
		return &peerpb.ChaincodeID{Name: name, Version: version}
	}
	return []codeCase{
		{"as it should be", "VALID", "", func(*endorsement) {}},
		{"payload does not decode", "BAD_PAYLOAD", "unmarshaling Payload", func(e *endorsement) {
			e.envelope = func(env *commonpb.Envelope) { env.Payload = garbage }
		}},
		{"empty payload", "BAD_COMMON_HEADER", "header not set", func(e *endorsement) {
			e.envelope = func(env *commonpb.Envelope) { env.Payload = nil }
		}},
		{"no header", "BAD_COMMON_HEADER", "header not set", func(e *endorsement) {
			e.body = func(p *commonpb.Payload) { p.Header = nil }
		}},
		{"channel header does not decode", "BAD_COMMON_HEADER", "unmarshaling ChannelHeader", func(e *endorsement) {
			e.body = func(p *commonpb.Payload) { p.Header.ChannelHeader = garbage }
		}},
		{"signature header does not decode", "BAD_COMMON_HEADER", "unmarshaling SignatureHeader", func(e *endorsement) {
			e.body = func(p *commonpb.Payload) { p.Header.SignatureHeader = garbage }
		}},
		{"type 99", "BAD_COMMON_HEADER", "invalid header type 99", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = 99 }
		}},
		{"type MESSAGE", "BAD_COMMON_HEADER", "invalid header type MESSAGE", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = 0 }
		}},
		{"epoch 1", "BAD_COMMON_HEADER", "invalid Epoch in ChannelHeader", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Epoch = 1 }
		}},
		{"no nonce", "BAD_COMMON_HEADER", "invalid nonce", func(e *endorsement) {
			e.signatureHeader = func(h *commonpb.SignatureHeader) { h.Nonce = nil }
		}},
		{"no creator", "BAD_COMMON_HEADER", "invalid creator", func(e *endorsement) {
			e.signatureHeader = func(h *commonpb.SignatureHeader) { h.Creator = nil }
		}},
		{"signature missing", "BAD_CREATOR_SIGNATURE", "signature over the proposal is not valid", func(e *endorsement) {
			e.envelope = func(env *commonpb.Envelope) { env.Signature = nil }
		}},
		{"signature of something else", "BAD_CREATOR_SIGNATURE", "The signature is invalid", func(e *endorsement) {
			e.envelope = func(env *commonpb.Envelope) { env.Signature, _ = n.user1.Sign([]byte("something else")) }
		}},
		{"high-S signature", "BAD_CREATOR_SIGNATURE", "Invalid S", func(e *endorsement) {
			e.envelope = func(env *commonpb.Envelope) { env.Signature = highS(t, env.Signature) }
		}},
		{"creator of an unknown organization", "BAD_CREATOR_SIGNATURE", "MSP Org9MSP is unknown here; known are OrdererMSP, Org1MSP, Org2MSP", func(e *endorsement) {
			e.signatureHeader = func(h *commonpb.SignatureHeader) { h.Creator = claim(t, n.user1, "Org9MSP") }
		}},
		{"creator claims the other organization", "BAD_CREATOR_SIGNATURE", "which is no CA of Org1MSP", func(e *endorsement) {
			e.signatureHeader = func(h *commonpb.SignatureHeader) { h.Creator = claim(t, n.user2, "Org1MSP") }
		}},
		{"creator is garbage", "BAD_CREATOR_SIGNATURE", "MSP error", func(e *endorsement) {
			e.signatureHeader = func(h *commonpb.SignatureHeader) { h.Creator = garbage }
		}},
		{"another channel", "BAD_CREATOR_SIGNATURE", "is for channel [other]", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.ChannelId = "other" }
		}},
		{"configuration update", "UNSUPPORTED_TX_PAYLOAD", "CONFIG_UPDATE", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = int32(commonpb.HeaderType_CONFIG_UPDATE) }
		}},
		{"token transaction", "UNKNOWN_TX_TYPE", "TOKEN_TRANSACTION", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = int32(commonpb.HeaderType_TOKEN_TRANSACTION) }
		}},
		{"token transaction with a wrong id", "BAD_PROPOSAL_TXID", "invalid txid", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) {
				h.Type, h.TxId = int32(commonpb.HeaderType_TOKEN_TRANSACTION), "0"
			}
		}},
		{"empty configuration", "INVALID_CONFIG_TRANSACTION", "empty", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Type = int32(commonpb.HeaderType_CONFIG) }
			e.body = func(p *commonpb.Payload) { p.Data = nil }
		}},
		{"wrong id", "BAD_PROPOSAL_TXID", "invalid txid. got [abc]", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.TxId = "abc" }
		}},
		{"creator is the orderer's admin, with an id of its own", "VALID", "", func(e *endorsement) { e.creator = n.ordererAdmin }},
		{"creator is a peer", "VALID", "", func(e *endorsement) { e.creator = n.peer1 }},
		{"empty transaction", "INVALID_ENDORSER_TRANSACTION", "tx contains 0", func(e *endorsement) {
			e.body = func(p *commonpb.Payload) { p.Data = nil }
		}},
		{"garbage transaction", "INVALID_ENDORSER_TRANSACTION", "unmarshaling Transaction", func(e *endorsement) {
			e.body = func(p *commonpb.Payload) { p.Data = garbage }
		}},
		{"two actions", "INVALID_ENDORSER_TRANSACTION", "tx contains 2", func(e *endorsement) {
			e.transaction = func(x *peerpb.Transaction) { x.Actions = append(x.Actions, x.Actions[0]) }
		}},
		{"action without header", "INVALID_ENDORSER_TRANSACTION", "invalid nonce", func(e *endorsement) {
			e.transaction = func(x *peerpb.Transaction) { x.Actions[0].Header = nil }
		}},
		{"action header of another proposal", "INVALID_ENDORSER_TRANSACTION", "proposal hash does not match", func(e *endorsement) {
			e.transaction = func(x *peerpb.Transaction) {
				x.Actions[0].Header = wire.MustMarshal(&commonpb.SignatureHeader{Creator: n.user2.Creator(), Nonce: []byte("other")})
			}
		}},
		{"action without payload", "INVALID_ENDORSER_TRANSACTION", "no endorsed action", func(e *endorsement) {
			e.transaction = func(x *peerpb.Transaction) { x.Actions[0].Payload = nil }
		}},
		{"proposal payload changed", "INVALID_ENDORSER_TRANSACTION", "proposal hash does not match", func(e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) { p.ChaincodeProposalPayload = []byte("other") }
		}},
		{"no proposal payload", "INVALID_ENDORSER_TRANSACTION", "no chaincode proposal payload", func(e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) { p.ChaincodeProposalPayload = nil }
		}},
		{"proposal hash garbage", "INVALID_ENDORSER_TRANSACTION", "proposal hash does not match", func(e *endorsement) {
			e.response = func(r *peerpb.ProposalResponsePayload) { r.ProposalHash = garbage }
		}},
		{"response payload garbage", "INVALID_ENDORSER_TRANSACTION", "unmarshaling ProposalResponsePayload", func(e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) { p.Action.ProposalResponsePayload = garbage }
		}},
		{"header extension garbage", "BAD_HEADER_EXTENSION", "unmarshaling ChaincodeHeaderExtension", func(e *endorsement) {
			e.channelHeader = func(h *commonpb.ChannelHeader) { h.Extension = garbage }
		}},
		{"action garbage", "BAD_RESPONSE_PAYLOAD", "unmarshaling ChaincodeAction", func(e *endorsement) {
			e.response = func(r *peerpb.ProposalResponsePayload) { r.Extension = garbage }
		}},
		{"no action", "BAD_RESPONSE_PAYLOAD", "missing extension", func(e *endorsement) {
			e.response = func(r *peerpb.ProposalResponsePayload) { r.Extension = nil }
		}},
		{"results garbage", "BAD_RWSET", "unmarshaling TxReadWriteSet", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Results = garbage }
		}},
		{"no results", "VALID", "", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Results = nil }
		}},
		{"response status 500", "VALID", "", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Response.Status = 500 }
		}},
		{"header extension without chaincode", "INVALID_OTHER_REASON", "nil ChaincodeId in header extension", func(e *endorsement) {
			e.extension = func(x *peerpb.ChaincodeHeaderExtension) { x.ChaincodeId = nil }
		}},
		{"action without chaincode", "INVALID_OTHER_REASON", "nil ChaincodeId in ChaincodeAction", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.ChaincodeId = nil }
		}},
		{"chaincode without name", "INVALID_OTHER_REASON", "invalid chaincode ID", func(e *endorsement) { e.chaincode = "" }},
		{"action of another chaincode", "INVALID_OTHER_REASON", "inconsistent ccid info (kv/other)", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.ChaincodeId = id("other", "1.0") }
		}},
		{"chaincode without version", "INVALID_OTHER_REASON", "invalid chaincode version", func(e *endorsement) { e.version = "" }},
		{"event garbage", "INVALID_OTHER_REASON", "invalid chaincode event", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) { a.Events = garbage }
		}},
		{"event of another chaincode", "INVALID_OTHER_REASON", "event chaincode id does not match", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) {
				a.Events = wire.MustMarshal(&peerpb.ChaincodeEvent{ChaincodeId: "other"})
			}
		}},
		{"event", "VALID", "", func(e *endorsement) {
			e.action = func(a *peerpb.ChaincodeAction) {
				a.Events = wire.MustMarshal(&peerpb.ChaincodeEvent{ChaincodeId: "kv", EventName: "e"})
			}
		}},
		{"old version", "EXPIRED_CHAINCODE", "chaincode kv:0.9/mychannel didn't match kv:1.0/mychannel in lscc", func(e *endorsement) { e.version = "0.9" }},
		{"unknown chaincode", "INVALID_OTHER_REASON", "lscc's state for [nocc] not found", func(e *endorsement) { e.chaincode = "nocc" }},
		{"no endorsements", "ENDORSEMENT_POLICY_FAILURE", "signature set did not satisfy policy", func(e *endorsement) { e.endorsers = nil }},
		{"one of two peers is enough", "VALID", "", func(e *endorsement) { e.endorsers = e.endorsers[1:] }},
		{"endorsed by a client", "ENDORSEMENT_POLICY_FAILURE", "Org1MSP.peer (missing: User1@org1.example.com (Org1MSP client) is none", func(e *endorsement) { e.endorsers = []*msp.Signer{n.user1} }},
		{"endorsed by a client, where any member may", "VALID", "", func(e *endorsement) {
			e.chaincode, e.set, e.endorsers = "open", writeSet("open", "k"), []*msp.Signer{n.user1}
		}},
		{"endorsement by nobody", "VALID", "", func(e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) {
				p.Action.Endorsements = append([]*peerpb.Endorsement{{Endorser: garbage, Signature: garbage}, {}}, p.Action.Endorsements...)
			}
		}},
		{"bad endorsement", "ENDORSEMENT_POLICY_FAILURE", "the signature of peer0.org1.example.com (Org1MSP peer) does not count: it is bad", func(e *endorsement) {
			e.endorsers = e.endorsers[:1]
			e.payload = func(p *peerpb.ChaincodeActionPayload) { p.Action.Endorsements[0].Signature = garbage }
		}},
		{"bad endorsement before a good one by the same peer", "ENDORSEMENT_POLICY_FAILURE", "it has signed before", func(e *endorsement) {
			e.endorsers = []*msp.Signer{n.peer1, n.peer1}
			e.payload = func(p *peerpb.ChaincodeActionPayload) { p.Action.Endorsements[0].Signature = garbage }
		}},
		{"same endorsement twice", "VALID", "", func(e *endorsement) { e.endorsers = []*msp.Signer{n.peer1, n.peer1} }},
		{"AND policy, both", "VALID", "", func(e *endorsement) { e.chaincode, e.set = "strict", writeSet("strict", "k") }},
		{"AND policy, one", "ENDORSEMENT_POLICY_FAILURE", "all 2 of: Org1MSP.peer (signed by peer0.org1.example.com (Org1MSP peer)), Org2MSP.peer (missing)", func(e *endorsement) {
			e.chaincode, e.set, e.endorsers = "strict", writeSet("strict", "k"), e.endorsers[:1]
		}},
		{"AND policy, the same twice", "ENDORSEMENT_POLICY_FAILURE", "Org2MSP.peer (missing)", func(e *endorsement) {
			e.chaincode, e.set, e.endorsers = "strict", writeSet("strict", "k"), []*msp.Signer{n.peer1, n.peer1}
		}},
		{"response changed after endorsement", "ENDORSEMENT_POLICY_FAILURE", "", func(e *endorsement) {
			e.payload = func(p *peerpb.ChaincodeActionPayload) {
				p.Action.ProposalResponsePayload = append(p.Action.ProposalResponsePayload, 0x20, 0x00) // an unknown field
			}
		}},
		{"nothing written, endorsed by nobody", "ENDORSEMENT_POLICY_FAILURE", "there are no signatures", func(e *endorsement) {
			e.set, e.endorsers = &rwset.Set{}, nil
		}},
		{"writes to another chaincode, whose policy agrees", "VALID", "", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), writeSet("strict", "k"))
		}},
		{"writes to another chaincode, whose policy does not", "ENDORSEMENT_POLICY_FAILURE", "for chaincode strict failed", func(e *endorsement) {
			e.set, e.endorsers = both(writeSet("kv", "k"), writeSet("strict", "k")), e.endorsers[:1]
		}},
		{"writes only to another chaincode, its own policy does not agree", "ENDORSEMENT_POLICY_FAILURE", "for chaincode kv failed", func(e *endorsement) {
			e.set, e.endorsers = writeSet("open", "k"), []*msp.Signer{n.user1}
		}},
		{"writes to an unknown chaincode", "INVALID_OTHER_REASON", "lscc's state for [nocc] not found", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), writeSet("nocc", "k"))
		}},
		{"reads from an unknown chaincode", "VALID", "", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), &rwset.Set{Namespaces: []rwset.Namespace{{Name: "nocc", KV: &kvrwsetpb.KVRWSet{Reads: []*kvrwsetpb.KVRead{{Key: "k"}}}}}})
		}},
		{"writes to a collection of an unknown chaincode", "INVALID_OTHER_REASON", "[nocc] not found", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), privateSet("nocc", "c", "k"))
		}},
		{"a namespace twice", "ILLEGAL_WRITESET", "duplicate namespace 'kv'", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), writeSet("kv", "l"))
		}},
		{"writes to lscc", "ILLEGAL_WRITESET", "attempted to write to the namespace of LSCC", func(e *endorsement) {
			e.set = both(writeSet("kv", "k"), writeSet("lscc", "k"))
		}},
		{"writes to cscc", "ILLEGAL_WRITESET", "system chaincode that cannot be invoked", func(e *endorsement) { e.set = writeSet("cscc", "k") }},
		{"writes to vscc", "ILLEGAL_WRITESET", "system chaincode that cannot be invoked", func(e *endorsement) { e.set = writeSet("vscc", "k") }},
		{"writes to qscc, as one member may", "VALID", "", func(e *endorsement) { e.set = writeSet("qscc", "k") }},
		{"invokes vscc", "ILLEGAL_WRITESET", "committing an invocation of cc vscc is illegal", func(e *endorsement) { e.chaincode = "vscc" }},
		{"invokes escc", "ILLEGAL_WRITESET", "committing an invocation of cc escc is illegal", func(e *endorsement) { e.chaincode = "escc" }},
		{"invokes qscc, endorsed by any member", "VALID", "", func(e *endorsement) {
			e.chaincode, e.set, e.endorsers = "qscc", &rwset.Set{}, []*msp.Signer{n.user2}
		}},
		{"invokes qscc, endorsed by the orderer's admin", "ENDORSEMENT_POLICY_FAILURE", "for chaincode qscc failed", func(e *endorsement) {
			e.chaincode, e.set, e.endorsers = "qscc", &rwset.Set{}, []*msp.Signer{n.ordererAdmin}
		}},
		{"qscc writes, as one member may", "VALID", "", func(e *endorsement) {
			e.chaincode, e.endorsers = "qscc", []*msp.Signer{n.user2}
		}},
		{"lscc, other than deploy and upgrade", "ENDORSEMENT_POLICY_FAILURE", "function put of lscc is invalid", func(e *endorsement) {
			e.chaincode, e.set = "lscc", &rwset.Set{}
		}},
	}
}

func TestCodes(t *testing.T) {
	n := newNetwork(t)
	for _, c := range n.codeCases() {
		t.Run(c.name, func(t *testing.T) {
			e := n.put("k")
			c.change(e)
			codes, reasons := n.judge(n.newMemory(), n.build(e))
			require.Equal(t, []string{c.code}, codes, reasons)
			require.Contains(t, reasons[0], c.reason)
		})
	}
	t.Run("no envelope", func(t *testing.T) {
		codes, _ := n.judge(n.newMemory(), nil, []byte{}, garbage)
		require.Equal(t, []string{"NIL_ENVELOPE", "BAD_COMMON_HEADER", "INVALID_OTHER_REASON"}, codes)
	})
}

// claim is a signer's certificate under the name of another organization.
func claim(t testing.TB, s *msp.Signer, mspID string) []byte {
	id := &msppb.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(s.Creator(), id))
	id.Mspid = mspID
	return wire.MustMarshal(id)
}

func both(a, b *rwset.Set) *rwset.Set {
	return &rwset.Set{Namespaces: append(append([]rwset.Namespace{}, a.Namespaces...), b.Namespaces...)}
}

func privateSet(ns, collection string, keyHashes ...string) *rwset.Set {
	h := &kvrwsetpb.HashedRWSet{}
	for _, k := range keyHashes {
		h.HashedWrites = append(h.HashedWrites, &kvrwsetpb.KVWriteHash{KeyHash: []byte(k), ValueHash: []byte("v")})
	}
	return &rwset.Set{Namespaces: []rwset.Namespace{{Name: ns, KV: &kvrwsetpb.KVRWSet{}, Collections: []rwset.Collection{{Name: collection, Hashed: h}}}}}
}

// TestFieldsThatAreEmptyButThere: Fabric's decoder tells an empty field from an absent one, and some of its rules ask.
func TestFieldsThatAreEmptyButThere(t *testing.T) {
	n := newNetwork(t)
	event := n.put("k")
	event.response = func(r *peerpb.ProposalResponsePayload) { r.Extension = append(r.Extension, 0x12, 0x00) }
	extension := n.put("k")
	extension.response = func(r *peerpb.ProposalResponsePayload) { r.Extension = nil }
	extension.payload = func(p *peerpb.ChaincodeActionPayload) {
		p.Action.ProposalResponsePayload = append(p.Action.ProposalResponsePayload, 0x12, 0x00)
	}
	codes, reasons := n.judge(n.newMemory(), n.build(event), n.build(extension))
	require.Equal(t, []string{"INVALID_OTHER_REASON", "INVALID_OTHER_REASON"}, codes)
	require.Contains(t, reasons[0], "event chaincode id does not match")
	require.Contains(t, reasons[1], "nil ChaincodeId in ChaincodeAction")
}

// TestDuplicateComesFirst: a transaction id that the ledger knows outweighs whatever is wrong with the action, but not the envelope.
func TestDuplicateComesFirst(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	known := func(change func(*endorsement)) []byte {
		e := n.put("k")
		change(e)
		raw := n.build(e)
		env, err := tx.ParseEnvelope(raw)
		require.NoError(t, err)
		state.txs[env.TxID()] = true
		return raw
	}
	codes, _ := n.judge(state,
		known(func(*endorsement) {}),
		known(func(e *endorsement) { e.chaincode = "nocc" }),
		known(func(e *endorsement) { e.response = func(r *peerpb.ProposalResponsePayload) { r.Extension = nil } }),
		known(func(e *endorsement) { e.body = func(p *commonpb.Payload) { p.Data = nil } }),
	)
	require.Equal(t, []string{"DUPLICATE_TXID", "DUPLICATE_TXID", "DUPLICATE_TXID", "INVALID_ENDORSER_TRANSACTION"}, codes)
}

// TestCannotTell: what this peer cannot know must stop it, not be a code.
func TestCannotTell(t *testing.T) {
	n := newNetwork(t)
	state := n.newMemory()
	state.err = errors.New("disk on fire")
	_, err := n.verdict(state, n.build(n.put("k")))
	require.ErrorContains(t, err, "block [7], transaction 0")
	require.ErrorIs(t, err, state.err)

	state = n.newMemory()
	state.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Vscc: "myvscc", Policy: n.eitherPeer})
	_, err = n.verdict(state, n.build(n.put("k")))
	require.ErrorContains(t, err, "plugin with name myvscc wasn't found")
}

// TestDefinitionsThatAreNone: entries of lscc's namespace that are no usable definition refuse the transaction.
func TestDefinitionsThatAreNone(t *testing.T) {
	n := newNetwork(t)
	for reason, raw := range map[string][]byte{
		"unmarshalling ChaincodeQueryResponse failed": {0xff},
		"vscc field must be set":                      wire.MustMarshal(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Policy: n.any}),
		"policy field must be set":                    wire.MustMarshal(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Vscc: "vscc"}),
	} {
		state := n.newMemory()
		state.values[[2]string{"lscc", "kv"}] = raw
		codes, reasons := n.judge(state, n.build(n.put("k")), n.build(n.put("k")))
		require.Equal(t, []string{"INVALID_OTHER_REASON", "INVALID_OTHER_REASON"}, codes)
		require.Contains(t, reasons[1], reason)
	}
	state := n.newMemory()
	state.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Policy: []byte{0xff}})
	codes, _ := n.judge(state, n.build(n.put("k")))
	require.Equal(t, []string{"ENDORSEMENT_POLICY_FAILURE"}, codes)
}
