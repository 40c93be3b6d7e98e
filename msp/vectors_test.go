package msp

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// inTheYear is a clock at which the vectors' certificates are valid.
func inTheYear() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

func peerOrg(n string) string {
	return vectors.Path("fabric-1.4", "crypto/peerOrganizations/org"+n+".example.com")
}

func loadMSP(t testing.TB, dir, id string, opts ...Option) *MSP {
	t.Helper()
	conf, err := LoadDir(dir, id)
	require.NoError(t, err)
	m, err := New(conf, opts...)
	require.NoError(t, err)
	return m
}

func loadSigner(t testing.TB, dir, id string) *Signer {
	t.Helper()
	s, err := LoadSigner(dir, id, WithClock(inTheYear))
	require.NoError(t, err)
	return s
}

func serialize(t testing.TB, mspID, certFile string) []byte {
	t.Helper()
	b, err := os.ReadFile(certFile)
	require.NoError(t, err)
	return wire.MustMarshal(&msppb.SerializedIdentity{Mspid: mspID, IdBytes: b})
}

func TestRolesOfTheVectors(t *testing.T) {
	m := NewManager(
		loadMSP(t, peerOrg("1")+"/msp", "Org1MSP"),
		loadMSP(t, peerOrg("2")+"/msp", "Org2MSP"),
		loadMSP(t, vectors.Path("fabric-1.4", "crypto/ordererOrganizations/example.com/msp"), "OrdererMSP"),
	)
	require.Len(t, m.MSPs(), 3)
	for _, c := range []struct {
		dir, msp string
		roles    []msppb.MSPRole_MSPRoleType
	}{
		{peerOrg("1") + "/peers/peer0.org1.example.com/msp", "Org1MSP", []msppb.MSPRole_MSPRoleType{msppb.MSPRole_PEER}},
		{peerOrg("1") + "/users/User1@org1.example.com/msp", "Org1MSP", []msppb.MSPRole_MSPRoleType{msppb.MSPRole_CLIENT}},
		{peerOrg("1") + "/users/Admin@org1.example.com/msp", "Org1MSP", []msppb.MSPRole_MSPRoleType{msppb.MSPRole_ADMIN}},
		{peerOrg("2") + "/users/Admin@org2.example.com/msp", "Org2MSP", []msppb.MSPRole_MSPRoleType{msppb.MSPRole_ADMIN}},
		{vectors.Path("fabric-1.4", "crypto/ordererOrganizations/example.com/users/Admin@example.com/msp"), "OrdererMSP",
			[]msppb.MSPRole_MSPRoleType{msppb.MSPRole_ADMIN}},
		{vectors.Path("fabric-1.4", "crypto/ordererOrganizations/example.com/orderers/orderer.example.com/msp"), "OrdererMSP", nil},
	} {
		s := loadSigner(t, c.dir, c.msp)
		id, err := m.Identity(s.Creator())
		require.NoError(t, err)
		require.Equal(t, c.msp, id.MSPID())
		require.Equal(t, s.Identity().ID(), id.ID())
		require.NoError(t, m.Validate(id))
		require.NoError(t, m.Satisfies(id, Role(c.msp, msppb.MSPRole_MEMBER)))
		require.Error(t, m.Satisfies(id, Role("Org9MSP", msppb.MSPRole_MEMBER)))
		for _, role := range nodeRoles {
			err := m.Satisfies(id, Role(c.msp, role))
			if len(c.roles) > 0 && c.roles[0] == role {
				require.NoError(t, err, "%s as %s", c.dir, role)
			} else {
				require.Error(t, err, "%s as %s", c.dir, role)
			}
		}
		sig, err := s.Sign([]byte("message"))
		require.NoError(t, err)
		require.NoError(t, id.Verify([]byte("message"), sig))
		require.EqualError(t, id.Verify([]byte("massage"), sig), "The signature is invalid")
	}
}

