package validation

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	codeValid   = "VALID"
	codeCreator = "BAD_CREATOR_SIGNATURE"
	codePolicy  = "ENDORSEMENT_POLICY_FAILURE"
	codeExpired = "EXPIRED_CHAINCODE"
)

// course is one validator that takes block after block, with all that it remembers from one to the next.
type course struct {
	*network
	v      *Validator
	state  *memory
	number uint64
}

func newCourse(t *testing.T) *course {
	n := newNetwork(t)
	return &course{network: n, v: New(channelID, Options{}), state: n.newMemory()}
}

// codes validates the next block.
func (c *course) codes(txs ...*endorsement) []string {
	c.t.Helper()
	c.number++
	var envelopes [][]byte
	for _, e := range txs {
		envelopes = append(envelopes, c.build(e))
	}
	p, err := c.v.Prepare(c.t.Context(), block.New(c.number, nil, envelopes), c.bundle)
	require.NoError(c.t, err)
	verdict, err := c.v.Decide(c.t.Context(), p, c.state)
	require.NoError(c.t, err)
	var codes []string
	for _, tx := range verdict.Block.Txs {
		codes = append(codes, tx.Code.String())
	}
	return codes
}

// TestRevokedCertificates: who was remembered as somebody is nobody once a configuration revokes the certificate.
func TestRevokedCertificates(t *testing.T) {
	c := newCourse(t)
	byOne := func(creator, endorser *msp.Signer) *endorsement {
		e := c.put("k")
		e.creator, e.endorsers = creator, []*msp.Signer{endorser}
		return e
	}
	txs := func() []*endorsement {
		return []*endorsement{byOne(c.user1, c.peer1), byOne(c.user2, c.peer1), byOne(c.user1, c.peer2), byOne(c.user2, c.peer2)}
	}
	for range 100 { // often enough for every key to have what tables and caches there are
		require.Equal(t, []string{codeValid, codeValid, codeValid, codeValid}, c.codes(txs()...))
	}
	c.configure(revoke(t, c.user1))
	require.Equal(t, []string{codeCreator, codeValid, codeCreator, codeValid}, c.codes(txs()...))
	c.configure(revoke(t, c.peer1))
	require.Equal(t, []string{codeValid, codePolicy, codeValid, codeValid}, c.codes(byOne(c.user1, c.peer2), byOne(c.user2, c.peer1), byOne(c.user1, c.peer2), byOne(c.user2, c.peer2)))
	c.configure(func(*msppb.FabricMSPConfig) {})
	require.Equal(t, []string{codeValid, codeValid, codeValid, codeValid}, c.codes(txs()...))
}

// TestOrganizationLeaves: policies that were compiled, and identities that were parsed, with an organization's MSP are not used without it.
func TestOrganizationLeaves(t *testing.T) {
	c := newCourse(t)
	alone := c.put("k")
	alone.creator, alone.endorsers = c.user2, []*msp.Signer{c.peer1}
	require.Equal(t, []string{codeValid}, c.codes(alone))
	config := proto.CloneOf(c.bundle.Config())
	delete(config.ChannelGroup.Groups["Application"].Groups, "Org1MSP")
	var err error
	c.bundle, err = channelconfig.New(channelID, config)
	require.NoError(t, err)
	require.Equal(t, []string{codePolicy}, c.codes(alone))
}

// TestUpgradedChaincode: the definition that counts is the state's.
func TestUpgradedChaincode(t *testing.T) {
	c := newCourse(t)
	old, alone, both := c.put("k"), c.put("k"), c.put("k")
	alone.endorsers = []*msp.Signer{c.peer1}
	require.Equal(t, []string{codeValid, codeValid}, c.codes(old, alone))
	c.state.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.1", Policy: c.bothPeers})
	alone.version, both.version = "1.1", "1.1"
	require.Equal(t, []string{codeExpired, codePolicy, codeValid}, c.codes(old, alone, both))
	c.state.define(&peerpb.ChaincodeData{Name: "kv", Version: "1.1", Policy: c.eitherPeer})
	require.Equal(t, []string{codeValid, codeValid}, c.codes(alone, both))
}

// configure gives the channel a configuration in which Org1's MSP is changed, beginning with the first one.
func (c *course) configure(change func(*msppb.FabricMSPConfig)) {
	config := proto.CloneOf(bundleWith(c.t).Config())
	value := config.ChannelGroup.Groups["Application"].Groups["Org1MSP"].Values["MSP"]
	outer, inner := &msppb.MSPConfig{}, &msppb.FabricMSPConfig{}
	require.NoError(c.t, proto.Unmarshal(value.Value, outer))
	require.NoError(c.t, proto.Unmarshal(outer.Config, inner))
	change(inner)
	outer.Config = wire.MustMarshal(inner)
	value.Value = wire.MustMarshal(outer)
	var err error
	c.bundle, err = channelconfig.New(channelID, config)
	require.NoError(c.t, err)
}

// revoke adds a list by Org1's CA of the certificate of one of its people.
func revoke(t *testing.T, who *msp.Signer) func(*msppb.FabricMSPConfig) {
	const ca = "crypto/peerOrganizations/org1.example.com/ca/"
	issuerPEM, _ := pem.Decode(vectors.Read(t, "fabric-1.4", ca+"ca.org1.example.com-cert.pem"))
	keyPEM, _ := pem.Decode(vectors.Read(t, "fabric-1.4", ca+"6b15a1dd8aea4b227de9edcaee4be2db031f1b6fd7e991aa0144e80dee1dc47e_sk"))
	issuer, err := x509.ParseCertificate(issuerPEM.Bytes)
	require.NoError(t, err)
	key, err := x509.ParsePKCS8PrivateKey(keyPEM.Bytes)
	require.NoError(t, err)
	id := &msppb.SerializedIdentity{}
	require.NoError(t, proto.Unmarshal(who.Creator(), id))
	certificate, _ := pem.Decode(id.IdBytes)
	revoked, err := x509.ParseCertificate(certificate.Bytes)
	require.NoError(t, err)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.SerialNumber, RevocationTime: time.Now()}},
	}, issuer, key.(crypto.Signer))
	require.NoError(t, err)
	return func(conf *msppb.FabricMSPConfig) {
		conf.RevocationList = append(conf.RevocationList, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}))
	}
}
