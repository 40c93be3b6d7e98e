package msp

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heddleledger/heddle/wire/msppb"
)

// Description says, for people, who an identity claims to be and what the MSPs make of it.
type Description struct {
	MSPID   string // as claimed
	Subject string // of the certificate; this and what follows is empty where none can be read
	Name    string // its common name; the whole subject, if it has none
	Serial  string // hex
	Issuer  string
	From    time.Time
	Until   time.Time
	Role    string // the narrowest that the MSP gives: admin, peer, orderer, client or member; empty for who is not valid
	Problem string // why the identity is not valid; empty if it is. Expiry is not looked at
}

// String describes the certificate in one line, without the problem.
func (d Description) String() string {
	if d.Subject == "" {
		return fmt.Sprintf("an identity of MSP %q without a readable certificate", d.MSPID)
	}
	return fmt.Sprintf("%s (%s), certificate %s of %s, valid from %s to %s", d.Subject, strings.TrimSpace(d.MSPID+" "+d.Role), d.Serial, d.Issuer,
		d.From.UTC().Format(time.RFC3339), d.Until.UTC().Format(time.RFC3339))
}

// Describe reads a serialized identity and says what is wrong with it. It costs as much as parsing the identity anew, and more if it is not valid.
func (m *Manager) Describe(serialized []byte) Description {
	sid, cert := peek(serialized)
	d := Description{MSPID: sid.GetMspid()}
	if cert == nil {
		d.Problem = "its certificate cannot be read"
		return d
	}
	d.Subject, d.Issuer, d.Serial = cert.Subject.String(), cert.Issuer.String(), fmt.Sprintf("%x", cert.SerialNumber)
	d.Name = cmp.Or(cert.Subject.CommonName, d.Subject)
	d.From, d.Until = cert.NotBefore, cert.NotAfter
	own, ok := m.msps[d.MSPID]
	if !ok {
		d.Problem = fmt.Sprintf("MSP %s is unknown here; known are %s", d.MSPID, m.names())
		return d
	}
	id, err := m.Identity(serialized)
	if err == nil {
		err = m.Validate(id)
	}
	if err != nil {
		d.Problem = own.problem(cert, err)
		return d
	}
	d.Role = own.role(id)
	return d
}

func (m *Manager) names() string {
	var names []string
	for _, p := range m.MSPs() {
		names = append(names, p.id)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// problem puts the reason why a certificate is not valid in the MSP into words that say which one, and since when.
func (m *MSP) problem(cert *x509.Certificate, err error) string {
	if since, by := m.revocation(cert); by != nil {
		return fmt.Sprintf("certificate %x was revoked by %s on %s", cert.SerialNumber, by.Subject, since.UTC().Format(time.RFC3339))
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return err.Error()
	}
	var names []string
	for _, ca := range slices.Concat(m.roots, m.intermediates) {
		if bytes.Equal(ca.RawSubject, cert.RawIssuer) {
			return fmt.Sprintf("it was issued by another CA of the same name as %s's, %s: key %x issued it, and the MSP trusts key %x",
				m.id, ca.Subject, cert.AuthorityKeyId, ca.SubjectKeyId)
		}
		names = append(names, ca.Subject.String())
	}
	return fmt.Sprintf("it was issued by %s, which is no CA of %s; its CAs are %s", cert.Issuer, m.id, strings.Join(names, "; "))
}

// revocation finds the entry of a CRL that makes a certificate invalid: when it was revoked, and by which CA.
func (m *MSP) revocation(cert *x509.Certificate) (since time.Time, by *x509.Certificate) {
	for _, ca := range slices.Concat(m.roots, m.intermediates) {
		if cert.CheckSignatureFrom(ca) != nil || m.revoked(cert, ca) == nil {
			continue
		}
		for _, c := range m.crls {
			for _, e := range c.list.RevokedCertificateEntries {
				if bytes.Equal(c.list.AuthorityKeyId, ca.SubjectKeyId) && e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
					return e.RevocationTime, ca
				}
			}
		}
	}
	return time.Time{}, nil
}

// role is the narrowest role of a valid identity.
func (m *MSP) role(id *Identity) string {
	for _, role := range []msppb.MSPRole_MSPRoleType{msppb.MSPRole_ADMIN, msppb.MSPRole_PEER, msppb.MSPRole_ORDERER, msppb.MSPRole_CLIENT} {
		if m.Satisfies(id, Role(m.id, role)) == nil {
			return strings.ToLower(role.String())
		}
	}
	return "member"
}
