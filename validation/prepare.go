package validation

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// maxAhead is how many endorsements of one transaction are verified ahead of time. Any more are verified when a policy asks for them, so
// that a transaction padded with signatures nobody needs costs little.
const maxAhead = 16

// Prepared is a block whose transactions have been decoded and their signatures verified.
type Prepared struct {
	block  *commonpb.Block
	bundle *channelconfig.Bundle
	caps   channelconfig.ApplicationCapabilities
	txs    []transaction
}

// Number is the block's number.
func (p *Prepared) Number() uint64 { return p.block.Header.Number }

// ChangesConfig tells whether the block holds a configuration transaction: the block after it must be prepared under the configuration that
// this one leaves.
func (p *Prepared) ChangesConfig() bool {
	for i := range p.txs {
		if p.txs[i].config != nil {
			return true
		}
	}
	return false
}

// transaction is one envelope of a block, as far as it could be decoded.
type transaction struct {
	id      string
	kind    commonpb.HeaderType
	refused *refusal // whatever the state says
	late    *refusal // unless an earlier block holds a transaction of this id, which is the graver fault
	stop    error    // the peer cannot go on

	// Of a configuration transaction.
	envelope *tx.Envelope
	config   *commonpb.ConfigEnvelope

	// Of an endorser transaction. What follows the first line is set if nothing is in late.
	*tx.Transaction
	creator      policy.SignedData
	endorsements []policy.SignedData
	set          *rwset.Set
	chaincode    string   // that was invoked
	version      string   // that the endorsers ran
	judgedBy     []string // namespaces whose endorsement policies must be satisfied, in the order in which they are asked
}

// refusal is a code and its reason.
type refusal struct {
	code peerpb.TxValidationCode
	err  error
}

func refuse(code peerpb.TxValidationCode, format string, args ...any) *refusal {
	return &refusal{code, fmt.Errorf(format, args...)}
}

// refused makes a refusal of an error of package tx.
func refused(err error) *refusal {
	r := &refusal{peerpb.TxValidationCode_INVALID_OTHER_REASON, err}
	var coded *tx.Error
	if errors.As(err, &coded) {
		r.code = coded.Code
	}
	return r
}

// Prepare does what needs neither the state nor other transactions: it decodes and it verifies signatures, many transactions at a time. The
// block must have passed block.Check. bundle is the channel's configuration as the block before has left it. It fails only when ctx ends or
// the configuration has no application section.
func (v *Validator) Prepare(ctx context.Context, b *commonpb.Block, bundle *channelconfig.Bundle) (*Prepared, error) {
	app, ok := bundle.Application()
	if !ok {
		return nil, fmt.Errorf("[channel %s] does not have application config so is incompatible", v.channelID)
	}
	p := &Prepared{block: b, bundle: bundle, caps: app.Capabilities, txs: make([]transaction, len(b.Data.Data))}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(v.workers, len(p.txs)) {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= len(p.txs) {
					return nil
				}
				t := &p.txs[i]
				t.refused = t.prepare(v.channelID, b.Data.Data[i], bundle, p.caps)
			}
			return ctx.Err()
		})
	}
	return p, g.Wait()
}

func (t *transaction) prepare(channelID string, raw []byte, bundle *channelconfig.Bundle, caps channelconfig.ApplicationCapabilities) *refusal {
	e, err := tx.ParseEnvelope(raw)
	if err != nil {
		return refused(err)
	}
	t.id, t.kind = e.TxID(), e.Type()
	if err := checkHeader(&e.Header); err != nil {
		return &refusal{peerpb.TxValidationCode_BAD_COMMON_HEADER, err}
	}
	if err := t.checkCreator(channelID, e, bundle); err != nil {
		return &refusal{peerpb.TxValidationCode_BAD_CREATOR_SIGNATURE, err}
	}
	switch t.kind {
	case commonpb.HeaderType_ENDORSER_TRANSACTION:
		if r := checkTxID(&e.Header); r != nil {
			return r
		}
		if t.Transaction, err = tx.ParseTransaction(e); err != nil {
			return refused(err)
		}
		if t.late = t.open(caps); t.late == nil {
			t.verifyEndorsements(bundle)
		}
		return nil
	case commonpb.HeaderType_CONFIG:
		return t.openConfig(e)
	case commonpb.HeaderType_TOKEN_TRANSACTION:
		if r := checkTxID(&e.Header); r != nil {
			return r
		}
		return refuse(peerpb.TxValidationCode_UNKNOWN_TX_TYPE, "transactions of type %s are not supported", t.kind)
	}
	return refuse(peerpb.TxValidationCode_UNSUPPORTED_TX_PAYLOAD, "a message of type %s is not a transaction", t.kind)
}

