package endorser

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// request is a proposal on its way, with what the checks found out about it.
type request struct {
	*tx.Proposal
	signed policy.SignedData
	id     *peerpb.ChaincodeID // from the header extension; says what is called
	bundle *channelconfig.Bundle
	ledger *ledger.Ledger // with bundle: nil for a proposal without a channel
}

func (r *request) channelID() string {
	if r == nil || r.Proposal == nil {
		return ""
	}
	return r.ChannelID()
}

func (r *request) txID() string {
	if r == nil || r.Proposal == nil {
		return ""
	}
	return r.TxID()
}

// check authenticates and authorizes a proposal. What it returns next to an error is good for a log line only.
func (s *Server) check(ctx context.Context, signed *peerpb.SignedProposal) (*request, error) {
	p, err := tx.ParseProposal(signed)
	if err != nil {
		return nil, fmt.Errorf("failed parsing proposal: %w", err)
	}
	r := &request{Proposal: p, signed: acl.Signed(p)}
	who, unknown := s.identify(r)
	for _, filter := range s.o.Filters {
		if err := filter.Check(ctx, &plugin.AuthRequest{Proposal: p, Identity: who}); err != nil {
			return r, err
		}
	}
	if err := checkHeader(p); err != nil {
		return r, err
	}
	if unknown == nil {
		unknown = s.authenticate(r, who)
	}
	if err := unknown; err != nil {
		// Whoever is not known must not learn more than this, not even whether the channel exists.
		return r, &strangerError{fmt.Errorf("access denied: channel [%s] creator org [%s]", p.ChannelID(), claimedOrg(p.Creator())), err}
	}
	if expected := p.ExpectedTxID(); p.TxID() != expected {
		return r, fmt.Errorf("invalid txid. got [%s], expected [%s]", p.TxID(), expected)
	}
	if r.id, err = checkExtension(p); err != nil {
		return r, err
	}
	if system.Hidden(r.id.Name) {
		return r, fmt.Errorf("chaincode %s cannot be invoked through a proposal", r.id.Name)
	}
	if p.ChannelID() == "" {
		return r, nil // cannot become a transaction; the system chaincodes ask for a role in the peer's own MSP
	}
	return r, s.authorize(r)
}

func checkHeader(p *tx.Proposal) error {
	switch t := p.Type(); t {
	case commonpb.HeaderType_ENDORSER_TRANSACTION, commonpb.HeaderType_CONFIG, commonpb.HeaderType_CONFIG_UPDATE, commonpb.HeaderType_TOKEN_TRANSACTION:
	default:
		return fmt.Errorf("invalid header type %s", t)
	}
	switch {
	case p.Channel.Epoch != 0:
		return fmt.Errorf("invalid Epoch in ChannelHeader. Expected 0, got [%d]", p.Channel.Epoch)
	case len(p.Signature.Nonce) == 0:
		return errors.New("invalid nonce specified in the header")
	case len(p.Creator()) == 0:
		return errors.New("invalid creator specified in the header")
	}
	return nil
}

// identify finds the creator in the MSPs that judge it: those of the channel, or the peer's own.
func (s *Server) identify(r *request) (*msp.Identity, error) {
	if r.ChannelID() != "" {
		var ok bool
		if r.bundle, r.ledger, ok = s.o.Channel(r.ChannelID()); !ok {
			return nil, fmt.Errorf("could not get msp for channel [%s]", r.ChannelID())
		}
	}
	id, err := s.msps(r).Identity(r.Creator())
	if err != nil {
		return nil, fmt.Errorf("MSP error: %w", err)
	}
	return id, nil
}

func (s *Server) msps(r *request) *msp.Manager {
	if r.bundle == nil {
		return s.o.Local
	}
	return r.bundle.MSPs()
}

func (s *Server) authenticate(r *request, who *msp.Identity) error {
	if err := s.msps(r).Validate(who); err != nil {
		return fmt.Errorf("creator certificate is not valid: %w", err)
	}
	if err := r.signed.Verify(s.msps(r)); err != nil {
		return fmt.Errorf("creator's signature over the proposal is not valid: %w", err)
	}
	return nil
}

// claimedOrg is the MSP that the sender says to be of, as far as that can be read.
func claimedOrg(creator []byte) string {
	id := &msppb.SerializedIdentity{}
	if wire.UnmarshalAs14(creator, id) != nil {
		return ""
	}
	return id.Mspid
}

func checkExtension(p *tx.Proposal) (*peerpb.ChaincodeID, error) {
	if t := p.Type(); t != commonpb.HeaderType_ENDORSER_TRANSACTION && t != commonpb.HeaderType_CONFIG {
		return nil, fmt.Errorf("unsupported proposal type %d", t)
	}
	extension := &peerpb.ChaincodeHeaderExtension{}
	switch {
	case proto.Unmarshal(p.Channel.Extension, extension) != nil:
		return nil, errors.New("invalid header extension for type CHAINCODE")
	case extension.ChaincodeId == nil:
		return nil, errors.New("ChaincodeHeaderExtension.ChaincodeId is nil")
	case len(extension.PayloadVisibility) > 0:
		return nil, errors.New("invalid payload visibility field")
	}
	return extension.ChaincodeId, nil
}

// authorize refuses transactions that the channel has seen, and creators who may not propose there. System chaincodes check the rights
// to each of their functions themselves.
func (s *Server) authorize(r *request) error {
	seen, err := r.ledger.HasTx(r.TxID())
	if err != nil {
		return fmt.Errorf("looking up transaction [%s]: %w", r.TxID(), err)
	}
	if seen {
		return &refusalError{refusedDuplicate, fmt.Errorf("duplicate transaction found [%s]. Creator [%x]", r.TxID(), r.Creator())}
	}
	if system.Reserved(r.id.Name) {
		return nil
	}
	if err := s.o.ACL.Check(acl.PeerPropose, r.ChannelID(), r.signed); err != nil {
		return &refusalError{refusedAccess, err}
	}
	return nil
}
