package pack_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const network = "fabric-1.4"

func readPackage(t testing.TB, file string) *pack.Package {
	t.Helper()
	p, err := pack.Parse(vectors.Read(t, network, "packages", file))
	require.NoError(t, err)
	return p
}

func TestHashesOfPackages(t *testing.T) {
	facts := vectors.JSON[map[string]struct {
		Format   string `json:"format"`
		CodeHash string `json:"code_hash_hex"`
		Metadata string `json:"metadata_hash_hex"`
		ID       string `json:"id_if_unsigned_hex"`
		Policy   []byte `json:"instantiation_policy_base64"`
		Owners   []struct {
			Endorser, Signature []byte
		} `json:"owner_endorsements"`
	}](t, network, "packages", "packages.json")
	checked := 0
	for file, want := range facts {
		if filepath.Ext(file) != ".pkg" {
			continue
		}
		checked++
		p := readPackage(t, file)
		require.Equal(t, want.CodeHash, hex.EncodeToString(p.CodeHash), file)
		require.Equal(t, want.Metadata, hex.EncodeToString(p.MetaDataHash), file)
		require.Equal(t, want.Format != "ChaincodeDeploymentSpec", p.Signed(), file)
		require.Equal(t, want.Policy, p.InstantiationPolicy, file)
		require.Len(t, p.Owners, len(want.Owners), file)
		for i, o := range want.Owners {
			require.Equal(t, o.Endorser, p.Owners[i].Endorser, file)
			requireSignature(t, o.Endorser, p.OwnerMessage(i), o.Signature)
		}
		if !p.Signed() {
			require.Equal(t, want.ID, hex.EncodeToString(p.ID), file)
		}
	}
	require.Equal(t, 8, checked)
}

func TestInstalledIDs(t *testing.T) {
	facts := vectors.JSON[struct {
		IDs map[string]string `json:"installed_ids"`
	}](t, network, "packages", "packages.json")
	store, err := pack.OpenStore(t.TempDir())
	require.NoError(t, err)
	for _, file := range []string{"both.1.0", "kv.1.0", "kv.2.0", "kvjava.1.0", "kvnode.1.0", "signedcc.1.0"} {
		p, err := store.Install(vectors.Read(t, network, "packages", "installed", file))
		require.NoError(t, err)
		require.Equal(t, file, filepath.Base(p.File))
		require.Equal(t, facts.IDs[p.Name+":"+p.Version], hex.EncodeToString(p.ID), file)
	}
}

// TestDataOfSignedPackage makes the value that lscc stored for a signed package, byte for byte.
func TestDataOfSignedPackage(t *testing.T) {
	want := vectors.Read(t, network, "packages", "signedcc.chaincode_data.pb")
	stored := &peerpb.ChaincodeData{}
	require.NoError(t, proto.Unmarshal(want, stored))
	p := readPackage(t, "signedcc.signed-by-both.pkg")
	d := p.Data()
	d.Escc, d.Vscc, d.Policy = "escc", "vscc", stored.Policy
	require.Equal(t, want, wire.MustMarshal(d))
	require.NoError(t, p.Check(stored))
}

// TestDataOfBarePackage does the same for the bare packages that the chain's blocks instantiate.
func TestDataOfBarePackage(t *testing.T) {
	p := readPackage(t, "kv.unsigned.pkg")
	d := p.Data()
	fingerprint := &peerpb.CDSData{}
	require.NoError(t, proto.Unmarshal(d.Data, fingerprint))
	require.Equal(t, p.CodeHash, fingerprint.Hash)
	require.Equal(t, p.MetaDataHash, fingerprint.Metadatahash)
	require.Nil(t, fingerprint.Signaturehash)
	require.Nil(t, d.InstantiationPolicy)
	require.NoError(t, p.Check(d))
}

func TestCreateMakesTheSameBytes(t *testing.T) {
	for _, file := range []string{"kv.unsigned.pkg", "kv-node.pkg", "kv-java.pkg", "kv.otherpath.pkg"} {
		p := readPackage(t, file)
		raw, err := pack.Create(p.Spec)
		require.NoError(t, err)
		require.Equal(t, p.Raw, raw, file)
	}
	want := readPackage(t, "signedcc.cds-only-envelope.pkg")
	at := time.Date(2026, 11, 20, 11, 55, 58, 999, time.UTC)
	raw, err := pack.CreateSigned(want.Spec, want.InstantiationPolicy, nil, at)
	require.NoError(t, err)
	require.Equal(t, want.Raw, raw)
}

// replay is an owner whose signature is already known.
type replay struct{ *peerpb.Endorsement }

func (r replay) Creator() []byte             { return r.Endorser }
func (r replay) Sign([]byte) ([]byte, error) { return r.Signature, nil }

func TestSigningMakesTheSameBytes(t *testing.T) {
	one, both := readPackage(t, "signedcc.signed.pkg"), readPackage(t, "signedcc.signed-by-both.pkg")
	at := time.Date(2026, 11, 20, 11, 55, 59, 0, time.UTC)
	raw, err := pack.CreateSigned(one.Spec, one.InstantiationPolicy, replay{one.Owners[0]}, at)
	require.NoError(t, err)
	require.Equal(t, one.Raw, raw)
	raw, err = pack.AddOwner(raw, replay{both.Owners[1]}, at)
	require.NoError(t, err)
	require.Equal(t, both.Raw, raw)
}

