package validation

import (
	"context"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// decision is one block being decided.
type decision struct {
	v        *Validator
	p        *Prepared
	state    State
	policies *policyCache

	definitions map[string]*definition // looked up for this block
	changed     map[keyID]bool         // keys whose validation parameter an earlier transaction of this block changes
	outcomes    []outcome              // one per transaction
	next        *channelconfig.Bundle
}

// outcome is what Decide has found about one transaction.
type outcome struct {
	refusal  *refusal
	accepted bool   // by everything that looks at it alone; rules for the whole block may still refuse it
	fresh    bool   // no earlier block holds a transaction of this id
	upgraded string // the chaincode that it upgrades, if any
}

// Decide gives each transaction of a prepared block its code. state must be that of all blocks before this one. An error means that this peer
// cannot tell what is valid; no later block may be decided then.
func (v *Validator) Decide(ctx context.Context, p *Prepared, state State) (*Verdict, error) {
	d := &decision{
		v: v, p: p, state: state, policies: v.policies.under(p.bundle),
		definitions: map[string]*definition{}, changed: map[keyID]bool{}, outcomes: make([]outcome, len(p.txs)),
	}
	for i := range p.txs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := d.transaction(ctx, i); err != nil {
			return nil, fmt.Errorf("block [%d], transaction %d [%s]: %w", p.Number(), i, p.txs[i].id, err)
		}
	}
	d.refuseRepeatedIDs()
	d.refuseAroundUpgrades()
	return d.verdict()
}

func (d *decision) transaction(ctx context.Context, i int) (err error) {
	t, o := &d.p.txs[i], &d.outcomes[i]
	switch {
	case t.stop != nil:
		return t.stop
	case t.refused != nil:
		o.refusal = t.refused
		return nil
	case t.config != nil:
		o.accepted = true
		return d.configure(t)
	}
	known, err := d.state.HasTx(t.id)
	if err != nil {
		return fmt.Errorf("looking for an earlier transaction of the same id: %w", err)
	}
	o.fresh = !known
	switch {
	case known:
		o.refusal = refuse(peerpb.TxValidationCode_DUPLICATE_TXID, "an earlier block holds a transaction of this id")
		return nil
	case t.late != nil:
		o.refusal = t.late
		return nil
	}
	if o.refusal, err = d.judge(ctx, i, t, o); err != nil || o.refusal != nil {
		return err
	}
	o.accepted = true
	d.rememberAll(t)
	return nil
}

// configure checks a configuration transaction and reads the configuration it brings. The orderer checked it before: if this peer does not
// agree, one of the two is wrong, and the peer stops.
func (d *decision) configure(t *transaction) error {
	current := d.p.bundle
	if d.next != nil {
		current = d.next
	}
	next, err := current.Apply(t.config)
	if err != nil {
		return fmt.Errorf("error validating config which passed initial validity checks: %w", err)
	}
	if err := next.PeerSupports(); err != nil {
		return fmt.Errorf("%w; run a version of the peer that has this capability", err)
	}
	d.next = next
	return nil
}

// judge asks, for each namespace written, the plugin of the chaincode whose namespace it is.
func (d *decision) judge(ctx context.Context, position int, t *transaction, o *outcome) (*refusal, error) {
	for _, ns := range t.judgedBy {
		def, err := d.definition(ns)
		if err != nil {
			return nil, err
		}
		if def.refused != nil {
			return &refusal{peerpb.TxValidationCode_INVALID_OTHER_REASON, def.refused}, nil
		}
		if ns == t.chaincode && !def.system && def.version != t.version {
			return refuse(peerpb.TxValidationCode_EXPIRED_CHAINCODE, "chaincode %s:%s/%s didn't match %s:%s/%s in lscc",
				t.chaincode, t.version, d.v.channelID, def.name, def.version, d.v.channelID), nil
		}
		r := d.request(t, ns, def)
		r.Position, r.Default = position, func() error { return d.byDefault(t, o, ns, def) }
		err = d.ask(ctx, def.vscc, r)
		var failure *plugin.ExecutionFailure
		if errors.As(err, &failure) {
			return nil, failure.Reason
		}
		if err != nil {
			return &refusal{peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, err}, nil
		}
	}
	return nil, nil
}

