//go:build e2e

package hostile

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// envelope is a transaction in pieces.
type envelope struct {
	t            *testing.T
	signer       tx.Signer
	channel      *commonpb.ChannelHeader
	signature    *commonpb.SignatureHeader
	actionHeader []byte
	proposal     []byte // the chaincode proposal payload
	response     []byte // the proposal response payload
	endorsements []*peerpb.Endorsement

	transaction func(*peerpb.Transaction) // nil changes nothing, as with the next two
	payload     func(*commonpb.Payload)
	whole       func(*commonpb.Envelope)
}

// proposed is a transaction that nobody has endorsed yet.
func (n *network) proposed(t *testing.T, chaincode string) (*envelope, *peerpb.SignedProposal) {
	signed := kit.NewProposal(n.who.User, n.Channel, chaincode, "put", "a", "1").Build(t)
	p, err := tx.ParseProposal(signed)
	require.NoError(t, err)
	require.NoError(t, p.Open())
	return &envelope{
		t: t, signer: n.who.User, channel: p.Channel, signature: p.Signature, actionHeader: p.SignatureBytes,
		proposal: p.PayloadWithoutTransient,
	}, signed
}

// endorsed is a transaction that the peers of the given organisations have endorsed.
func (n *network) endorsed(t *testing.T, chaincode string, orgs ...int) *envelope {
	e, signed := n.proposed(t, chaincode)
	for _, i := range orgs {
		r, err := peerpb.NewEndorserClient(n.peers[i]).ProcessProposal(t.Context(), signed)
		require.NoError(t, err)
		require.EqualValues(t, 200, r.Response.Status, r.Response.Message)
		e.response = r.Payload
		e.endorsements = append(e.endorsements, r.Endorsement)
	}
	return e
}

// rewrite changes what was endorsed, and endorses it with the client's own signature, as the channel member it is.
func (e *envelope) rewrite(change func(*peerpb.ProposalResponsePayload, *peerpb.ChaincodeAction)) {
	response, action := &peerpb.ProposalResponsePayload{}, &peerpb.ChaincodeAction{}
	require.NoError(e.t, proto.Unmarshal(e.response, response))
	require.NoError(e.t, proto.Unmarshal(response.Extension, action))
	change(response, action)
	response.Extension = wire.MustMarshal(action)
	e.response = wire.MustMarshal(response)
	signature, err := e.signer.Sign(append(bytes.Clone(e.response), e.signer.Creator()...))
	require.NoError(e.t, err)
	e.endorsements = []*peerpb.Endorsement{{Endorser: e.signer.Creator(), Signature: signature}}
}

func (e *envelope) build() *commonpb.Envelope {
	transaction := &peerpb.Transaction{Actions: []*peerpb.TransactionAction{{
		Header: e.actionHeader,
		Payload: wire.MustMarshal(&peerpb.ChaincodeActionPayload{
			ChaincodeProposalPayload: e.proposal,
			Action:                   &peerpb.ChaincodeEndorsedAction{ProposalResponsePayload: e.response, Endorsements: e.endorsements},
		}),
	}}}
	if e.transaction != nil {
		e.transaction(transaction)
	}
	payload := &commonpb.Payload{
		Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(e.channel), SignatureHeader: wire.MustMarshal(e.signature)},
		Data:   wire.MustMarshal(transaction),
	}
	if e.payload != nil {
		e.payload(payload)
	}
	env := &commonpb.Envelope{Payload: wire.MustMarshal(payload)}
	var err error
	env.Signature, err = e.signer.Sign(env.Payload)
	require.NoError(e.t, err)
	if e.whole != nil {
		e.whole(env)
	}
	return env
}

