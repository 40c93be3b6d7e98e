package explain

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// read fills in what the envelope says, as far as it can be read; the first thing that cannot ends it. ids are the MSPs that the channel had.
func (t *Transaction) read(raw []byte, ids *msp.Manager) error {
	e, err := tx.ParseEnvelope(raw)
	if err != nil {
		return err
	}
	t.TxID, t.Type = idOf(e), e.Type().String()
	if at := e.Channel.GetTimestamp(); at == nil || at.IsValid() { // JSON has four digits for a year
		t.Time = at.AsTime()
	}
	creator := identity(ids.Describe(e.Creator()))
	t.Creator = &creator
	switch e.Type() {
	case commonpb.HeaderType_CONFIG:
		return t.readConfig(e, ids)
	case commonpb.HeaderType_ENDORSER_TRANSACTION:
		return t.readEndorsed(e, ids)
	}
	return fmt.Errorf("a message of type %s is no transaction", t.Type)
}

func (t *Transaction) readEndorsed(e *tx.Envelope, ids *msp.Manager) error {
	parsed, err := tx.ParseTransaction(e)
	if err != nil {
		return err
	}
	for _, x := range parsed.Endorsements {
		signed := policy.SignedData{Data: parsed.ResponsePayload, Tail: x.GetEndorser(), Identity: x.GetEndorser(), Signature: x.GetSignature()}
		t.Endorsements = append(t.Endorsements, Endorsement{identity(ids.Describe(x.GetEndorser())), signed.Verify(ids) == nil})
	}
	if err := t.readProposal(parsed.ProposalPayload); err != nil {
		return err
	}
	if err := parsed.Open(); err != nil {
		return err
	}
	a := parsed.Action
	t.Chaincode = &Chaincode{Name: a.ChaincodeId.GetName(), Version: a.ChaincodeId.GetVersion()}
	t.Response = &Response{Status: a.Response.GetStatus(), Message: a.Response.GetMessage(), Payload: a.Response.GetPayload()}
	if event := (&peerpb.ChaincodeEvent{}); len(a.Events) > 0 {
		if err := proto.Unmarshal(a.Events, event); err != nil {
			return fmt.Errorf("chaincode event: %w", err)
		}
		if event.EventName != "" {
			t.Event = &Event{Name: event.EventName, Payload: event.Payload}
		}
	}
	set, err := rwset.Parse(a.Results)
	if err != nil {
		return err
	}
	t.Namespaces = namespaces(set)
	return nil
}

func (t *Transaction) readProposal(payload []byte) error {
	p, spec := &peerpb.ChaincodeProposalPayload{}, &peerpb.ChaincodeInvocationSpec{}
	if err := proto.Unmarshal(payload, p); err != nil {
		return fmt.Errorf("chaincode proposal payload: %w", err)
	}
	if err := proto.Unmarshal(p.Input, spec); err != nil {
		return fmt.Errorf("chaincode invocation spec: %w", err)
	}
	args := spec.ChaincodeSpec.GetInput().GetArgs()
	t.Args = values(args)
	if spec.ChaincodeSpec.GetChaincodeId().GetName() == "lscc" && len(args) > 2 {
		t.Deployment = deployment(args)
	}
	return nil
}

// deployment reads the arguments of lscc's deploy and upgrade: function, channel, deployment spec, policy, escc, vscc; nil if they are not that.
func deployment(args [][]byte) *Deployment {
	spec := &peerpb.ChaincodeDeploymentSpec{}
	if f := string(args[0]); f != "deploy" && f != "upgrade" || proto.Unmarshal(args[2], spec) != nil {
		return nil
	}
	id := spec.ChaincodeSpec.GetChaincodeId()
	d := &Deployment{Name: id.GetName(), Version: id.GetVersion(), Init: values(spec.ChaincodeSpec.GetInput().GetArgs())}
	if len(args) > 3 && len(args[3]) > 0 {
		d.Policy = policyText(args[3])
	}
	return d
}