// byDefault is the judgement of the default plugin.
func (d *decision) byDefault(t *transaction, o *outcome, ns string, def *definition) error {
	reason, err := d.endorsed(t, ns, def)
	if err == nil && reason == nil && ns == lsccName {
		o.upgraded, reason, err = d.deployment(t)
	}
	switch {
	case err != nil:
		return &plugin.ExecutionFailure{Reason: err}
	case reason != nil:
		return reason
	}
	d.remember(t, ns)
	return nil
}

// refuseRepeatedIDs keeps of several transactions with one id the first that has been accepted.
func (d *decision) refuseRepeatedIDs() {
	if !d.p.caps.ForbidDuplicateTXIDInBlock {
		return
	}
	first := make(map[string]bool, len(d.p.txs))
	for i := range d.p.txs {
		t, o := &d.p.txs[i], &d.outcomes[i]
		switch {
		case !o.accepted || t.Transaction == nil:
		case first[t.id]:
			o.refusal = refuse(peerpb.TxValidationCode_DUPLICATE_TXID, "an earlier transaction of this block has the same id")
		default:
			first[t.id] = true
		}
	}
}

// refuseAroundUpgrades refuses, of several upgrades of one chaincode, all but the last, and every call of an upgraded chaincode, before the
// upgrade and after it: its endorsers ran the old version.
func (d *decision) refuseAroundUpgrades() {
	const conflict = peerpb.TxValidationCode_CHAINCODE_VERSION_CONFLICT
	last := map[string]int{}
	for i := range d.outcomes {
		name := d.outcomes[i].upgraded
		if name == "" || !d.outcomes[i].accepted {
			continue
		}
		if before, again := last[name]; again {
			d.outcomes[before].refusal = refuse(conflict, "chaincode %s is upgraded again by transaction %d of this block", name, i)
		}
		last[name] = i
	}
	if len(last) == 0 {
		return
	}
	for i := range d.p.txs {
		t, o := &d.p.txs[i], &d.outcomes[i]
		if !o.accepted || o.refusal != nil || t.Transaction == nil {
			continue
		}
		if by, upgraded := last[t.chaincode]; upgraded {
			o.refusal = refuse(conflict, "chaincode %s is upgraded by transaction %d of this block", t.chaincode, by)
		}
	}
}

// verdict puts the outcomes together.
func (d *decision) verdict() (*Verdict, error) {
	b := &ledger.Block{Block: d.p.block, Txs: make([]ledger.Tx, len(d.p.txs))}
	verdict := &Verdict{Block: b, Next: d.next, Invoked: make([]string, len(d.p.txs))}
	for i := range d.p.txs {
		t, r := &d.p.txs[i], d.outcomes[i].refusal
		b.Txs[i] = ledger.Tx{ID: t.id, Type: t.kind, RWSet: t.set, Fresh: d.outcomes[i].fresh}
		if r != nil {
			b.Txs[i].Code = r.code
			verdict.Refusals = append(verdict.Refusals, Refusal{Index: i, TxID: t.id, Code: r.code, Err: r.err})
			continue
		}
		b.Txs[i].Code = peerpb.TxValidationCode_VALID
		if t.chaincode != "" {
			verdict.Invoked[i] = t.chaincode + ":" + t.version
		}
		if t.kind == commonpb.HeaderType_CONFIG {
			var err error
			if b.Txs[i].RWSet, err = ledger.ConfigRWSet(t.envelope); err != nil {
				return nil, fmt.Errorf("block [%d]: what the configuration writes: %w", d.p.Number(), err)
			}
		}
	}
	return verdict, nil
}