func TestTextsThatClientsSee(t *testing.T) {
	org1 := NewManager(loadMSP(t, peerOrg("1")+"/msp", "Org1MSP"))
	user, err := org1.Identity(loadSigner(t, peerOrg("1")+"/users/User1@org1.example.com/msp", "Org1MSP").Creator())
	require.NoError(t, err)
	require.EqualError(t, org1.Satisfies(user, Role("Org1MSP", msppb.MSPRole_ADMIN)),
		"The identity is not an admin under this MSP [Org1MSP]: The identity does not contain OU [ADMIN], MSP: [Org1MSP]")
	require.EqualError(t, org1.Satisfies(user, Role("Org1MSP", msppb.MSPRole_PEER)),
		"The identity is not a [PEER] under this MSP [Org1MSP]: The identity does not contain OU [PEER], MSP: [Org1MSP]")
	_, err = org1.Identity(wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org9MSP"}))
	require.EqualError(t, err, "MSP Org9MSP is unknown")
	_, err = org1.Identity(wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP", IdBytes: []byte("junk")}))
	require.EqualError(t, err, "could not decode the PEM structure")

	_, err = LoadSigner(vectors.Path("fabric-1.4", "crypto-extra/expired-client"), "Org1MSP")
	require.Error(t, err)
	_, err = LoadSigner(peerOrg("1")+"/users/User1@org1.example.com/msp", "Org1MSP",
		WithClock(func() time.Time { return time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC) }))
	require.ErrorContains(t, err, "signing identity expired ")
	_, err = LoadSigner(peerOrg("1")+"/msp", "Org1MSP")
	require.ErrorContains(t, err, "could not load a valid signer certificate from directory")
}

func TestStrangersAreRefused(t *testing.T) {
	org1 := NewManager(loadMSP(t, peerOrg("1")+"/msp", "Org1MSP"))
	for dir, text := range map[string]string{
		"unknown-ca-client": "x509: certificate signed by unknown authority",
		// This one says it is older than the CA that signed it.
		"expired-client": "x509: certificate has expired or is not yet valid",
	} {
		_, err := org1.Identity(serialize(t, "Org1MSP", vectors.Path("fabric-1.4", "crypto-extra", dir, "signcerts/cert.pem")))
		require.ErrorContains(t, err, text, dir)
	}
	// A CA of the MSP is nobody's identity, and Org2's user is not Org1's.
	ca, err := org1.Identity(serialize(t, "Org1MSP", peerOrg("1")+"/ca/ca.org1.example.com-cert.pem"))
	require.NoError(t, err)
	require.ErrorContains(t, org1.Validate(ca), "Certificate Authority equals true cannot be used as an identity")
	_, err = org1.Identity(serialize(t, "Org1MSP", peerOrg("2")+"/users/User1@org2.example.com/msp/signcerts/User1@org2.example.com-cert.pem"))
	require.ErrorContains(t, err, "unknown authority")
}

func TestHighSCertificateIsSanitised(t *testing.T) {
	org1 := NewManager(loadMSP(t, peerOrg("1")+"/msp", "Org1MSP"))
	dir := vectors.Path("fabric-1.4", "extra/high-s-certificate")
	asSent := serialize(t, "Org1MSP", filepath.Join(dir, "creator_cert.pem"))
	id, err := org1.Identity(asSent)
	require.NoError(t, err)
	require.NoError(t, org1.Validate(id))
	require.NoError(t, org1.Satisfies(id, Role("Org1MSP", msppb.MSPRole_CLIENT)))

	clean := wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP",
		IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate().Raw})})
	require.NotEqual(t, asSent, clean)
	low, err := org1.Identity(clean)
	require.NoError(t, err)
	require.Equal(t, id.ID(), low.ID(), "both spellings are one identity")
	require.NoError(t, low.Certificate().CheckSignatureFrom(id.msp.roots[0]))

	var env commonpb.Envelope
	b, err := os.ReadFile(filepath.Join(dir, "envelope.pb"))
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, &env))
	require.NoError(t, id.Verify(env.Payload, env.Signature))
}

func TestSignaturesOfTheVectors(t *testing.T) {
	m := NewManager(loadMSP(t, peerOrg("1")+"/msp", "Org1MSP"), loadMSP(t, peerOrg("2")+"/msp", "Org2MSP"))
	for _, org := range []string{"org1", "org2"} {
		var resp peerpb.ProposalResponse
		b := vectors.Read(t, "fabric-1.4", "proposals/proposal_response_"+org+".pb")
		require.NoError(t, proto.Unmarshal(b, &resp))
		id, err := m.Identity(resp.Endorsement.Endorser)
		require.NoError(t, err)
		require.NoError(t, id.Verify(append(resp.Payload, resp.Endorsement.Endorser...), resp.Endorsement.Signature))
	}
}

func TestConfigOfTheVectorsChannel(t *testing.T) {
	var b commonpb.Block
	raw := vectors.Read(t, "fabric-1.4", "config/mychannel.block")
	require.NoError(t, proto.Unmarshal(raw, &b))
	var env commonpb.Envelope
	require.NoError(t, proto.Unmarshal(b.Data.Data[0], &env))
	var payload commonpb.Payload
	require.NoError(t, proto.Unmarshal(env.Payload, &payload))
	var conf commonpb.ConfigEnvelope
	require.NoError(t, proto.Unmarshal(payload.Data, &conf))
	group := conf.Config.ChannelGroup.Groups["Application"].Groups["Org1MSP"]
	var mc msppb.MSPConfig
	require.NoError(t, proto.Unmarshal(group.Values["MSP"].Value, &mc))
	for _, v := range []Version{V1_0, V1_1, V1_3, V1_4_3} {
		m, err := New(&mc, WithVersion(v))
		if v < V1_4_3 {
			// Without an admin in the list the organization has none under the older rules; it loads all the same.
			require.NoError(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "Org1MSP", m.ID())
		require.Len(t, m.TLSRootCerts(), 1)
		fromDir, err := LoadDir(peerOrg("1")+"/msp", "Org1MSP")
		require.NoError(t, err)
		require.Equal(t, mc.Config, fromDir.Config, "the bytes configtxgen makes of the same directory")
	}
}

func TestExpiresAt(t *testing.T) {
	s := loadSigner(t, peerOrg("1")+"/users/User1@org1.example.com/msp", "Org1MSP")
	require.Equal(t, s.Identity().ExpiresAt(), ExpiresAt(s.Creator()))
	odd := protowire.AppendBytes(protowire.AppendVarint(slices.Clone(s.Creator()), 1<<29<<3|uint64(protowire.BytesType)), []byte("x"))
	_, err := NewManager(s.MSP()).Identity(odd)
	require.NoError(t, err, "1.4 takes this encoding")
	require.Equal(t, s.Identity().ExpiresAt(), ExpiresAt(odd), "so it must not hide when the identity ends")
	require.True(t, ExpiresAt(nil).IsZero())
	require.True(t, ExpiresAt([]byte("junk")).IsZero())
	require.True(t, ExpiresAt(wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "a", IdBytes: []byte("junk")})).IsZero())
	var _ *x509.Certificate = s.Identity().Certificate()
}
