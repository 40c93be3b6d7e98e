// Package cid tells a chaincode who called it: MSP id, certificate, and the attributes a Fabric CA put into the certificate.
package cid

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/shim/attrmgr"
	"github.com/heddleledger/heddle/wire/msppb"
)

// ChaincodeStubInterface is the part of the stub this package needs.
type ChaincodeStubInterface interface {
	// GetCreator returns the serialized identity of the client.
	GetCreator() ([]byte, error)
}

// ClientIdentity is who called.
type ClientIdentity interface {
	// GetID returns an id that is unique within the MSP and stays when the certificate is renewed.
	GetID() (string, error)
	// GetMSPID returns the MSP id.
	GetMSPID() (string, error)
	// GetAttributeValue returns an attribute of the certificate, and whether it has it.
	GetAttributeValue(attrName string) (value string, found bool, err error)
	// AssertAttributeValue is an error unless the certificate has the attribute, with that value.
	AssertAttributeValue(attrName, attrValue string) error
	// GetX509Certificate returns the certificate, nil for an idemix identity.
	GetX509Certificate() (*x509.Certificate, error)
}

// ClientID is the ClientIdentity of one transaction's creator.
type ClientID struct {
	mspID string
	cert  *x509.Certificate // nil for an idemix identity
	attrs *attrmgr.Attributes
}

// New reads the identity of the transaction's creator.
func New(stub ChaincodeStubInterface) (*ClientID, error) {
	creator, err := stub.GetCreator()
	if err != nil {
		return nil, fmt.Errorf("failed to get transaction invoker's identity from the chaincode stub: %w", err)
	}
	if creator == nil {
		return nil, errors.New("failed to get transaction invoker's identity from the chaincode stub: it has no creator")
	}
	id := &msppb.SerializedIdentity{}
	if err := proto.Unmarshal(creator, id); err != nil {
		return nil, fmt.Errorf("failed to unmarshal transaction invoker's identity: %w", err)
	}
	block, _ := pem.Decode(id.IdBytes)
	if block == nil {
		attrs, err := attrmgr.New().GetAttributesFromIdemix(creator)
		if err != nil {
			return nil, fmt.Errorf("Expecting a PEM-encoded X509 certificate; PEM block not found, nor an idemix credential: %w", err)
		}
		return &ClientID{mspID: id.Mspid, attrs: attrs}, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("failed to parse certificate: %w", err)
	}
	attrs, err := attrmgr.New().GetAttributesFromCert(cert)
	if err != nil {
		return nil, fmt.Errorf("failed to get attributes from the transaction invoker's certificate: %w", err)
	}
	return &ClientID{mspID: id.Mspid, cert: cert, attrs: attrs}, nil
}

// GetID returns base64("x509::<subject>::<issuer>"), the names written as RFC 2253 has it.
func (c *ClientID) GetID() (string, error) {
	if c.cert == nil {
		return "", errors.New("cannot determine identity: the creator has no X.509 certificate")
	}
	id := fmt.Sprintf("x509::%s::%s", c.cert.Subject.ToRDNSequence(), c.cert.Issuer.ToRDNSequence())
	return base64.StdEncoding.EncodeToString([]byte(id)), nil
}

// GetMSPID returns the MSP id.
func (c *ClientID) GetMSPID() (string, error) { return c.mspID, nil }

// GetAttributeValue returns an attribute, and whether there is one.
func (c *ClientID) GetAttributeValue(attrName string) (value string, found bool, err error) {
	return c.attrs.Value(attrName)
}

// AssertAttributeValue is an error unless the attribute has that value.
func (c *ClientID) AssertAttributeValue(attrName, attrValue string) error {
	v, ok, err := c.attrs.Value(attrName)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("Attribute '%s' was not found", attrName)
	case v != attrValue:
		return fmt.Errorf("Attribute '%s' equals '%s', not '%s'", attrName, v, attrValue)
	}
	return nil
}

// HasOUValue says whether the certificate's subject has that organizational unit.
func (c *ClientID) HasOUValue(OUValue string) (bool, error) {
	if c.cert == nil {
		return false, errors.New("cannot obtain an X509 certificate for the identity")
	}
	return slices.Contains(c.cert.Subject.OrganizationalUnit, OUValue), nil
}

// GetX509Certificate returns the certificate, nil for an idemix identity.
func (c *ClientID) GetX509Certificate() (*x509.Certificate, error) { return c.cert, nil }

// GetID is New and ClientID.GetID.
func GetID(stub ChaincodeStubInterface) (string, error) {
	c, err := New(stub)
	if err != nil {
		return "", err
	}
	return c.GetID()
}

// GetMSPID is New and ClientID.GetMSPID.
func GetMSPID(stub ChaincodeStubInterface) (string, error) {
	c, err := New(stub)
	if err != nil {
		return "", err
	}
	return c.GetMSPID()
}

// GetAttributeValue is New and ClientID.GetAttributeValue.
func GetAttributeValue(stub ChaincodeStubInterface, attrName string) (value string, found bool, err error) {
	c, err := New(stub)
	if err != nil {
		return "", false, err
	}
	return c.GetAttributeValue(attrName)
}

// AssertAttributeValue is New and ClientID.AssertAttributeValue.
func AssertAttributeValue(stub ChaincodeStubInterface, attrName, attrValue string) error {
	c, err := New(stub)
	if err != nil {
		return err
	}
	return c.AssertAttributeValue(attrName, attrValue)
}

// HasOUValue is New and ClientID.HasOUValue.
func HasOUValue(stub ChaincodeStubInterface, OUValue string) (bool, error) {
	c, err := New(stub)
	if err != nil {
		return false, err
	}
	return c.HasOUValue(OUValue)
}

// GetX509Certificate is New and ClientID.GetX509Certificate.
func GetX509Certificate(stub ChaincodeStubInterface) (*x509.Certificate, error) {
	c, err := New(stub)
	if err != nil {
		return nil, err
	}
	return c.GetX509Certificate()
}
