package msp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

// ExpiresAt returns the NotAfter of the certificate in a serialized identity, or the zero time where there is none to read:
// an identity that cannot be parsed has other checks to fail.
func ExpiresAt(serialized []byte) time.Time {
	_, cert := peek(serialized)
	if cert == nil {
		return time.Time{}
	}
	return cert.NotAfter
}

// certFromPEM reads the first PEM block of b as a certificate, whatever the block's type says (as Fabric does).
func certFromPEM(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("getCertFromPem error: could not decode pem bytes [%.40q]", b)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("getCertFromPem error: failed to parse x509 cert: %w", err)
	}
	return cert, nil
}

func isECDSASigned(cert *x509.Certificate) bool {
	switch cert.SignatureAlgorithm {
	case x509.ECDSAWithSHA1, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return true
	}
	return false
}

// sanitize returns cert with its signature in canonical DER with low S; mostly that is cert itself. parent signed it.
func sanitize(cert, parent *x509.Certificate) (*x509.Certificate, error) {
	key, ok := parent.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("certificate %x is ECDSA-signed, but its issuer's key is %T", cert.SerialNumber, parent.PublicKey)
	}
	sig, err := lowS(key.Curve, cert.Signature)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(sig, cert.Signature) {
		return cert, nil
	}
	var parts struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.Raw, &parts); err != nil {
		return nil, fmt.Errorf("unmarshalling of the certificate failed: %w", err)
	}
	parts.Signature = asn1.BitString{Bytes: sig, BitLength: len(sig) * 8}
	raw, err := asn1.Marshal(parts)
	if err != nil {
		return nil, fmt.Errorf("marshalling of the certificate failed: %w", err)
	}
	return x509.ParseCertificate(raw)
}

// uniqueChain verifies cert against the pools of opts one second after its own NotBefore and wants exactly one chain,
// leaf first: with two there would be doubt about who owns the identity.
func uniqueChain(cert *x509.Certificate, opts x509.VerifyOptions) ([]*x509.Certificate, error) {
	opts.CurrentTime = cert.NotBefore.Add(time.Second)
	chains, err := cert.Verify(opts)
	if err != nil {
		return nil, fmt.Errorf("the supplied identity is not valid: %w", err)
	}
	if len(chains) != 1 {
		return nil, fmt.Errorf("this MSP only supports a single validation chain, got %d", len(chains))
	}
	return chains[0], nil
}

// checkCA is what every root and intermediate certificate must have.
func checkCA(cert *x509.Certificate) error {
	if !cert.IsCA {
		return fmt.Errorf("CA Certificate did not have the CA attribute, (SN: %x)", cert.SerialNumber)
	}
	if len(cert.SubjectKeyId) == 0 {
		return fmt.Errorf("CA Certificate problem with Subject Key Identifier extension, (SN: %x): %w",
			cert.SerialNumber, errors.New("subjectKeyIdentifier not found in certificate"))
	}
	return nil
}

// Describe returns the MSP id and the subject of the certificate in a serialized identity, for messages to people.
func Describe(serialized []byte) (mspID, subject string, ok bool) {
	id, cert := peek(serialized)
	if cert == nil {
		return "", "", false
	}
	return id.Mspid, cert.Subject.String(), true
}

// peek reads a serialized identity without any MSP, and every one that an MSP would read; the certificate is nil where there is none to read.
func peek(serialized []byte) (*msppb.SerializedIdentity, *x509.Certificate) {
	var id msppb.SerializedIdentity
	if err := wire.UnmarshalAs14(serialized, &id); err != nil {
		return &id, nil
	}
	block, _ := pem.Decode(id.IdBytes)
	if block == nil {
		return &id, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return &id, nil
	}
	return &id, cert
}
