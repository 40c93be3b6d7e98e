package attrmgr

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

type attribute struct{ name, value string }

func (a attribute) GetName() string  { return a.name }
func (a attribute) GetValue() string { return a.value }

type wanted struct {
	name     string
	required bool
}

func (w wanted) GetName() string  { return w.name }
func (w wanted) IsRequired() bool { return w.required }

func TestAttributesRoundTrip(t *testing.T) {
	attributes := []Attribute{attribute{"a", "1"}, attribute{"b", "true"}, attribute{"c", "3"}}
	cert := &x509.Certificate{}
	require.NoError(t, New().ProcessAttributeRequestsForCert([]AttributeRequest{wanted{"a", true}, wanted{"b", false}, wanted{"z", false}}, attributes, cert))
	require.Equal(t, `{"attrs":{"a":"1","b":"true"}}`, string(cert.Extensions[0].Value))
	require.Equal(t, AttrOIDString, cert.Extensions[0].Id.String())
	got, err := New().GetAttributesFromCert(cert)
	require.NoError(t, err)
	names := got.Names()
	slices.Sort(names)
	require.Equal(t, []string{"a", "b"}, names)
	require.True(t, got.Contains("a"))
	require.NoError(t, got.True("b"))
	require.EqualError(t, got.True("a"), "Attribute 'a' is not true")
	require.EqualError(t, got.True("c"), "Attribute 'c' was not found")

	require.EqualError(t, New().ProcessAttributeRequestsForCert([]AttributeRequest{wanted{"y", true}, wanted{"z", true}}, attributes, cert),
		"The following required attributes are missing: [y z]")
	none, err := New().GetAttributesFromCert(&x509.Certificate{})
	require.NoError(t, err)
	require.Empty(t, none.Names())
	_, err = New().GetAttributesFromIdemix(nil)
	require.EqualError(t, err, "creator is nil")
	_, err = New().GetAttributesFromIdemix([]byte{0xff})
	require.ErrorContains(t, err, "failed to unmarshal transaction invoker's identity")
}
