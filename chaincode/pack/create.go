package pack

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Create makes a bare package.
func Create(spec *peerpb.ChaincodeDeploymentSpec) ([]byte, error) {
	if spec == nil {
		return nil, errors.New("invalid chaincode deployment spec")
	}
	return wire.Marshal(spec)
}

// CreateSigned makes a signed package with an encoded common.SignaturePolicyEnvelope as its instantiation policy. With a nil owner nobody
// endorses it yet. now goes into the envelope's header, in whole seconds.
func CreateSigned(spec *peerpb.ChaincodeDeploymentSpec, policy []byte, owner tx.Signer, now time.Time) ([]byte, error) {
	raw, err := Create(spec)
	if err != nil {
		return nil, err
	}
	if policy == nil {
		return nil, errors.New("must provide an instantiation policy")
	}
	signed := &peerpb.SignedChaincodeDeploymentSpec{ChaincodeDeploymentSpec: raw, InstantiationPolicy: policy}
	if owner != nil {
		if err := endorse(signed, owner); err != nil {
			return nil, err
		}
	}
	return seal(signed, now)
}

// AddOwner makes from a signed package that has at least one owner the same package with owner's endorsement added.
func AddOwner(raw []byte, owner tx.Signer, now time.Time) ([]byte, error) {
	_, signed, err := openSigned(raw)
	if err != nil {
		return nil, err
	}
	if signed.ChaincodeDeploymentSpec == nil || signed.InstantiationPolicy == nil || signed.OwnerEndorsements == nil {
		return nil, errors.New("invalid signed deployment spec")
	}
	if err := endorse(signed, owner); err != nil {
		return nil, err
	}
	return seal(signed, now)
}

func endorse(signed *peerpb.SignedChaincodeDeploymentSpec, owner tx.Signer) error {
	endorser := owner.Creator()
	signature, err := owner.Sign(ownerMessage(signed.ChaincodeDeploymentSpec, signed.InstantiationPolicy, endorser))
	if err != nil {
		return fmt.Errorf("Could not sign the ccpackage, err %w", err)
	}
	signed.OwnerEndorsements = append(signed.OwnerEndorsements, &peerpb.Endorsement{Endorser: endorser, Signature: signature})
	return nil
}

func seal(signed *peerpb.SignedChaincodeDeploymentSpec, now time.Time) ([]byte, error) {
	channel := &commonpb.ChannelHeader{
		Type:      int32(commonpb.HeaderType_CHAINCODE_PACKAGE),
		Timestamp: &timestamppb.Timestamp{Seconds: now.Unix()},
	}
	data, err := wire.Marshal(signed)
	if err != nil {
		return nil, err
	}
	payload := &commonpb.Payload{Header: &commonpb.Header{ChannelHeader: wire.MustMarshal(channel)}, Data: data}
	return wire.Marshal(&commonpb.Envelope{Payload: wire.MustMarshal(payload)})
}
