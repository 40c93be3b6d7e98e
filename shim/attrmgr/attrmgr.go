// Package attrmgr reads and writes the attributes that a Fabric CA puts into a certificate: a JSON object in an extension of its own.
package attrmgr

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/msppb"
)

var (
	// AttrOID is the object identifier of the extension.
	AttrOID = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}
	// AttrOIDString is AttrOID as text.
	AttrOIDString = "1.2.3.4.5.6.7.8.1"
)

// Attribute is a name and its value.
type Attribute interface {
	GetName() string
	GetValue() string
}

// AttributeRequest asks for an attribute by name.
type AttributeRequest interface {
	GetName() string
	IsRequired() bool
}

// Attributes is what the extension holds.
type Attributes struct {
	Attrs map[string]string `json:"attrs"`
}

// Names returns the names of all attributes.
func (a *Attributes) Names() []string {
	names := make([]string, 0, len(a.Attrs))
	for n := range a.Attrs {
		names = append(names, n)
	}
	return names
}

// Contains says whether there is an attribute of that name.
func (a *Attributes) Contains(name string) bool {
	_, ok := a.Attrs[name]
	return ok
}

// Value returns the value of an attribute and whether there is one. The error is always nil.
func (a *Attributes) Value(name string) (string, bool, error) {
	v, ok := a.Attrs[name]
	return v, ok, nil
}

// True is nil if the attribute's value is "true".
func (a *Attributes) True(name string) error {
	v, ok := a.Attrs[name]
	switch {
	case !ok:
		return fmt.Errorf("Attribute '%s' was not found", name)
	case v != "true":
		return fmt.Errorf("Attribute '%s' is not true", name)
	}
	return nil
}

// Mgr has no state; its methods are functions under Fabric's names.
type Mgr struct{}

// New returns a Mgr.
func New() *Mgr { return &Mgr{} }

// ProcessAttributeRequestsForCert adds the requested ones of the attributes to a certificate that is yet to be signed.
func (mgr *Mgr) ProcessAttributeRequestsForCert(requests []AttributeRequest, attributes []Attribute, cert *x509.Certificate) error {
	attrs, err := mgr.ProcessAttributeRequests(requests, attributes)
	if err != nil {
		return err
	}
	return mgr.AddAttributesToCert(attrs, cert)
}

// ProcessAttributeRequests picks the requested attributes. A required one that is missing is an error.
func (mgr *Mgr) ProcessAttributeRequests(requests []AttributeRequest, attributes []Attribute) (*Attributes, error) {
	attrs := &Attributes{Attrs: map[string]string{}}
	var missing []string
	for _, r := range requests {
		i := slices.IndexFunc(attributes, func(a Attribute) bool { return a.GetName() == r.GetName() })
		switch {
		case i >= 0:
			attrs.Attrs[r.GetName()] = attributes[i].GetValue()
		case r.IsRequired():
			missing = append(missing, r.GetName())
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("The following required attributes are missing: %+v", missing)
	}
	return attrs, nil
}

// AddAttributesToCert adds the extension to a certificate that is yet to be signed.
func (mgr *Mgr) AddAttributesToCert(attrs *Attributes, cert *x509.Certificate) error {
	b, err := json.Marshal(attrs)
	if err != nil {
		return fmt.Errorf("Failed to marshal attributes: %w", err)
	}
	cert.Extensions = append(cert.Extensions, pkix.Extension{Id: AttrOID, Value: b})
	return nil
}

// GetAttributesFromCert reads the extension; a certificate without one has no attributes.
func (mgr *Mgr) GetAttributesFromCert(cert *x509.Certificate) (*Attributes, error) {
	attrs := &Attributes{}
	i := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(AttrOID) })
	if i < 0 || cert.Extensions[i].Value == nil {
		return attrs, nil
	}
	if err := json.Unmarshal(cert.Extensions[i].Value, attrs); err != nil {
		return nil, fmt.Errorf("Failed to unmarshal attributes from certificate: %w", err)
	}
	return attrs, nil
}

// roleNames are how roles are written in the attribute "role".
var roleNames = map[msppb.MSPRole_MSPRoleType]string{
	msppb.MSPRole_MEMBER: "member",
	msppb.MSPRole_ADMIN:  "admin",
	msppb.MSPRole_CLIENT: "client",
	msppb.MSPRole_PEER:   "peer",
}

// GetAttributesFromIdemix reads the attributes "ou" and "role" of an idemix identity.
func (mgr *Mgr) GetAttributesFromIdemix(creator []byte) (*Attributes, error) {
	if creator == nil {
		return nil, errors.New("creator is nil")
	}
	id, idemix, ou, role := &msppb.SerializedIdentity{}, &msppb.SerializedIdemixIdentity{}, &msppb.OrganizationUnit{}, &msppb.MSPRole{}
	for _, step := range []struct {
		what string
		from func() []byte
		to   proto.Message
	}{
		{"identity", func() []byte { return creator }, id},
		{"idemix identity", func() []byte { return id.IdBytes }, idemix},
		{"ou", func() []byte { return idemix.Ou }, ou},
		{"role", func() []byte { return idemix.Role }, role},
	} {
		if err := proto.Unmarshal(step.from(), step.to); err != nil {
			return nil, fmt.Errorf("failed to unmarshal transaction invoker's %s: %w", step.what, err)
		}
	}
	return &Attributes{Attrs: map[string]string{"ou": ou.OrganizationalUnitIdentifier, "role": roleNames[role.Role]}}, nil
}
