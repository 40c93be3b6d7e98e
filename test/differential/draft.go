package differential

import (
	"crypto/sha256"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// layer is one message in the nest that an endorser transaction is.
type layer int

const (
	extension       layer = iota // peer.ChaincodeHeaderExtension
	channelHeader                // common.ChannelHeader
	signatureHeader              // common.SignatureHeader
	input                        // peer.ChaincodeInvocationSpec
	proposal                     // peer.ChaincodeProposalPayload
	hashedSet                    // kvrwset.HashedRWSet, each
	keySet                       // kvrwset.KVRWSet, each
	results                      // rwset.TxReadWriteSet
	event                        // peer.ChaincodeEvent
	action                       // peer.ChaincodeAction
	response                     // peer.ProposalResponsePayload
	actionPayload                // peer.ChaincodeActionPayload
	transaction                  // peer.Transaction
	payload                      // common.Payload, headers included
	envelope                     // common.Envelope
	layers
)

// draft is an endorser transaction before it is encoded and signed. Edits change a message, raws its encoding; whatever is above, hashes and
// signatures too, is made of what they leave.
type draft struct {
	kind               string
	creator            *person
	nonce              []byte
	chaincode, version string
	args               [][]byte
	set                *rwset.Set
	event              *peerpb.ChaincodeEvent
	endorsers          []*person
	edits              map[layer]func(proto.Message)
	raws               map[layer]func([]byte) []byte
	setsPolicies       bool // of keys that other transactions may write
	below              int  // see kind
}

func (d *draft) edit(l layer, change func(proto.Message)) *draft {
	if d.edits == nil {
		d.edits = map[layer]func(proto.Message){}
	}
	if before := d.edits[l]; before != nil {
		d.edits[l] = func(m proto.Message) { before(m); change(m) }
	} else {
		d.edits[l] = change
	}
	return d
}

func (d *draft) raw(l layer, change func([]byte) []byte) *draft {
	if d.raws == nil {
		d.raws = map[layer]func([]byte) []byte{}
	}
	d.raws[l] = change
	return d
}

func (d *draft) encode(l layer, m proto.Message) []byte {
	if change := d.edits[l]; change != nil {
		change(m)
	}
	b := wire.MustMarshal(m)
	if change := d.raws[l]; change != nil {
		b = change(b)
	}
	return b
}

// made is a finished transaction.
type made struct {
	kind         string
	raw          []byte
	setsPolicies bool
	below        int
}

// finish encodes and signs a draft.
func (g *Generator) finish(d *draft) made {
	sh := &commonpb.SignatureHeader{Creator: d.creator.creator, Nonce: d.nonce}
	signatureBytes := d.encode(signatureHeader, sh)
	ch := &commonpb.ChannelHeader{
		Type: int32(commonpb.HeaderType_ENDORSER_TRANSACTION), ChannelId: g.channelID, TxId: tx.ID(sh.Nonce, sh.Creator),
		Extension: d.encode(extension, &peerpb.ChaincodeHeaderExtension{ChaincodeId: &peerpb.ChaincodeID{Name: d.chaincode}}),
	}
	header := &commonpb.Header{ChannelHeader: d.encode(channelHeader, ch), SignatureHeader: signatureBytes}
	proposalBytes := d.encode(proposal, &peerpb.ChaincodeProposalPayload{Input: d.encode(input, &peerpb.ChaincodeInvocationSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: d.chaincode}, Input: &peerpb.ChaincodeInput{Args: d.args}},
	})})
	act := &peerpb.ChaincodeAction{
		Results: d.encodeSet(), Response: &peerpb.Response{Status: 200},
		ChaincodeId: &peerpb.ChaincodeID{Name: d.chaincode, Version: d.version},
	}
	if d.event != nil {
		act.Events = d.encode(event, d.event)
	}
	hash := sha256.New()
	for _, part := range [][]byte{header.ChannelHeader, header.SignatureHeader, proposalBytes} {
		hash.Write(part)
	}
	answer := d.encode(response, &peerpb.ProposalResponsePayload{ProposalHash: hash.Sum(nil), Extension: d.encode(action, act)})
	cap := &peerpb.ChaincodeActionPayload{
		ChaincodeProposalPayload: proposalBytes, Action: &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: answer},
	}
	for _, e := range d.endorsers {
		cap.Action.Endorsements = append(cap.Action.Endorsements, &peerpb.Endorsement{Endorser: e.creator, Signature: g.sign(e, answer, e.creator)})
	}
	transactionBytes := d.encode(transaction, &peerpb.Transaction{Actions: []*peerpb.TransactionAction{
		{Header: signatureBytes, Payload: d.encode(actionPayload, cap)},
	}})
	payloadBytes := d.encode(payload, &commonpb.Payload{Header: header, Data: transactionBytes})
	env := &commonpb.Envelope{Payload: payloadBytes, Signature: g.sign(d.creator, payloadBytes)}
	return made{kind: d.kind, raw: d.encode(envelope, env), setsPolicies: d.setsPolicies, below: d.below}
}

func (d *draft) encodeSet() []byte {
	all := &rwsetpb.TxReadWriteSet{DataModel: rwsetpb.TxReadWriteSet_KV}
	for _, ns := range d.set.Namespaces {
		n := &rwsetpb.NsReadWriteSet{Namespace: ns.Name, Rwset: d.encode(keySet, ns.KV)}
		for _, c := range ns.Collections {
			n.CollectionHashedRwset = append(n.CollectionHashedRwset, &rwsetpb.CollectionHashedReadWriteSet{
				CollectionName: c.Name, HashedRwset: d.encode(hashedSet, c.Hashed), PvtRwsetHash: c.PrivateHash,
			})
		}
		all.NsRwset = append(all.NsRwset, n)
	}
	return d.encode(results, all)
}

// edited is edit for one type of message.
func edited[M proto.Message](d *draft, l layer, change func(M)) *draft {
	return d.edit(l, func(m proto.Message) { change(m.(M)) })
}

// action is the action of an encoded transaction as far as the real peer decodes it to look for changes of key-level policies. It is nil where
// that peer would stop.
func chaincodeAction(raw []byte) *peerpb.ChaincodeAction {
	env, body, t, cap := &commonpb.Envelope{}, &commonpb.Payload{}, &peerpb.Transaction{}, &peerpb.ChaincodeActionPayload{}
	if wire.UnmarshalAs14(raw, env) != nil || wire.UnmarshalAs14(env.Payload, body) != nil || wire.UnmarshalAs14(body.Data, t) != nil || len(t.Actions) == 0 {
		return nil
	}
	if wire.UnmarshalAs14(t.Actions[0].GetPayload(), cap) != nil || cap.Action == nil {
		return nil
	}
	answer, act := &peerpb.ProposalResponsePayload{}, &peerpb.ChaincodeAction{}
	if wire.UnmarshalAs14(cap.Action.ProposalResponsePayload, answer) != nil || wire.UnmarshalAs14(answer.Extension, act) != nil {
		return nil
	}
	return act
}

func (g *Generator) nonce() []byte {
	n := make([]byte, 8)
	for i := range n {
		n[i] = byte(g.rand.Uint32())
	}
	require.NotEmpty(g.t, n)
	return n
}