func TestAddOwnerRefuses(t *testing.T) {
	owner := replay{&peerpb.Endorsement{Endorser: []byte("me"), Signature: []byte("sig")}}
	_, err := pack.AddOwner(vectors.Read(t, network, "packages", "kv.unsigned.pkg"), owner, time.Time{})
	require.EqualError(t, err, "channel header cannot be nil")
	_, err = pack.AddOwner(vectors.Read(t, network, "packages", "signedcc.cds-only-envelope.pkg"), owner, time.Time{})
	require.EqualError(t, err, "invalid signed deployment spec")
}

func TestParseRefuses(t *testing.T) {
	const text = "could not unmarshal chaincode package to CDS or SignedCDS"
	noPolicy := func() []byte {
		data := wire.MustMarshal(&peerpb.SignedChaincodeDeploymentSpec{ChaincodeDeploymentSpec: readPackage(t, "kv.unsigned.pkg").Raw})
		h := wire.MustMarshal(&commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_CHAINCODE_PACKAGE)})
		p := wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{ChannelHeader: h}, Data: data})
		return wire.MustMarshal(&commonpb.Envelope{Payload: p})
	}
	for name, raw := range map[string][]byte{
		"empty":          nil,
		"text":           []byte(`{"name": "not a package"}`),
		"no spec":        wire.MustMarshal(&peerpb.ChaincodeDeploymentSpec{CodePackage: []byte("x")}),
		"no id":          wire.MustMarshal(&peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{}}),
		"unprintable":    bare("k\x01v", "1.0", "code"),
		"other envelope": vectors.Read(t, network, "config", "mychannel.tx"),
		"no policy":      noPolicy(),
		"truncated":      readPackage(t, "kv.unsigned.pkg").Raw[:1000],
	} {
		_, err := pack.Parse(raw)
		require.ErrorContains(t, err, text, name)
	}
}

func TestCheckTellsWhatDiffers(t *testing.T) {
	signed := readPackage(t, "signedcc.signed-by-both.pkg")
	other, err := pack.Parse(bare("kv", "1.0", "other code"))
	require.NoError(t, err)
	kv := readPackage(t, "kv.unsigned.pkg")

	err = kv.Check(other.Data())
	require.ErrorIs(t, err, pack.ErrFingerprint)
	require.Regexp(t, `^chaincode fingerprint mismatch: data mismatch: code hash: channel `+hex.EncodeToString(other.CodeHash)+
		`, installed `+hex.EncodeToString(kv.CodeHash)+`; .*source path example.com/kv`, err.Error())
	require.NotContains(t, err.Error(), "metadata hash:")

	err = signed.Check(readPackage(t, "signedcc.signed.pkg").Data())
	require.ErrorContains(t, err, "data mismatch: signature hash: channel ")
	d := signed.Data()
	d.Data = wire.MustMarshal(&peerpb.CDSData{Hash: signed.CodeHash, Metadatahash: signed.MetaDataHash})
	require.ErrorContains(t, signed.Check(d), "data mismatch: signature hash: channel none, installed ")

	d = kv.Data()
	d.Version = "2.0"
	require.ErrorContains(t, kv.Check(d), "chaincode fingerprint mismatch: invalid chaincode data kv:2.0 (kv:1.0)")
	d = kv.Data()
	d.Data = []byte{0xff}
	require.ErrorContains(t, kv.Check(d), "chaincode fingerprint mismatch: the channel's definition")
	require.Error(t, kv.Check(nil))
}

func bare(name, version, code string) []byte {
	return wire.MustMarshal(&peerpb.ChaincodeDeploymentSpec{
		ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type:        peerpb.ChaincodeSpec_GOLANG,
			ChaincodeId: &peerpb.ChaincodeID{Name: name, Version: version, Path: "example.com/" + name},
		},
		CodePackage: []byte(code),
	})
}

func requireSignature(t *testing.T, endorser, message, signature []byte) {
	t.Helper()
	id := &msppb.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(endorser, id))
	block, _ := pem.Decode(id.IdBytes)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	digest := sha256.Sum256(message)
	require.True(t, ecdsa.VerifyASN1(cert.PublicKey.(*ecdsa.PublicKey), digest[:], signature))
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"kv.unsigned.pkg", "signedcc.signed-by-both.pkg", "signedcc.cds-only-envelope.pkg"} {
		f.Add(vectors.Read(f, network, "packages", file))
	}
	f.Add([]byte{0x0a, 0x00})
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := pack.Parse(raw)
		if err != nil {
			return
		}
		require.Equal(t, raw, p.Raw)
		require.NoError(t, p.Check(p.Data()))
		for i := range p.Owners {
			p.OwnerMessage(i)
		}
		_, _ = pack.AddOwner(raw, replay{&peerpb.Endorsement{}}, time.Time{})
	})
}