// oddEnvelopes are the requests of testdata/broadcast.txt by name.
func (n *network) oddEnvelopes(t *testing.T) map[string]func() *commonpb.Envelope {
	garbage := []byte("garbage")
	all := map[string]func() *commonpb.Envelope{}
	// Each is made when it is its turn, so that what it read is current.
	of := func(name, chaincode string, orgs []int, change func(e *envelope)) {
		all[name] = func() *commonpb.Envelope {
			e := n.endorsed(t, chaincode, orgs...)
			change(e)
			return e.build()
		}
	}
	odd := func(name string, change func(e *envelope)) { of(name, "kv", []int{0}, change) }
	action := func(name string, change func(a *peerpb.ChaincodeAction)) {
		odd(name, func(e *envelope) {
			e.rewrite(func(_ *peerpb.ProposalResponsePayload, a *peerpb.ChaincodeAction) { change(a) })
		})
	}
	typed := func(name string, typ int32) { odd(name, func(e *envelope) { e.channel.Type = typ }) }
	as := func(e *envelope, s tx.Signer) { e.signer, e.signature.Creator = s, s.Creator() }

	var first *commonpb.Envelope
	all["valid"] = func() *commonpb.Envelope { first = n.endorsed(t, "kv", 0).build(); return first }
	all["same envelope again (duplicate)"] = func() *commonpb.Envelope { return first }
	all["empty envelope"] = func() *commonpb.Envelope { return &commonpb.Envelope{} }
	all["garbage payload"] = func() *commonpb.Envelope { return &commonpb.Envelope{Payload: garbage, Signature: garbage} }
	odd("payload no header", func(e *envelope) { e.payload = func(p *commonpb.Payload) { p.Header = nil } })
	odd("bad signature", func(e *envelope) { e.whole = func(w *commonpb.Envelope) { w.Signature = kit.Flipped(w.Signature) } })
	odd("high-S signature", func(e *envelope) { e.whole = func(w *commonpb.Envelope) { w.Signature = kit.HighS(w.Signature) } })
	odd("unknown channel", func(e *envelope) { e.channel.ChannelId = "nochannel" })
	odd("creator unknown MSP", func(e *envelope) {
		e.signature.Creator = kit.Creator("Org9MSP", kit.Certificate(t, e.signature.Creator))
	})
	odd("creator is a peer (no Writers)", func(e *envelope) { as(e, n.who.Peer) })
	odd("creator is orderer admin", func(e *envelope) { as(e, n.who.OrdererAdmin) })
	odd("creator Org2 user, txid of Org1 user", func(e *envelope) { as(e, n.who.Org2) })
	odd("txid changed", func(e *envelope) { e.channel.TxId = tx.ID([]byte("other"), e.signature.Creator) })
	typed("type 99", 99)
	typed("type MESSAGE(0)", int32(commonpb.HeaderType_MESSAGE))
	typed("type CONFIG(1) garbage", int32(commonpb.HeaderType_CONFIG))
	typed("type CONFIG_UPDATE(2) garbage", int32(commonpb.HeaderType_CONFIG_UPDATE))
	typed("type ORDERER_TRANSACTION(4) garbage", int32(commonpb.HeaderType_ORDERER_TRANSACTION))
	odd("epoch 1", func(e *envelope) { e.channel.Epoch = 1 })
	odd("timestamp 1h old", func(e *envelope) { e.channel.Timestamp.Seconds -= 3600 })
	odd("empty nonce", func(e *envelope) { e.signature.Nonce = nil })
	odd("garbage tx data", func(e *envelope) { e.payload = func(p *commonpb.Payload) { p.Data = garbage } })
	odd("empty tx data", func(e *envelope) { e.payload = func(p *commonpb.Payload) { p.Data = nil } })
	odd("two actions", func(e *envelope) {
		e.transaction = func(x *peerpb.Transaction) { x.Actions = append(x.Actions, x.Actions[0]) }
	})
	odd("action header != payload signature header", func(e *envelope) {
		e.actionHeader = wire.MustMarshal(&commonpb.SignatureHeader{Creator: e.signature.Creator, Nonce: []byte("another nonce")})
	})
	odd("no endorsements", func(e *envelope) { e.endorsements = nil })
	odd("endorsement signature bad", func(e *envelope) { e.endorsements[0].Signature = kit.Flipped(e.endorsements[0].Signature) })
	odd("bad endorsement + good endorsement (OR policy)", func(e *envelope) {
		good := e.endorsements[0]
		bad := &peerpb.Endorsement{Endorser: good.Endorser, Signature: kit.Flipped(good.Signature)}
		e.endorsements = []*peerpb.Endorsement{bad, good}
	})
	twice := func(e *envelope) { e.endorsements = append(e.endorsements, e.endorsements[0]) }
	odd("same endorsement twice (OR policy)", twice)
	of("AND policy, 1 endorsement", "strict", []int{0}, func(*envelope) {})
	of("AND policy, same endorsement twice", "strict", []int{0}, twice)
	of("AND policy, both", "strict", []int{0, 1}, func(*envelope) {})
	odd("proposal payload changed", func(e *envelope) { e.proposal = append(bytes.Clone(e.proposal), 0x18, 0x01) })
	odd("response payload changed", func(e *envelope) { e.response = append(bytes.Clone(e.response), 0x18, 0x01) })
	action("self-endorsed by client (member policy)", func(*peerpb.ChaincodeAction) {})
	action("action cc version 9.9", func(a *peerpb.ChaincodeAction) { a.ChaincodeId.Version = "9.9" })
	action("action cc name other", func(a *peerpb.ChaincodeAction) { a.ChaincodeId.Name = "other" })
	action("action cc id nil", func(a *peerpb.ChaincodeAction) { a.ChaincodeId = nil })
	action("action response status 500", func(a *peerpb.ChaincodeAction) { a.Response.Status = 500 })
	action("action results garbage", func(a *peerpb.ChaincodeAction) { a.Results = garbage })
	action("action results empty", func(a *peerpb.ChaincodeAction) { a.Results = nil })
	action("action events garbage", func(a *peerpb.ChaincodeAction) { a.Events = garbage })
	odd("proposal hash garbage", func(e *envelope) {
		e.rewrite(func(p *peerpb.ProposalResponsePayload, _ *peerpb.ChaincodeAction) { p.ProposalHash = garbage })
	})
	all["unknown chaincode, self-endorsed"] = func() *commonpb.Envelope {
		e, signed := n.proposed(t, "nocc")
		p, err := tx.ParseProposal(signed)
		require.NoError(t, err)
		require.NoError(t, p.Open())
		e.rewrite(func(r *peerpb.ProposalResponsePayload, a *peerpb.ChaincodeAction) {
			r.ProposalHash = p.Hash()
			a.ChaincodeId = &peerpb.ChaincodeID{Name: "nocc", Version: "1.0"}
			a.Response = &peerpb.Response{Status: 200}
		})
		return e.build()
	}
	return all
}
