package chain

import (
	"time"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// draft is a transaction before it is signed.
type draft struct {
	creator            tx.Signer
	chaincode, version string
	args               [][]byte
	// set makes what the transaction reads and writes. It may be called beside others.
	set func() *rwset.Set
}

// unsigned is a client who does not sign: what it signs of a proposal is not in the transaction that is made of it.
type unsigned struct{ tx.Signer }

func (unsigned) Sign([]byte) ([]byte, error) { return nil, nil }

// transaction is the envelope that client, endorsers and client again make of a draft, encoded.
func (c *Chain) transaction(d *draft) ([]byte, error) {
	proposal, err := tx.NewProposal(unsigned{d.creator}, tx.ProposalRequest{
		ChannelID: c.ChannelID,
		Spec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: d.chaincode}, Input: &peerpb.ChaincodeInput{Args: d.args},
		},
		Time: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	responses, err := c.endorse(proposal, d)
	if err != nil {
		return nil, err
	}
	envelope, err := tx.Assemble(d.creator, proposal, responses)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(envelope)
}

// endorse is what the endorsers answer.
func (c *Chain) endorse(proposal *tx.Proposal, d *draft) ([]*peerpb.ProposalResponse, error) {
	results, err := d.set().Marshal()
	if err != nil {
		return nil, err
	}
	response := &peerpb.Response{Status: 200}
	payload, err := wire.Marshal(&peerpb.ProposalResponsePayload{
		ProposalHash: proposal.Hash(),
		Extension: wire.MustMarshal(&peerpb.ChaincodeAction{
			Results: results, Response: response, ChaincodeId: &peerpb.ChaincodeID{Name: d.chaincode, Version: d.version},
		}),
	})
	if err != nil {
		return nil, err
	}
	answers := make([]*peerpb.ProposalResponse, c.Endorsements)
	for i := range answers {
		request := &plugin.EndorsementRequest{Proposal: proposal, Payload: payload, Signer: c.people.peers[i]}
		endorsement, err := request.Sign(payload)
		if err != nil {
			return nil, err
		}
		answers[i] = &peerpb.ProposalResponse{Version: 1, Response: response, Payload: payload, Endorsement: endorsement}
	}
	return answers, nil
}
