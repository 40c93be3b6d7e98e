package validation

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const channelID = "mychannel"

// network is a channel of two organizations and people of both.
type network struct {
	t                          testing.TB
	bundle                     *channelconfig.Bundle
	user1, admin1, peer1       *msp.Signer
	user2, admin2, peer2       *msp.Signer
	ordererAdmin               *msp.Signer
	eitherPeer, bothPeers, any []byte // endorsement policies
	nonces                     byte
	workers                    int // of the validator; 0 for its default
}

// newNetwork makes the network with the given application capabilities: the highest if none.
func newNetwork(t testing.TB, capabilities ...string) *network {
	n := &network{t: t, bundle: bundleWith(t, capabilities...)}
	load := func(mspID string, dir ...string) *msp.Signer {
		s, err := msp.LoadSigner(vectors.Path(append([]string{"fabric-1.4", "crypto"}, append(dir, "msp")...)...), mspID)
		require.NoError(t, err)
		return s
	}
	n.user1 = load("Org1MSP", "peerOrganizations/org1.example.com/users/User1@org1.example.com")
	n.admin1 = load("Org1MSP", "peerOrganizations/org1.example.com/users/Admin@org1.example.com")
	n.peer1 = load("Org1MSP", "peerOrganizations/org1.example.com/peers/peer0.org1.example.com")
	n.user2 = load("Org2MSP", "peerOrganizations/org2.example.com/users/User1@org2.example.com")
	n.admin2 = load("Org2MSP", "peerOrganizations/org2.example.com/users/Admin@org2.example.com")
	n.peer2 = load("Org2MSP", "peerOrganizations/org2.example.com/peers/peer0.org2.example.com")
	n.ordererAdmin = load("OrdererMSP", "ordererOrganizations/example.com/users/Admin@example.com")
	n.eitherPeer = n.policy("OR('Org1MSP.peer', 'Org2MSP.peer')")
	n.bothPeers = n.policy("AND('Org1MSP.peer', 'Org2MSP.peer')")
	n.any = n.policy("OR('Org1MSP.member', 'Org2MSP.member')")
	return n
}

// bundleWith is the sample chain's first configuration with other application capabilities; "none" stands for no capability at all.
func bundleWith(t testing.TB, capabilities ...string) *channelconfig.Bundle {
	first, err := channelconfig.FromBlock(vectors.Block(t, "fabric-1.4", 0))
	require.NoError(t, err)
	if len(capabilities) == 0 {
		return first
	}
	config := proto.CloneOf(first.Config())
	values := config.ChannelGroup.Groups["Application"].Values
	delete(values, "ACLs")
	required := &commonpb.Capabilities{Capabilities: map[string]*commonpb.Capability{}}
	for _, c := range capabilities {
		if c != "none" {
			required.Capabilities[c] = &commonpb.Capability{}
		}
	}
	values["Capabilities"].Value = wire.MustMarshal(required)
	bundle, err := channelconfig.New(channelID, config)
	require.NoError(t, err)
	return bundle
}

func (n *network) policy(expression string) []byte {
	env, err := policy.Parse(expression)
	require.NoError(n.t, err)
	return wire.MustMarshal(env)
}

// endorsement is everything that goes into an endorser transaction. The functions change one layer just before it is encoded.
type endorsement struct {
	creator            *msp.Signer
	chaincode, version string
	args               [][]byte
	set                *rwset.Set
	endorsers          []*msp.Signer

	channelHeader   func(*commonpb.ChannelHeader)
	signatureHeader func(*commonpb.SignatureHeader)
	extension       func(*peerpb.ChaincodeHeaderExtension)
	action          func(*peerpb.ChaincodeAction)
	response        func(*peerpb.ProposalResponsePayload)
	payload         func(*peerpb.ChaincodeActionPayload)
	transaction     func(*peerpb.Transaction)
	body            func(*commonpb.Payload)
	envelope        func(*commonpb.Envelope)
}

// put is a transaction of chaincode kv 1.0 that writes one key and is endorsed by both peers.
func (n *network) put(key string) *endorsement {
	return &endorsement{
		creator: n.user1, chaincode: "kv", version: "1.0", args: [][]byte{[]byte("put"), []byte(key)},
		set: writeSet("kv", key), endorsers: []*msp.Signer{n.peer1, n.peer2},
	}
}

func writeSet(ns string, keys ...string) *rwset.Set {
	kv := &kvrwsetpb.KVRWSet{}
	for _, k := range keys {
		kv.Writes = append(kv.Writes, &kvrwsetpb.KVWrite{Key: k, Value: []byte("v")})
	}
	return &rwset.Set{Namespaces: []rwset.Namespace{{Name: ns, KV: kv}}}
}

