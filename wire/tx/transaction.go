package tx

import (
	"bytes"

	"google.golang.org/protobuf/proto"

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
// as Fabric does, any but one action, an action whose header is not the envelope's signature header, and a response payload that was
// made for another proposal. Its errors are of type *Error and carry INVALID_ENDORSER_TRANSACTION.
func ParseTransaction(e *Envelope) (*Transaction, error) {
	const invalid = peerpb.TxValidationCode_INVALID_ENDORSER_TRANSACTION
	t := &peerpb.Transaction{}
	if err := proto.Unmarshal(e.Data, t); err != nil {
		return nil, refuse(invalid, "error unmarshaling Transaction: %w", err)
	}
	if len(t.Actions) != 1 {
		return nil, refuse(invalid, "only one action per transaction is supported, tx contains %d", len(t.Actions))
	}
	if !bytes.Equal(t.Actions[0].GetHeader(), e.SignatureBytes) {
		return nil, refuse(invalid, "the header of the action is not the signature header of the transaction")
	}
	cap := &peerpb.ChaincodeActionPayload{}
	if err := proto.Unmarshal(t.Actions[0].GetPayload(), cap); err != nil {
		return nil, refuse(invalid, "error unmarshaling ChaincodeActionPayload: %w", err)
	}
	if cap.Action == nil {
		return nil, refuse(invalid, "the chaincode action payload has no endorsed action")
	}
	response := &peerpb.ProposalResponsePayload{}
	if err := proto.Unmarshal(cap.Action.ProposalResponsePayload, response); err != nil {
		return nil, refuse(invalid, "error unmarshaling ProposalResponsePayload: %w", err)
	}
	if want := proposalHash(e.ChannelBytes, e.SignatureBytes, cap.ChaincodeProposalPayload); !bytes.Equal(want, response.ProposalHash) {
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

// Open decodes the header extension (failing with BAD_HEADER_EXTENSION) and the chaincode action (BAD_RESPONSE_PAYLOAD). The action's
// chaincode id and response may be nil. Calling it again does nothing.
func (t *Transaction) Open() error {
	if t.Action != nil {
		return nil
	}
	extension, err := t.HeaderExtension()
	if err != nil {
		return &Error{Code: peerpb.TxValidationCode_BAD_HEADER_EXTENSION, Err: err}
	}
	action := &peerpb.ChaincodeAction{}
	if err := proto.Unmarshal(t.action, action); err != nil {
		return refuse(peerpb.TxValidationCode_BAD_RESPONSE_PAYLOAD, "error unmarshaling ChaincodeAction: %w", err)
	}
	t.Extension, t.Action = extension, action
	return nil
}
