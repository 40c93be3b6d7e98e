package cid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/shim/attrmgr"
	"github.com/heddleledger/heddle/wire/msppb"
)

// creator is a stub with that serialized identity.
type creator []byte

func (c creator) GetCreator() ([]byte, error) {
	if c == nil {
		return nil, errors.New("no creator here")
	}
	return c, nil
}

func serialized(t testing.TB, mspID string, id []byte) creator {
	t.Helper()
	b, err := proto.Marshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: id})
	require.NoError(t, err)
	return b
}

// certificate is one with attributes, as a Fabric CA makes it.
func certificate(t testing.TB, attributes string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(1),
		Subject:         pkix.Name{CommonName: "user, one", OrganizationalUnit: []string{"client", "org1"}},
		NotAfter:        time.Now().Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: attrmgr.AttrOID, Value: []byte(attributes)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestAttributes(t *testing.T) {
	stub := serialized(t, "Org1MSP", certificate(t, `{"attrs":{"role":"auditor","hf.Type":"client"}}`))
	id, err := New(stub)
	require.NoError(t, err)
	var _ ClientIdentity = id
	msp, err := GetMSPID(stub)
	require.NoError(t, err)
	require.Equal(t, "Org1MSP", msp)
	v, ok, err := GetAttributeValue(stub, "role")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "auditor", v)
	require.NoError(t, AssertAttributeValue(stub, "role", "auditor"))
	require.EqualError(t, AssertAttributeValue(stub, "role", "admin"), "Attribute 'role' equals 'auditor', not 'admin'")
	require.EqualError(t, AssertAttributeValue(stub, "other", "x"), "Attribute 'other' was not found")
	has, err := HasOUValue(stub, "org1")
	require.NoError(t, err)
	require.True(t, has)
	name, err := GetID(stub)
	require.NoError(t, err)
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte(`x509::CN=user\, one,OU=org1+OU=client::CN=user\, one,OU=org1+OU=client`)), name)
	cert, err := GetX509Certificate(stub)
	require.NoError(t, err)
	require.Equal(t, "user, one", cert.Subject.CommonName)
}

// TestFabricIdentity reads the certificate of an administrator that cryptogen made.
func TestFabricIdentity(t *testing.T) {
	b, err := os.ReadFile("../../testdata/fabric-1.4/crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp/signcerts/Admin@org1.example.com-cert.pem")
	require.NoError(t, err)
	name, err := GetID(serialized(t, "Org1MSP", b))
	require.NoError(t, err)
	decoded, err := base64.StdEncoding.DecodeString(name)
	require.NoError(t, err)
	require.Equal(t, "x509::CN=Admin@org1.example.com,OU=admin,L=San Francisco,ST=California,C=US::CN=ca.org1.example.com,O=org1.example.com,L=San Francisco,ST=California,C=US", string(decoded))
}

func TestIdemix(t *testing.T) {
	ou, err := proto.Marshal(&msppb.OrganizationUnit{OrganizationalUnitIdentifier: "org1"})
	require.NoError(t, err)
	role, err := proto.Marshal(&msppb.MSPRole{Role: msppb.MSPRole_ADMIN})
	require.NoError(t, err)
	idemix, err := proto.Marshal(&msppb.SerializedIdemixIdentity{Ou: ou, Role: role})
	require.NoError(t, err)
	stub := serialized(t, "IdemixMSP", idemix)
	require.NoError(t, AssertAttributeValue(stub, "ou", "org1"))
	require.NoError(t, AssertAttributeValue(stub, "role", "admin"))
	_, err = GetID(stub)
	require.ErrorContains(t, err, "cannot determine identity")
	_, err = HasOUValue(stub, "x")
	require.Error(t, err)
}

func TestBadIdentities(t *testing.T) {
	for name, c := range map[string]struct {
		stub creator
		want string
	}{
		"none":            {nil, "no creator here"},
		"not an identity": {creator{0xff}, "failed to unmarshal transaction invoker's identity"},
		"not a PEM":       {serialized(t, "x", []byte{0xff}), "PEM block not found"},
		"not X.509":       {serialized(t, "x", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), "failed to parse certificate"},
		"bad attributes":  {serialized(t, "x", certificate(t, "{")), "Failed to unmarshal attributes"},
	} {
		_, err := New(c.stub)
		require.ErrorContains(t, err, c.want, name)
	}
}

func FuzzNew(f *testing.F) {
	f.Add([]byte(serialized(f, "Org1MSP", certificate(f, `{"attrs":{"a":"b"}}`))))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := New(creator(b))
		if err == nil {
			_, _ = id.GetID() // any answer but a panic
			_, _, _ = id.GetAttributeValue("a")
		}
	})
}
