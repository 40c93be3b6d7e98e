package msp

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

func FuzzIdentity(f *testing.F) {
	ids := NewManager(loadMSP(f, peerOrg("1")+"/msp", "Org1MSP"))
	for _, name := range []string{
		"crypto/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp/signcerts/User1@org1.example.com-cert.pem",
		"crypto/peerOrganizations/org1.example.com/ca/ca.org1.example.com-cert.pem",
		"crypto-extra/unknown-ca-client/signcerts/cert.pem", "crypto-extra/expired-client/signcerts/cert.pem", "extra/high-s-certificate/creator_cert.pem",
	} {
		f.Add(serialize(f, "Org1MSP", vectors.Path("fabric-1.4", name)))
	}
	creator, err := os.ReadFile(vectors.Path("fabric-1.4", "proposals/creator.pb"))
	require.NoError(f, err)
	f.Add(creator)
	f.Add([]byte{})
	f.Add(wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP", IdBytes: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = ExpiresAt(b)
		_, _, _ = Describe(b)
		id, err := ids.Identity(b)
		if err != nil {
			return
		}
		_ = ids.Validate(id)
		_ = ids.Satisfies(id, Role("Org1MSP", msppb.MSPRole_ADMIN))
		if id.Verify([]byte("m"), b) == nil {
			t.Fatal("an identity is no signature")
		}
	})
}

func FuzzConfig(f *testing.F) {
	user := serialize(f, "Org1MSP", filepath.Join(peerOrg("1"), "users/User1@org1.example.com/msp/signcerts/User1@org1.example.com-cert.pem"))
	for dir, id := range map[string]string{
		peerOrg("1") + "/msp": "Org1MSP",
		vectors.Path("fabric-1.4", "crypto/ordererOrganizations/example.com/msp"): "OrdererMSP",
	} {
		conf, err := LoadDir(dir, id)
		require.NoError(f, err)
		f.Add(conf.Config, int(V1_4_3))
		f.Add(conf.Config, int(V1_0))
	}
	root := newCA(f, "root", nil, lowKey(f))
	f.Add(wire.MustMarshal(&msppb.FabricMSPConfig{Name: "Org1MSP", RootCerts: pemOf(root.cert), RevocationList: [][]byte{root.crl(root.leaf("x"))},
		OrganizationalUnitIdentifiers: []*msppb.FabricOUIdentifier{{Certificate: pemOf(root.cert)[0]}}, FabricNodeOus: nodeOUsOf(root.cert)}), int(V1_1))
	f.Fuzz(func(t *testing.T, b []byte, version int) {
		m, err := New(&msppb.MSPConfig{Config: b}, WithVersion(Version(version)))
		if err != nil {
			return
		}
		ids := NewManager(m)
		if id, err := ids.Identity(user); err == nil {
			_ = ids.Validate(id)
			_ = ids.Satisfies(id, Role("Org1MSP", msppb.MSPRole_PEER))
		}
	})
}

func FuzzPrincipal(f *testing.F) {
	ids := NewManager(loadMSP(f, peerOrg("1")+"/msp", "Org1MSP"))
	user := loadSigner(f, peerOrg("1")+"/users/User1@org1.example.com/msp", "Org1MSP").Creator()
	f.Add(int32(0), Role("Org1MSP", msppb.MSPRole_PEER).Principal)
	f.Add(int32(2), user)
	f.Add(int32(4), wire.MustMarshal(&msppb.CombinedPrincipal{Principals: []*msppb.MSPPrincipal{Role("Org1MSP", msppb.MSPRole_PEER)}}))
	f.Fuzz(func(t *testing.T, class int32, b []byte) {
		id, err := ids.Identity(user)
		require.NoError(t, err)
		_ = ids.Satisfies(id, &msppb.MSPPrincipal{PrincipalClassification: msppb.MSPPrincipal_Classification(class), Principal: b})
	})
}

func BenchmarkVerify(b *testing.B) {
	ids := NewManager(loadMSP(b, peerOrg("1")+"/msp", "Org1MSP"))
	signer := loadSigner(b, peerOrg("1")+"/peers/peer0.org1.example.com/msp", "Org1MSP")
	msg := make([]byte, 4096)
	sig, err := signer.Sign(msg)
	require.NoError(b, err)
	id, err := ids.Identity(signer.Creator())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if id.Verify(msg, sig) != nil {
			b.Fatal("bad signature")
		}
	}
}

func BenchmarkSign(b *testing.B) {
	signer := loadSigner(b, peerOrg("1")+"/peers/peer0.org1.example.com/msp", "Org1MSP")
	msg := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Sign(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIdentity(b *testing.B) {
	m := loadMSP(b, peerOrg("1")+"/msp", "Org1MSP")
	creator := loadSigner(b, peerOrg("1")+"/users/User1@org1.example.com/msp", "Org1MSP").Creator()
	b.Run("first seen", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			id, err := m.Identity(creator)
			if err != nil || m.Validate(id) != nil {
				b.Fatal("refused")
			}
		}
	})
	b.Run("known", func(b *testing.B) {
		ids, member := NewManager(m), Role("Org1MSP", msppb.MSPRole_CLIENT)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				id, err := ids.Identity(creator)
				if err != nil || ids.Validate(id) != nil || ids.Satisfies(id, member) != nil {
					b.Fatal("refused")
				}
			}
		})
	})
}
