package pack

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Package is a parsed chaincode package. It is immutable; its slices alias Raw where they can.
type Package struct {
	Raw                    []byte // the file
	Spec                   *peerpb.ChaincodeDeploymentSpec
	SpecBytes              []byte // the encoded deployment spec inside Raw
	Name, Version, Path    string
	Type                   peerpb.ChaincodeSpec_Type
	CodeHash, MetaDataHash []byte
	ID                     []byte // the fingerprint as one hash
	File                   string // where the store keeps it; empty if it is not from a store

	// Of signed packages only.
	SignatureHash       []byte
	InstantiationPolicy []byte // encoded common.SignaturePolicyEnvelope
	Owners              []*peerpb.Endorsement
	signed              bool
}

// errNotPackage is Fabric's text for bytes that are neither form of package.
var errNotPackage = errors.New("could not unmarshal chaincode package to CDS or SignedCDS")

// Parse reads a package of either form. Bytes that could be taken for both are a signed package, as in Fabric.
func Parse(raw []byte) (*Package, error) {
	p, signedErr := parseSigned(raw)
	if signedErr == nil {
		return p, nil
	}
	p, bareErr := parseBare(raw)
	if bareErr == nil {
		return p, nil
	}
	return nil, fmt.Errorf("%w (as CDS: %w; as SignedCDS: %w)", errNotPackage, bareErr, signedErr)
}

func parseBare(raw []byte) (*Package, error) {
	p, err := parseSpec(raw)
	if err != nil {
		return nil, err
	}
	p.Raw = raw
	p.ID = hash(p.CodeHash, p.MetaDataHash)
	return p, nil
}

func parseSigned(raw []byte) (*Package, error) {
	_, signed, err := openSigned(raw)
	if err != nil {
		return nil, err
	}
	p, err := parseSpec(signed.ChaincodeDeploymentSpec)
	if err != nil {
		return nil, err
	}
	if signed.InstantiationPolicy == nil {
		return nil, fmt.Errorf("instantiation policy cannot be nil for chaincode (%s:%s)", p.Name, p.Version)
	}
	parts := [][]byte{signed.InstantiationPolicy}
	for _, owner := range signed.OwnerEndorsements {
		parts = append(parts, owner.GetEndorser())
	}
	p.Raw, p.signed = raw, true
	p.InstantiationPolicy, p.Owners = signed.InstantiationPolicy, signed.OwnerEndorsements
	p.SignatureHash = hash(parts...)
	p.ID = hash(p.CodeHash, p.MetaDataHash, p.SignatureHash)
	return p, nil
}

// parseSpec fills what both forms of package have.
func parseSpec(raw []byte) (*Package, error) {
	spec := &peerpb.ChaincodeDeploymentSpec{}
	if err := wire.Unmarshal(raw, spec); err != nil {
		return nil, fmt.Errorf("failed to unmarshal deployment spec from bytes: %w", err)
	}
	id := spec.GetChaincodeSpec().GetChaincodeId()
	if id == nil {
		return nil, errors.New("deployment spec names no chaincode")
	}
	if !printable(id.Name) {
		return nil, fmt.Errorf("invalid chaincode name: %q", id.Name)
	}
	return &Package{
		Spec: spec, SpecBytes: raw,
		Name: id.Name, Version: id.Version, Path: id.Path, Type: spec.ChaincodeSpec.Type,
		CodeHash:     hash(spec.CodePackage),
		MetaDataHash: hash([]byte(id.Name), []byte(id.Version)),
	}, nil
}

// openSigned decodes the envelope of a signed package down to its channel header and its signed deployment spec.
func openSigned(raw []byte) (*commonpb.ChannelHeader, *peerpb.SignedChaincodeDeploymentSpec, error) {
	envelope, payload := &commonpb.Envelope{}, &commonpb.Payload{}
	if err := proto.Unmarshal(raw, envelope); err != nil {
		return nil, nil, fmt.Errorf("failed to unmarshal envelope from bytes: %w", err)
	}
	if err := proto.Unmarshal(envelope.Payload, payload); err != nil {
		return nil, nil, fmt.Errorf("decoding the envelope's payload: %w", err)
	}
	if payload.Header == nil {
		return nil, nil, errors.New("channel header cannot be nil")
	}
	channel, signed := &commonpb.ChannelHeader{}, &peerpb.SignedChaincodeDeploymentSpec{}
	if err := proto.Unmarshal(payload.Header.ChannelHeader, channel); err != nil {
		return nil, nil, fmt.Errorf("decoding the channel header: %w", err)
	}
	if channel.Type != int32(commonpb.HeaderType_CHAINCODE_PACKAGE) {
		return nil, nil, errors.New("invalid type of envelope for chaincode package")
	}
	if err := wire.Unmarshal(payload.Data, signed); err != nil {
		return nil, nil, fmt.Errorf("decoding the signed deployment spec: %w", err)
	}
	return channel, signed, nil
}

// Signed tells whether the package carries an instantiation policy and owner endorsements.
func (p *Package) Signed() bool { return p.signed }

// Data is a new ChaincodeData with what the package determines: name, version, fingerprint, id and, if signed, instantiation policy.
// What a channel chooses (escc, vscc, policy, and the instantiation policy of an unsigned package) is left to lscc.
func (p *Package) Data() *peerpb.ChaincodeData {
	fingerprint := &peerpb.CDSData{Hash: p.CodeHash, Metadatahash: p.MetaDataHash, Signaturehash: p.SignatureHash}
	return &peerpb.ChaincodeData{
		Name: p.Name, Version: p.Version,
		Data:                wire.MustMarshal(fingerprint),
		Id:                  p.ID,
		InstantiationPolicy: p.InstantiationPolicy,
	}
}

// OwnerMessage is what owner i of a signed package has signed: deployment spec, instantiation policy, endorser, one after the other.
func (p *Package) OwnerMessage(i int) []byte {
	return ownerMessage(p.SpecBytes, p.InstantiationPolicy, p.Owners[i].GetEndorser())
}

func ownerMessage(spec, policy, endorser []byte) []byte {
	b := make([]byte, 0, len(spec)+len(policy)+len(endorser))
	return append(append(append(b, spec...), policy...), endorser...)
}

func hash(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) == -1
}