// checkHeader holds the headers to what every transaction needs. A configuration update is let through here: it is no transaction, but that
// has another code.
func checkHeader(h *tx.Header) error {
	switch h.Type() {
	case commonpb.HeaderType_ENDORSER_TRANSACTION, commonpb.HeaderType_CONFIG_UPDATE, commonpb.HeaderType_CONFIG, commonpb.HeaderType_TOKEN_TRANSACTION:
	default:
		return fmt.Errorf("invalid header type %s", h.Type())
	}
	switch {
	case h.Channel.Epoch != 0:
		return fmt.Errorf("invalid Epoch in ChannelHeader. Expected 0, got [%d]", h.Channel.Epoch)
	case len(h.Signature.Nonce) == 0:
		return errors.New("invalid nonce specified in the header")
	case len(h.Signature.Creator) == 0:
		return errors.New("invalid creator specified in the header")
	}
	return nil
}

// checkCreator verifies the creator's signature over the payload. Where the header names another channel, Fabric asks that channel's MSPs,
// and has none for a channel the peer is not in.
func (t *transaction) checkCreator(channelID string, e *tx.Envelope, bundle *channelconfig.Bundle) error {
	if e.ChannelID() != channelID {
		return fmt.Errorf("the transaction is for channel [%s], and this is channel [%s]", e.ChannelID(), channelID)
	}
	id, err := bundle.MSPs().Identity(e.Creator())
	if err != nil {
		return &creatorError{fmt.Errorf("MSP error: %w", err), e.Creator(), bundle.MSPs()}
	}
	if err := bundle.MSPs().Validate(id); err != nil {
		return &creatorError{fmt.Errorf("creator certificate is not valid: %w", err), e.Creator(), bundle.MSPs()}
	}
	if err := id.Verify(e.Payload, e.Signature); err != nil {
		return fmt.Errorf("creator's signature over the proposal is not valid: %w", err)
	}
	t.creator = policy.Verified(e.Payload, e.Creator(), e.Signature, nil)
	return nil
}

func checkTxID(h *tx.Header) *refusal {
	if want := h.ExpectedTxID(); h.TxID() != want {
		return refuse(peerpb.TxValidationCode_BAD_PROPOSAL_TXID, "invalid txid. got [%s], expected [%s]", h.TxID(), want)
	}
	return nil
}

// openConfig decodes the configuration. That it is acceptable is checked when the block is decided.
func (t *transaction) openConfig(e *tx.Envelope) *refusal {
	if len(e.Data) == 0 {
		return refuse(peerpb.TxValidationCode_INVALID_CONFIG_TRANSACTION, "the configuration transaction is empty")
	}
	t.envelope, t.config = e, &commonpb.ConfigEnvelope{}
	if err := wire.UnmarshalAs14(e.Data, t.config); err != nil {
		t.stop = fmt.Errorf("error unmarshalling config which passed initial validity checks: %w", err)
	}
	return nil
}

// verifyEndorsements verifies signatures before a policy asks for them. Of several by the same endorser only the first can ever count.
func (t *transaction) verifyEndorsements(bundle *channelconfig.Bundle) {
	t.endorsements = make([]policy.SignedData, len(t.Endorsements))
	seen := make(map[string]bool, len(t.Endorsements))
	for i, e := range t.Endorsements {
		endorser := e.GetEndorser()
		t.endorsements[i] = policy.RememberJoined(t.ResponsePayload, endorser, endorser, e.GetSignature())
		if len(seen) < maxAhead && !seen[string(endorser)] {
			seen[string(endorser)] = true
			_ = t.endorsements[i].Verify(bundle.MSPs()) // a bad one is the policy's to judge
		}
	}
}