// build encodes and signs the transaction.
func (n *network) build(e *endorsement) []byte {
	t := n.t
	n.nonces++
	sh := &commonpb.SignatureHeader{Creator: e.creator.Creator(), Nonce: []byte{n.nonces, 1, 2, 3}}
	apply(e.signatureHeader, sh)
	extension := &peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{Name: e.chaincode}}
	apply(e.extension, extension)
	ch := &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), ChannelId: channelID,
		TxId: tx.ID(sh.Nonce, sh.Creator), Extension: wire.MustMarshal(extension),
	}
	apply(e.channelHeader, ch)
	header := &commonpb.Header{ChannelHeader: wire.MustMarshal(ch), SignatureHeader: wire.MustMarshal(sh)}
	proposal := wire.MustMarshal(&peerpb.ChaincodeProposalPayload{Input: wire.MustMarshal(&peerpb.ChaincodeInvocationSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: e.chaincode}, Input: &peerpb.ChaincodeInput{Args: e.args}},
	})})

	results, err := e.set.Marshal()
	require.NoError(t, err)
	action := &peerpb.ChaincodeAction{
		Results: results, Response: &peerpb.Response{Status: 200}, ChaincodeId: &peerpb.ChaincodeID{Name: e.chaincode, Version: e.version}}
	apply(e.action, action)
	response := &peerpb.ProposalResponsePayload{
		ProposalHash: sum(header.ChannelHeader, header.SignatureHeader, proposal), Extension: wire.MustMarshal(action)}
	apply(e.response, response)
	payload := &peerpb.ChaincodeActionPayload{
		ChaincodeProposalPayload: proposal, Action: &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: wire.MustMarshal(response)}}
	for _, s := range e.endorsers {
		payload.Action.Endorsements = append(payload.Action.Endorsements, endorse(t, s, payload.Action.ProposalResponsePayload))
	}
	apply(e.payload, payload)
	transaction := &peerpb.Transaction{Actions: []*peerpb.TransactionAction{{Header: header.SignatureHeader, Payload: wire.MustMarshal(payload)}}}
	apply(e.transaction, transaction)
	body := &commonpb.Payload{Header: header, Data: wire.MustMarshal(transaction)}
	apply(e.body, body)
	envelope := &commonpb.Envelope{Payload: wire.MustMarshal(body)}
	envelope.Signature, err = e.creator.Sign(envelope.Payload)
	require.NoError(t, err)
	apply(e.envelope, envelope)
	return wire.MustMarshal(envelope)
}

func apply[M any](change func(M), m M) {
	if change != nil {
		change(m)
	}
}

func endorse(t testing.TB, s *msp.Signer, response []byte) *peerpb.Endorsement {
	signature, err := s.Sign(append(append([]byte{}, response...), s.Creator()...))
	require.NoError(t, err)
	return &peerpb.Endorsement{Endorser: s.Creator(), Signature: signature}
}

// memory is a State in maps.
type memory struct {
	values   map[[2]string][]byte
	metadata map[keyID]map[string][]byte
	txs      map[string]bool
	err      error // of every read
}

// newMemory is a state in which kv 1.0 (either peer), strict 1.0 (both peers) and open 1.0 (any member) are instantiated.
func (n *network) newMemory() *memory {
	m := &memory{values: map[[2]string][]byte{}, metadata: map[keyID]map[string][]byte{}, txs: map[string]bool{}}
	m.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.0", Policy: n.eitherPeer})
	m.define(&peerpb.ChaincodeData{Name: "strict", Version: "1.0", Policy: n.bothPeers})
	m.define(&peerpb.ChaincodeData{Name: "open", Version: "1.0", Policy: n.any})
	return m
}

func (m *memory) define(d *peerpb.ChaincodeData) {
	if d.Vscc == "" {
		d.Vscc = "vscc"
	}
	m.values[[2]string{"lscc", d.Name}] = wire.MustMarshal(d)
}

// guard gives a key a policy of its own.
func (m *memory) guard(ns, collection, key string, policy []byte) {
	m.metadata[keyID{ns, collection, key}] = map[string][]byte{"VALIDATION_PARAMETER": policy}
}

func (m *memory) Get(ns, key string) ([]byte, error) { return m.values[[2]string{ns, key}], m.err }
func (m *memory) Metadata(ns, key string) (map[string][]byte, error) {
	return m.metadata[keyID{ns, "", key}], m.err
}
func (m *memory) HashedMetadata(ns, collection string, keyHash []byte) (map[string][]byte, error) {
	return m.metadata[keyID{ns, collection, string(keyHash)}], m.err
}
func (m *memory) Range(ns, start, end string) (*ledger.Iterator, error) {
	return nil, errors.New("a memory has no ranges")
}
func (m *memory) HasTx(txid string) (bool, error) { return m.txs[txid], m.err }

// verdict validates one block.
func (n *network) verdict(state State, envelopes ...[]byte) (*Verdict, error) {
	v := New(channelID, Options{Workers: n.workers})
	p, err := v.Prepare(n.t.Context(), block.New(7, nil, envelopes), n.bundle)
	require.NoError(n.t, err)
	return v.Decide(n.t.Context(), p, state)
}

// judge validates one block and gives the codes by name and, for each refused transaction, the reason with its explanation.
func (n *network) judge(state State, envelopes ...[]byte) (codes []string, reasons map[int]string) {
	n.t.Helper()
	verdict, err := n.verdict(state, envelopes...)
	require.NoError(n.t, err)
	reasons = map[int]string{}
	for _, r := range verdict.Refusals {
		require.Equal(n.t, r.Code, verdict.Block.Txs[r.Index].Code)
		reasons[r.Index] = r.Err.Error()
		if more := r.Explain(); more != "" {
			reasons[r.Index] += ": " + more
		}
	}
	for i, t := range verdict.Block.Txs {
		codes = append(codes, t.Code.String())
		require.Equal(n.t, t.Code != peerpb.TxValidationCode_VALID, reasons[i] != "", "every refusal has a reason, and only refusals")
	}
	return codes, reasons
}
