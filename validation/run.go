package validation

import (
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// maxAhead is how many endorsements of one transaction are verified ahead of time. Any more are verified when a policy asks for them, so
// that a transaction padded with signatures nobody needs costs little.
const maxAhead = 16

// run is some transactions of a block that are prepared together, one step after the other, because signatures are verified faster
// together. A transaction that a step refuses is left out of those that follow.
type run struct {
	channelID string
	bundle    *channelconfig.Bundle
	caps      channelconfig.ApplicationCapabilities
	txs       []transaction
}

func (r *run) prepare(raw [][]byte) {
	for i := range r.txs {
		r.txs[i].refused = r.txs[i].decode(raw[i])
	}
	r.verifyCreators()
	for i := range r.txs {
		if t := &r.txs[i]; t.refused == nil {
			t.refused = t.openBody(r.caps)
		}
	}
	r.verifyEndorsements()
}

// decode decodes the envelope and its headers.
func (t *transaction) decode(raw []byte) *refusal {
	e, err := tx.ParseEnvelope(raw)
	if err != nil {
		return refused(err)
	}
	t.envelope, t.id, t.kind = e, e.TxID(), e.Type()
	if err := checkHeader(&e.Header); err != nil {
		return &refusal{peerpb.TxValidationCode_BAD_COMMON_HEADER, err}
	}
	return nil
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

// verifyCreators verifies the creators' signatures over the payloads.
func (r *run) verifyCreators() {
	const bad = peerpb.TxValidationCode_BAD_CREATOR_SIGNATURE
	signatures, of := make([]msp.Signature, 0, len(r.txs)), make([]*transaction, 0, len(r.txs))
	for i := range r.txs {
		t := &r.txs[i]
		if t.refused != nil {
			continue
		}
		id, err := r.creator(t.envelope)
		if err != nil {
			t.refused = &refusal{bad, err}
			continue
		}
		signatures, of = append(signatures, msp.Signature{By: id, Message: t.envelope.Payload, DER: t.envelope.Signature}), append(of, t)
	}
	msp.VerifyAll(signatures)
	for i, t := range of {
		if err := signatures[i].Err; err != nil {
			t.refused = refuse(bad, "creator's signature over the proposal is not valid: %w", err)
			continue
		}
		t.creator = policy.Verified(t.envelope.Payload, t.envelope.Creator(), t.envelope.Signature, nil)
	}
}

// creator is the identity of an envelope's creator, which must be valid. Where the header names another channel, Fabric asks that channel's MSPs,
// and has none for a channel the peer is not in.
func (r *run) creator(e *tx.Envelope) (*msp.Identity, error) {
	if e.ChannelID() != r.channelID {
		return nil, fmt.Errorf("the transaction is for channel [%s], and this is channel [%s]", e.ChannelID(), r.channelID)
	}
	id, err := r.bundle.MSPs().Identity(e.Creator())
	if err != nil {
		return nil, &creatorError{fmt.Errorf("MSP error: %w", err), e.Creator(), r.bundle.MSPs()}
	}
	if err := r.bundle.MSPs().Validate(id); err != nil {
		return nil, &creatorError{fmt.Errorf("creator certificate is not valid: %w", err), e.Creator(), r.bundle.MSPs()}
	}
	return id, nil
}

// openBody decodes what the creator has signed.
func (t *transaction) openBody(caps channelconfig.ApplicationCapabilities) *refusal {
	switch t.kind {
	case commonpb.HeaderType_ENDORSER_TRANSACTION:
		if r := checkTxID(&t.envelope.Header); r != nil {
			return r
		}
		var err error
		if t.Transaction, err = tx.ParseTransaction(t.envelope); err != nil {
			return refused(err)
		}
		t.late = t.open(caps)
		return nil
	case commonpb.HeaderType_CONFIG:
		return t.openConfig()
	case commonpb.HeaderType_TOKEN_TRANSACTION:
		if r := checkTxID(&t.envelope.Header); r != nil {
			return r
		}
		return refuse(peerpb.TxValidationCode_UNKNOWN_TX_TYPE, "transactions of type %s are not supported", t.kind)
	}
	return refuse(peerpb.TxValidationCode_UNSUPPORTED_TX_PAYLOAD, "a message of type %s is not a transaction", t.kind)
}

func checkTxID(h *tx.Header) *refusal {
	if want := h.ExpectedTxID(); h.TxID() != want {
		return refuse(peerpb.TxValidationCode_BAD_PROPOSAL_TXID, "invalid txid. got [%s], expected [%s]", h.TxID(), want)
	}
	return nil
}

// openConfig decodes the configuration. That it is acceptable is checked when the block is decided.
func (t *transaction) openConfig() *refusal {
	if len(t.envelope.Data) == 0 {
		return refuse(peerpb.TxValidationCode_INVALID_CONFIG_TRANSACTION, "the configuration transaction is empty")
	}
	t.config = &commonpb.ConfigEnvelope{}
	if err := wire.UnmarshalAs14(t.envelope.Data, t.config); err != nil {
		t.stop = fmt.Errorf("error unmarshalling config which passed initial validity checks: %w", err)
	}
	return nil
}

// verifyEndorsements verifies signatures before a policy asks for them; a bad one is the policy's to judge. Of several by the same endorser only
// the first can ever count.
func (r *run) verifyEndorsements() {
	var ahead []policy.SignedData
	for i := range r.txs {
		t := &r.txs[i]
		if t.refused != nil || t.Transaction == nil || t.late != nil {
			continue
		}
		t.endorsements = make([]policy.SignedData, len(t.Endorsements))
		seen := make(map[string]bool, len(t.Endorsements))
		for i, e := range t.Endorsements {
			endorser := e.GetEndorser()
			t.endorsements[i] = policy.RememberJoined(t.ResponsePayload, endorser, endorser, e.GetSignature())
			if len(seen) < maxAhead && !seen[string(endorser)] {
				seen[string(endorser)] = true
				ahead = append(ahead, t.endorsements[i])
			}
		}
	}
	policy.VerifyAll(ahead, r.bundle.MSPs())
}
