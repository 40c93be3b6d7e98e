package deliver

import (
	"fmt"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// filter reduces an encoded block to what DeliverFiltered shows. An envelope that does not decode, or has no header, is left out; deeper
// damage in one transaction makes the whole block unfit, as in Fabric.
func filter(raw []byte) (*peerpb.FilteredBlock, error) {
	b := &commonpb.Block{}
	if err := wire.UnmarshalInPlace(raw, b); err != nil {
		return nil, fmt.Errorf("error unmarshaling Block: %w", err)
	}
	f := &peerpb.FilteredBlock{Number: b.GetHeader().GetNumber()}
	codes := block.Codes(b)
	for i, envelope := range b.GetData().GetData() {
		code := peerpb.TxValidationCode_NOT_VALIDATED
		if i < len(codes) {
			code = codes[i]
		}
		channel, t, err := filterTransaction(envelope, code)
		if err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		if t != nil {
			f.ChannelId = channel
			f.FilteredTransactions = append(f.FilteredTransactions, t)
		}
	}
	return f, nil
}

func filterTransaction(envelope []byte, code peerpb.TxValidationCode) (channel string, t *peerpb.FilteredTransaction, err error) {
	e, payload, header := &commonpb.Envelope{}, &commonpb.Payload{}, &commonpb.ChannelHeader{}
	if wire.UnmarshalInPlace(envelope, e) != nil {
		return "", nil, nil
	}
	if err := wire.UnmarshalInPlace(e.Payload, payload); err != nil {
		return "", nil, fmt.Errorf("could not extract payload from envelope: %w", err)
	}
	if payload.Header == nil {
		return "", nil, nil
	}
	if err := wire.UnmarshalInPlace(payload.Header.ChannelHeader, header); err != nil {
		return "", nil, fmt.Errorf("error unmarshaling ChannelHeader: %w", err)
	}
	t = &peerpb.FilteredTransaction{Txid: header.TxId, Type: commonpb.HeaderType(header.Type), TxValidationCode: code}
	if t.Type == commonpb.HeaderType_ENDORSER_TRANSACTION {
		actions, err := filterActions(payload.Data)
		if err != nil {
			return "", nil, err
		}
		t.Data = &peerpb.FilteredTransaction_TransactionActions{TransactionActions: actions}
	}
	return header.ChannelId, t, nil
}

// filterActions keeps of each action's chaincode event everything but the payload.
func filterActions(data []byte) (*peerpb.FilteredTransactionActions, error) {
	transaction := &peerpb.Transaction{}
	if err := wire.UnmarshalInPlace(data, transaction); err != nil {
		return nil, fmt.Errorf("error unmarshal transaction payload for block event: %w", err)
	}
	f := &peerpb.FilteredTransactionActions{}
	for _, a := range transaction.Actions {
		payload := &peerpb.ChaincodeActionPayload{}
		if err := wire.UnmarshalInPlace(a.GetPayload(), payload); err != nil {
			return nil, fmt.Errorf("error unmarshal transaction action payload for block event: %w", err)
		}
		if payload.Action == nil {
			continue
		}
		response, action, event := &peerpb.ProposalResponsePayload{}, &peerpb.ChaincodeAction{}, &peerpb.ChaincodeEvent{}
		if err := wire.UnmarshalInPlace(payload.Action.ProposalResponsePayload, response); err != nil {
			return nil, fmt.Errorf("error unmarshal proposal response payload for block event: %w", err)
		}
		if err := wire.UnmarshalInPlace(response.Extension, action); err != nil {
			return nil, fmt.Errorf("error unmarshal chaincode action for block event: %w", err)
		}
		if err := wire.UnmarshalInPlace(action.Events, event); err != nil {
			return nil, fmt.Errorf("error unmarshal chaincode event for block event: %w", err)
		}
		if event.ChaincodeId != "" {
			f.ChaincodeActions = append(f.ChaincodeActions, &peerpb.FilteredChaincodeAction{
				ChaincodeEvent: &peerpb.ChaincodeEvent{TxId: event.TxId, ChaincodeId: event.ChaincodeId, EventName: event.EventName},
			})
		}
	}
	return f, nil
}
