package differential

import (
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func actionKind(name string, change func(*Generator, *peerpb.ChaincodeAction)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, action, func(a *peerpb.ChaincodeAction) { change(g, a) })
	})
}

func actionPayloadKind(name string, change func(*Generator, *peerpb.ChaincodeActionPayload)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, actionPayload, func(p *peerpb.ChaincodeActionPayload) { change(g, p) })
	})
}

func transactionKind(name string, change func(*Generator, *peerpb.Transaction)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, transaction, func(t *peerpb.Transaction) { change(g, t) })
	})
}

func responseKind(name string, change func(*Generator, *peerpb.ProposalResponsePayload)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, response, func(r *peerpb.ProposalResponsePayload) { change(g, r) })
	})
}

func (g *Generator) goodEvent(d *draft) *peerpb.ChaincodeEvent {
	return &peerpb.ChaincodeEvent{ChaincodeId: d.chaincode, EventName: "name", Payload: []byte("payload")}
}

// actionKinds are odd in what was asked for and what was answered.
var actionKinds = []kind{
	transactionKind("no action", func(_ *Generator, t *peerpb.Transaction) { t.Actions = nil }),
	transactionKind("two actions", func(_ *Generator, t *peerpb.Transaction) { t.Actions = append(t.Actions, t.Actions[0]) }),
	transactionKind("an empty action", func(_ *Generator, t *peerpb.Transaction) { t.Actions = []*peerpb.TransactionAction{{}} }),
	transactionKind("action without a payload", func(_ *Generator, t *peerpb.Transaction) { t.Actions[0].Payload = nil }),
	actionPayloadKind("no endorsed action", func(_ *Generator, p *peerpb.ChaincodeActionPayload) { p.Action = nil }),
	transactionKind("action without a header", func(_ *Generator, t *peerpb.Transaction) { t.Actions[0].Header = nil }),
	transactionKind("action with another header", func(g *Generator, t *peerpb.Transaction) {
		t.Actions[0].Header = append(append([]byte{}, t.Actions[0].Header...), 0x1a, 0)
	}),
	transactionKind("action header garbage", func(_ *Generator, t *peerpb.Transaction) { t.Actions[0].Header = garbage }),
	transactionKind("action payload garbage", func(_ *Generator, t *peerpb.Transaction) { t.Actions[0].Payload = garbage }),
	actionPayloadKind("no proposal payload", func(_ *Generator, p *peerpb.ChaincodeActionPayload) { p.ChaincodeProposalPayload = nil }),
	actionPayloadKind("another proposal payload", func(_ *Generator, p *peerpb.ChaincodeActionPayload) { p.ChaincodeProposalPayload = garbage }),
	actionPayloadKind("no response payload", func(_ *Generator, p *peerpb.ChaincodeActionPayload) { p.Action.ProposalResponsePayload = nil }),
	actionPayloadKind("response payload garbage", func(_ *Generator, p *peerpb.ChaincodeActionPayload) { p.Action.ProposalResponsePayload = garbage }),
	actionPayloadKind("response payload changed after endorsement", func(_ *Generator, p *peerpb.ChaincodeActionPayload) {
		p.Action.ProposalResponsePayload = append(p.Action.ProposalResponsePayload, 0x20, 0)
	}),
	responseKind("no proposal hash", func(_ *Generator, r *peerpb.ProposalResponsePayload) { r.ProposalHash = nil }),
	responseKind("another proposal hash", func(_ *Generator, r *peerpb.ProposalResponsePayload) { r.ProposalHash[0]++ }),
	responseKind("proposal hash with a tail", func(_ *Generator, r *peerpb.ProposalResponsePayload) { r.ProposalHash = append(r.ProposalHash, 0) }),
	responseKind("no chaincode action", func(_ *Generator, r *peerpb.ProposalResponsePayload) { r.Extension = nil }),
	responseKind("chaincode action garbage", func(_ *Generator, r *peerpb.ProposalResponsePayload) { r.Extension = garbage }),
	actionKind("no results", func(_ *Generator, a *peerpb.ChaincodeAction) { a.Results = nil }),
	actionKind("results garbage", func(_ *Generator, a *peerpb.ChaincodeAction) { a.Results = garbage }),
	actionKind("no response", func(_ *Generator, a *peerpb.ChaincodeAction) { a.Response = nil }),
	actionKind("response status", func(g *Generator, a *peerpb.ChaincodeAction) {
		a.Response.Status = oneOf(g, int32(0), 399, 400, 500, -1)
	}),
	actionKind("no chaincode", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId = nil }),
	actionKind("another chaincode", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId.Name = "strict" }),
	actionKind("chaincode without a name", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId.Name = "" }),
	actionKind("chaincode without a version", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId.Version = "" }),
	actionKind("old version", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId.Version = "0.9" }),
	actionKind("chaincode with a path", func(_ *Generator, a *peerpb.ChaincodeAction) { a.ChaincodeId.Path = "path" }),
	actionKind("event garbage", func(_ *Generator, a *peerpb.ChaincodeAction) { a.Events = garbage }),
	actionKind("event of another chaincode", func(_ *Generator, a *peerpb.ChaincodeAction) {
		a.Events = wire.MustMarshal(&peerpb.ChaincodeEvent{ChaincodeId: "strict"})
	}),
	actionKind("event of another transaction", func(_ *Generator, a *peerpb.ChaincodeAction) {
		a.Events = wire.MustMarshal(&peerpb.ChaincodeEvent{ChaincodeId: "kv", TxId: "another"})
	}),
	changed("chaincode without a name anywhere", func(_ *Generator, d *draft) { d.chaincode = "" }),
	changed("chaincode that does not exist", func(_ *Generator, d *draft) { d.chaincode = "nobody" }),
	changed("chaincode with a version in its name", func(_ *Generator, d *draft) { d.chaincode = "kv:1.0" }),
	changed("chaincode of another channel", func(_ *Generator, d *draft) { d.chaincode = "kv/other" }),
	changed("event", func(g *Generator, d *draft) { d.event = g.goodEvent(d) }),
	changed("proposal of another chaincode", func(_ *Generator, d *draft) {
		edited(d, input, func(s *peerpb.ChaincodeInvocationSpec) { s.ChaincodeSpec.ChaincodeId.Name = "strict" })
	}),
	changed("proposal without a spec", func(_ *Generator, d *draft) {
		edited(d, input, func(s *peerpb.ChaincodeInvocationSpec) { s.ChaincodeSpec = nil })
	}),
	changed("proposal with transient data", func(_ *Generator, d *draft) {
		edited(d, proposal, func(p *peerpb.ChaincodeProposalPayload) { p.TransientMap = map[string][]byte{"secret": []byte("s")} })
	}),
}