func (t *Transaction) readConfig(e *tx.Envelope, ids *msp.Manager) error {
	c := &commonpb.ConfigEnvelope{}
	if err := proto.Unmarshal(e.Data, c); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	t.Config = &Config{Sequence: c.Config.GetSequence()}
	if c.LastUpdate == nil {
		return nil
	}
	signed, update := &commonpb.ConfigUpdateEnvelope{}, &commonpb.ConfigUpdate{}
	if _, err := channelconfig.OpenEnvelope(c.LastUpdate, commonpb.HeaderType_CONFIG_UPDATE, signed); err != nil {
		return fmt.Errorf("configuration update: %w", err)
	}
	if err := proto.Unmarshal(signed.ConfigUpdate, update); err != nil {
		return fmt.Errorf("configuration update: %w", err)
	}
	t.Config.Changes = channelconfig.Changes(update)
	signatures, err := channelconfig.SignedData(signed)
	if err != nil {
		return err
	}
	for _, s := range signatures {
		t.Config.Signers = append(t.Config.Signers, identity(ids.Describe(s.Identity)))
	}
	return nil
}

func namespaces(set *rwset.Set) []Namespace {
	var all []Namespace
	for _, ns := range set.Namespaces {
		n := Namespace{Chaincode: ns.Name, Reads: reads(ns.KV.Reads)}
		for _, q := range ns.KV.RangeQueriesInfo {
			n.Queries = append(n.Queries, RangeQuery{Start: q.GetStartKey(), End: q.GetEndKey(),
				Results: reads(q.GetRawReads().GetKvReads()), Hashed: q.GetReadsMerkleHashes() != nil})
		}
		for _, w := range ns.KV.Writes {
			n.Writes = append(n.Writes, Write{Key: w.GetKey(), Value: w.GetValue(), Deleted: w.GetIsDelete()})
		}
		for _, w := range ns.KV.MetadataWrites {
			n.Metadata = append(n.Metadata, metadata(w.GetKey(), w.GetEntries()))
		}
		for _, c := range ns.Collections {
			n.Collections = append(n.Collections, collection(c))
		}
		all = append(all, n)
	}
	return all
}

func collection(c rwset.Collection) Collection {
	out := Collection{Name: c.Name}
	for _, r := range c.Hashed.HashedReads {
		out.Reads = append(out.Reads, Read{fmt.Sprintf("%x", r.GetKeyHash()), versionText(r.GetVersion())})
	}
	for _, w := range c.Hashed.HashedWrites {
		out.Writes = append(out.Writes, Write{Key: fmt.Sprintf("%x", w.GetKeyHash()), Value: fmt.Appendf(nil, "%x", w.GetValueHash()), Deleted: w.GetIsDelete()})
	}
	for _, w := range c.Hashed.MetadataWrites {
		out.Metadata = append(out.Metadata, metadata(fmt.Sprintf("%x", w.GetKeyHash()), w.GetEntries()))
	}
	return out
}

func reads(all []*kvrwsetpb.KVRead) []Read {
	var out []Read
	for _, r := range all {
		out = append(out, Read{r.GetKey(), versionText(r.GetVersion())})
	}
	return out
}

func metadata(key string, entries []*kvrwsetpb.KVMetadataEntry) Metadata {
	m := Metadata{Key: key}
	for _, e := range entries {
		if e.GetName() == peerpb.MetaDataKeys_VALIDATION_PARAMETER.String() {
			m.Policy = policyText(e.GetValue())
			continue
		}
		if m.Entries == nil {
			m.Entries = map[string]Value{}
		}
		m.Entries[e.GetName()] = e.GetValue()
	}
	return m
}

func versionText(v *kvrwsetpb.Version) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", v.BlockNum, v.TxNum)
}

func policyText(raw []byte) string {
	p := &commonpb.SignaturePolicyEnvelope{}
	if err := proto.Unmarshal(raw, p); err != nil {
		return fmt.Sprintf("unreadable: %s", err)
	}
	return policy.Format(p)
}

func values(all [][]byte) []Value {
	out := make([]Value, len(all))
	for i, v := range all {
		out[i] = v
	}
	return out
}
