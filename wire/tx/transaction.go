package tx

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Transaction is an endorsed chaincode action. ParseTransaction fills the first block of fields, Open the second.
type Transaction struct {
	*Envelope
	ProposalPayload []byte // the chaincode proposal payload, without its transient map
	ResponsePayload []byte // what each endorsement signs, followed by the endorser's own identity
	ProposalHash    []byte
	Endorsements    []*peerpb.Endorsement // entries may be nil

	Extension *peerpb.ChaincodeHeaderExtension
	Action    *peerpb.ChaincodeAction

	action []byte
}

// ParseTransaction decodes the data of an endorser transaction's envelope, down to the bytes that the endorsers signed. It refuses,
// as Fabric does, any but one action, an action whose signature header lacks a nonce or a creator, and a response payload that was made for
// another proposal. The proposal's signature header is the action's, which need not be the envelope's. Its errors are of type *Error and
// carry INVALID_ENDORSER_TRANSACTION.
func ParseTransaction(e *Envelope) (*Transaction, error) {
	const invalid = peerpb.TxValidationCode_INVALID_ENDORSER_TRANSACTION
	t := &peerpb.Transaction{}
	if err := wire.UnmarshalInPlace(e.Data, t); err != nil {
		return nil, refuse(invalid, "error unmarshaling Transaction: %w", err)
	}
	if len(t.Actions) != 1 {
		return nil, refuse(invalid, "only one action per transaction is supported, tx contains %d", len(t.Actions))
	}
	header := t.Actions[0].GetHeader()
	if err := checkActionHeader(header, e); err != nil {
		return nil, refuse(invalid, "%w", err)
	}
	cap := &peerpb.ChaincodeActionPayload{}
	if err := wire.UnmarshalInPlace(t.Actions[0].GetPayload(), cap); err != nil {
		return nil, refuse(invalid, "error unmarshaling ChaincodeActionPayload: %w", err)
	}
	if cap.Action == nil {
		return nil, refuse(invalid, "the chaincode action payload has no endorsed action")
	}
	if len(cap.ChaincodeProposalPayload) == 0 && !hasField(t.Actions[0].GetPayload(), actionProposalPayload) {
		return nil, refuse(invalid, "the chaincode action payload has no chaincode proposal payload")
	}
	response := &peerpb.ProposalResponsePayload{}
	if err := wire.UnmarshalInPlace(cap.Action.ProposalResponsePayload, response); err != nil {
		return nil, refuse(invalid, "error unmarshaling ProposalResponsePayload: %w", err)
	}
	if want := proposalHash(e.ChannelBytes, header, cap.ChaincodeProposalPayload); !bytes.Equal(want, response.ProposalHash) {
		return nil, refuse(invalid, "proposal hash does not match: the endorsers signed %x, the transaction carries %x", response.ProposalHash, want)
	}
	return &Transaction{
		Envelope:        e,
		ProposalPayload: cap.ChaincodeProposalPayload,
		ResponsePayload: cap.Action.ProposalResponsePayload,
		ProposalHash:    response.ProposalHash,
		Endorsements:    cap.Action.Endorsements,
		action:          response.Extension,
	}, nil
}

// checkActionHeader wants a nonce and a creator, which the usual header, a copy of the envelope's, is known to have or not to have.
func checkActionHeader(header []byte, e *Envelope) error {
	h := e.Header.Signature
	if !bytes.Equal(header, e.SignatureBytes) {
		h = &commonpb.SignatureHeader{}
		if err := wire.UnmarshalInPlace(header, h); err != nil {
			return fmt.Errorf("error unmarshaling SignatureHeader: %w", err)
		}
	}
	switch {
	case len(h.GetNonce()) == 0:
		return errors.New("invalid nonce specified in the header")
	case len(h.GetCreator()) == 0:
		return errors.New("invalid creator specified in the header")
	}
	return nil
}

// Open decodes the header extension (failing with BAD_HEADER_EXTENSION) and the chaincode action (BAD_RESPONSE_PAYLOAD). The chaincode id of
// either, and the action's response, may be nil. Calling it again does nothing.
func (t *Transaction) Open() error {
	if t.Action != nil {
		return nil
	}
	extension := &peerpb.ChaincodeHeaderExtension{}
	if err := wire.UnmarshalInPlace(t.Channel.GetExtension(), extension); err != nil {
		return refuse(peerpb.TxValidationCode_BAD_HEADER_EXTENSION, "error unmarshaling ChaincodeHeaderExtension: %w", err)
	}
	if len(t.action) == 0 && !hasField(t.ResponsePayload, responseExtension) {
		return refuse(peerpb.TxValidationCode_BAD_RESPONSE_PAYLOAD, "response payload is missing extension")
	}
	action := &peerpb.ChaincodeAction{}
	if err := wire.UnmarshalInPlace(t.action, action); err != nil {
		return refuse(peerpb.TxValidationCode_BAD_RESPONSE_PAYLOAD, "error unmarshaling ChaincodeAction: %w", err)
	}
	t.Extension, t.Action = extension, action
	return nil
}

// HasEvents says whether the action of an opened transaction has its field for an event, if only with nothing in it.
func (t *Transaction) HasEvents() bool {
	return len(t.Action.GetEvents()) > 0 || hasField(t.action, actionEvents)
}

// Fields that Fabric tells apart from absent ones also when they are empty, as our decoder does not.
const (
	actionProposalPayload = protowire.Number(1) // of ChaincodeActionPayload
	responseExtension     = protowire.Number(2) // of ProposalResponsePayload
	actionEvents          = protowire.Number(2) // of ChaincodeAction
)

// hasField tells whether an encoded message, known to decode, has a bytes field of that number.
func hasField(message []byte, field protowire.Number) bool {
	for len(message) > 0 {
		n, typ, size := protowire.ConsumeField(message)
		if size < 0 {
			return false
		}
		if n == field && typ == protowire.BytesType {
			return true
		}
		message = message[size:]
	}
	return false
}
