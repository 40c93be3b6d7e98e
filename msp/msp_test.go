package msp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

func TestIntermediateCAs(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	one, two := newCA(t, "one", root, lowKey(t)), newCA(t, "two", root, lowKey(t))
	below := newCA(t, "below two", two, lowKey(t))
	admin := one.leaf("admin")
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), IntermediateCerts: pemOf(one.cert, two.cert, below.cert), Admins: pemOf(admin)})
	require.NoError(t, validates(m, one.leaf("a")))
	require.NoError(t, validates(m, below.leaf("a")))
	// Only the outermost CAs of the tree certify members.
	require.ErrorContains(t, validates(m, root.leaf("a")), "Parent certificate should be a leaf of the certification tree")
	require.ErrorContains(t, validates(m, two.leaf("a")), "Parent certificate should be a leaf of the certification tree")
	require.ErrorContains(t, validates(m, one.cert), "cannot be used as an identity")
	require.ErrorContains(t, validates(m, newCA(t, "root", nil, lowKey(t)).leaf("a")), "unknown authority")
}

func TestRevocation(t *testing.T) {
	root, other := newCA(t, "root", nil, lowKey(t)), newCA(t, "root", nil, lowKey(t))
	admin, gone, forged := root.leaf("admin"), root.leaf("gone"), root.leaf("forged")
	conf := func(crls ...[]byte) *msppb.FabricMSPConfig {
		return &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), Admins: pemOf(admin), RevocationList: crls}
	}
	// other has root's name and key identifier, but its signature is not root's.
	m := mustBuild(t, conf(other.crl(forged), root.crl(gone)))
	require.NoError(t, validates(m, admin))
	require.NoError(t, validates(m, forged))
	require.EqualError(t, validates(m, gone), "could not validate identity against certification chain: The certificate has been revoked")

	block, _ := pem.Decode(root.crl(gone))
	m = mustBuild(t, conf(block.Bytes)) // DER
	require.Error(t, validates(m, gone))
	_, err := build(conf(root.crl(admin)))
	require.EqualError(t, err, "admin 0 is invalid: could not validate identity against certification chain: The certificate has been revoked")
	_, err = build(conf([]byte("junk")))
	require.ErrorContains(t, err, "could not parse RevocationList")

	middle := newCA(t, "middle", root, lowKey(t))
	c := conf(root.crl(middle.cert))
	c.IntermediateCerts = pemOf(middle.cert)
	_, err = build(c)
	require.ErrorContains(t, err, "CA Certificate is not valid, (SN: ")
	require.ErrorContains(t, err, "The certificate has been revoked")
}

func TestOUIdentifiers(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	one, two := newCA(t, "one", root, lowKey(t)), newCA(t, "two", root, lowKey(t))
	conf := &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), IntermediateCerts: pemOf(one.cert, two.cert), Admins: pemOf(one.leaf("admin", "shed")),
		OrganizationalUnitIdentifiers: []*msppb.FabricOUIdentifier{
			{Certificate: pemOf(one.cert)[0], OrganizationalUnitIdentifier: "shed"},
			{Certificate: pemOf(two.cert)[0], OrganizationalUnitIdentifier: "mill"},
		}}
	m := mustBuild(t, conf)
	require.NoError(t, validates(m, one.leaf("a", "loom", "shed")))
	require.NoError(t, validates(m, two.leaf("a", "mill")))
	require.ErrorContains(t, validates(m, one.leaf("a", "mill")), "could not validate identity's OUs: none of the identity's organizational units [mill(")
	require.EqualError(t, validates(m, one.leaf("a")),
		"could not validate identity's OUs: the identity certificate does not contain an Organizational Unit (OU)")

	id, err := m.Identity(serialized("M", one.leaf("a", "shed")))
	require.NoError(t, err)
	ou := func(name string, certifier []byte) *msppb.MSPPrincipal {
		return &msppb.MSPPrincipal{PrincipalClassification: msppb.MSPPrincipal_ORGANIZATION_UNIT, Principal: wire.MustMarshal(
			&msppb.OrganizationUnit{MspIdentifier: "M", OrganizationalUnitIdentifier: name, CertifiersIdentifier: certifier})}
	}
	certifier := sha256.Sum256(append(append([]byte{}, one.cert.Raw...), root.cert.Raw...))
	require.NoError(t, m.Satisfies(id, ou("shed", certifier[:])))
	require.EqualError(t, m.Satisfies(id, ou("shed", nil)), "The identities do not match")
	require.EqualError(t, m.Satisfies(id, ou("mill", certifier[:])), "The identities do not match")

	conf.OrganizationalUnitIdentifiers[0].Certificate = pemOf(newCA(t, "stranger", root, lowKey(t)).cert)[0]
	_, err = build(conf)
	require.ErrorContains(t, err, "not in root or intermediate certs")
	conf.OrganizationalUnitIdentifiers[0].Certificate = nil
	_, err = build(conf)
	require.ErrorContains(t, err, "failed getting certificate for [shed]")
}

func TestNodeOUs(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	one, two := newCA(t, "one", root, lowKey(t)), newCA(t, "two", root, lowKey(t))
	conf := func(certifier *x509.Certificate, admins ...*x509.Certificate) *msppb.FabricMSPConfig {
		return &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), IntermediateCerts: pemOf(one.cert, two.cert), Admins: pemOf(admins...), FabricNodeOus: nodeOUsOf(certifier)}
	}
	m := mustBuild(t, conf(one.cert))
	require.NoError(t, validates(m, one.leaf("a", "client")))
	require.NoError(t, validates(m, one.leaf("a", "loom", "orderer")))
	require.ErrorContains(t, validates(m, two.leaf("a", "client")), "could not validate identity's OUs: certifiersIdentifier does not match: [client(")
	for _, ous := range [][]string{{}, {"loom"}, {"client", "peer"}} {
		require.ErrorContains(t, validates(m, one.leaf("a", ous...)),
			"the identity must be a client, a peer, an orderer or an admin identity to be valid, not a combination of them. OUs: [")
	}
	require.NoError(t, validates(mustBuild(t, conf(nil)), two.leaf("a", "client")))

	// Before 1.4.3 there are only clients and peers, and both must be configured.
	m = mustBuild(t, conf(nil, one.leaf("admin", "client")), WithVersion(V1_1))
	require.ErrorContains(t, validates(m, one.leaf("a", "admin")), "the identity must be a client or a peer identity to be valid, not a combination of them. OUs: [admin(")
	c := conf(nil)
	c.FabricNodeOus.PeerOuIdentifier = nil
	_, err := build(c, WithVersion(V1_3))
	require.EqualError(t, err, "Failed setting up NodeOUs. PeerOU must be different from nil.")
	m = mustBuild(t, c)
	id, err := m.Identity(serialized("M", one.leaf("a", "client")))
	require.NoError(t, err)
	require.EqualError(t, m.Satisfies(id, Role("M", msppb.MSPRole_PEER)),
		"The identity is not a [PEER] under this MSP [M]: cannot test for classification, node ou for type [PEER], not defined, msp: [M]")
	require.NoError(t, validates(mustBuild(t, conf(nil, one.leaf("admin")), WithVersion(V1_0)), one.leaf("a")))
}

func TestAdmins(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	for _, c := range []struct {
		version Version
		nodeOUs bool
		admins  []*x509.Certificate
		text    string
	}{
		{V1_4_3, false, nil, "administrators must be declared when no admin ou classification is set"},
		{V1_3, false, nil, ""},
		{V1_4_3, true, nil, ""},
		{V1_4_3, true, []*x509.Certificate{root.leaf("a", "client"), root.leaf("b", "admin")}, ""},
		{V1_4_3, true, []*x509.Certificate{root.leaf("a", "peer")},
			"admin 0 is invalid [The identity does not contain OU [CLIENT], MSP: [M],The identity does not contain OU [ADMIN], MSP: [M]]"},
		{V1_1, true, []*x509.Certificate{root.leaf("a", "client")}, ""},
		{V1_1, true, []*x509.Certificate{root.leaf("a", "peer")},
			"admin 0 is invalid: The identity is not a [CLIENT] under this MSP [M]: The identity does not contain OU [CLIENT], MSP: [M]"},
		{V1_1, false, []*x509.Certificate{root.cert},
			"admin 0 is invalid: could not obtain certification chain: An X509 certificate with Basic Constraint: Certificate Authority equals true cannot be used as an identity"},
	} {
		conf := &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), Admins: pemOf(c.admins...)}
		if c.nodeOUs {
			conf.FabricNodeOus = nodeOUsOf(root.cert)
		}
		m, err := build(conf, WithVersion(c.version))
		if c.text != "" {
			require.EqualError(t, err, c.text)
			continue
		}
		require.NoError(t, err)
		for _, a := range c.admins {
			id, err := m.Identity(serialized("M", a))
			require.NoError(t, err)
			require.NoError(t, m.Satisfies(id, Role("M", msppb.MSPRole_ADMIN)))
		}
		id, err := m.Identity(serialized("M", root.leaf("other", "client")))
		require.NoError(t, err)
		want := "This identity is not an admin"
		if c.version == V1_4_3 {
			want = "The identity is not an admin under this MSP [M]: The identity does not contain OU [ADMIN], MSP: [M]"
		}
		require.EqualError(t, m.Satisfies(id, Role("M", msppb.MSPRole_ADMIN)), want)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	admin := root.leaf("admin")
	_, err := New(nil)
	require.EqualError(t, err, "Setup error: nil conf reference")
	_, err = New(&msppb.MSPConfig{Type: 1})
	require.ErrorContains(t, err, "unsupported msp type 1 (idemix)")
	_, err = New(&msppb.MSPConfig{Type: 7})
	require.EqualError(t, err, "Setup error: unsupported msp type 7")
	_, err = New(&msppb.MSPConfig{Config: []byte{0xff}})
	require.ErrorContains(t, err, "failed unmarshalling fabric msp config")
	_, err = New(&msppb.MSPConfig{}, WithVersion(9))
	require.EqualError(t, err, "Invalid MSP version [9]")
	noSKI := func(c *x509.Certificate) { c.SubjectKeyId, c.KeyUsage, c.IsCA = nil, 0, false }
	for text, conf := range map[string]*msppb.FabricMSPConfig{
		"expected at least one CA certificate":                     {},
		"getCertFromPem error: could not decode pem bytes [\"x\"]": {RootCerts: [][]byte{[]byte("x")}},
		"getCertFromPem error: failed to parse x509 cert":          {RootCerts: [][]byte{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})}},
		"CA Certificate did not have the CA attribute": {RootCerts: pemOf(root.cert), Admins: pemOf(admin),
			IntermediateCerts: pemOf(root.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "no CA"}}, lowKey(t).Public(), noSKI))},
		"signed by unknown authority": {RootCerts: pemOf(root.cert), Admins: pemOf(newCA(t, "other", nil, lowKey(t)).leaf("admin"))},
		"hash function not recognized [MD5]": {RootCerts: pemOf(root.cert), Admins: pemOf(admin),
			CryptoConfig: &msppb.FabricCryptoConfig{IdentityIdentifierHashFunction: "MD5"}},
	} {
		_, err := build(conf)
		require.ErrorContains(t, err, text)
	}
}

func TestHighSRoot(t *testing.T) {
	// The rewritten root is not the certificate that the OU configuration names: 1.4 fails in the same words.
	root := newCA(t, "root", nil, fixedS{ecKey(t, elliptic.P256()), true})
	_, err := build(&msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)})
	require.EqualError(t, err, "sanitizeCert failed the supplied identity is not valid: x509: certificate signed by unknown authority")
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(nil)})
	require.NoError(t, validates(m, root.leaf("a", "peer")))
}

func TestCurvesAndHashes(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		for _, family := range []string{"", "SHA2", "SHA3"} {
			root := newCA(t, "root", nil, fixedS{PrivateKey: ecKey(t, curve)})
			key := ecKey(t, curve)
			m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert),
				CryptoConfig: &msppb.FabricCryptoConfig{SignatureHashFamily: family, IdentityIdentifierHashFunction: "SHA3_384"}})
			id, err := m.Identity(serialized("M", root.leafFor(key.Public(), "a", "client")))
			require.NoError(t, err)
			require.NoError(t, m.Validate(id))
			require.Len(t, id.ID(), 96)
			digest, err := m.digest([]byte("message"))
			require.NoError(t, err)
			sig, err := SignDigest(key, digest[:])
			require.NoError(t, err)
			require.NoError(t, id.Verify([]byte("message"), sig))
			high, err := highForm(curve, sig)
			require.NoError(t, err)
			require.ErrorContains(t, id.Verify([]byte("message"), high), "Invalid S. Must be smaller than half the order [")
		}
	}
	root := newCA(t, "root", nil, lowKey(t))
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert),
		CryptoConfig: &msppb.FabricCryptoConfig{SignatureHashFamily: "MD"}})
	id, err := m.Identity(serialized("M", root.leaf("a", "client")))
	require.NoError(t, err)
	require.ErrorContains(t, id.Verify(nil, nil), "hash familiy not recognized [MD]")
}

func TestRSA(t *testing.T) {
	root := newCA(t, "root", nil, rsaKey(t))
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)})
	require.NoError(t, validates(m, root.leaf("a", "client")))
	id, err := m.Identity(serialized("M", root.leafFor(rsaKey(t).Public(), "a", "client")))
	require.NoError(t, err)
	require.NoError(t, m.Validate(id))
	require.ErrorContains(t, id.Verify([]byte("m"), []byte("s")), "has no ECDSA key")
	// Nothing but validation stands between such a certificate of a stranger and the channel, and the cache keeps it out.
	ids := NewManager(m)
	stranger := serialized("M", newCA(t, "root", nil, rsaKey(t)).leaf("a", "client"))
	id, err = ids.Identity(stranger)
	require.NoError(t, err)
	require.ErrorContains(t, ids.Validate(id), "could not obtain certification chain: failed getting validation chain: the supplied identity is not valid")
	require.ErrorContains(t, ids.Satisfies(id, Role("M", msppb.MSPRole_CLIENT)), "The identity is not valid under this MSP [M]")
	require.Zero(t, ids.cache.len())
}

func TestSignatureForms(t *testing.T) {
	root, key := newCA(t, "root", nil, lowKey(t)), ecKey(t, elliptic.P256())
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)})
	id, err := m.Identity(serialized("M", root.leafFor(key.Public(), "a", "client")))
	require.NoError(t, err)
	digest := sha256.Sum256([]byte("message"))
	sig, err := SignDigest(key, digest[:])
	require.NoError(t, err)
	longer := append([]byte{0x30, sig[1] + 3}, append(append([]byte{}, sig[2:]...), 2, 1, 1)...)
	for name, s := range map[string][]byte{"as signed": sig, "bytes behind it": append(append([]byte{}, sig...), "junk"...), "a third integer": longer} {
		require.NoError(t, id.Verify([]byte("message"), s), name)
		require.EqualError(t, id.Verify([]byte("massage"), s), "The signature is invalid", name)
	}
	for name, s := range map[string][]byte{
		"nothing": nil, "text": []byte("junk"), "cut": sig[:20], "zero r": {0x30, 6, 2, 1, 0, 2, 1, 1}, "zero s": {0x30, 6, 2, 1, 1, 2, 1, 0},
		"negative": {0x30, 6, 2, 1, 0x80, 2, 1, 1}, "padded": {0x30, 7, 2, 2, 0, 1, 2, 1, 1}, "empty": {0x30, 0}, "an empty integer": {0x30, 5, 2, 0, 2, 1, 1},
	} {
		require.Error(t, id.Verify([]byte("message"), s), name)
	}
}

func TestPrincipalKinds(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	conf := &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)}
	m := mustBuild(t, conf)
	a, b := serialized("M", root.leaf("a", "client")), serialized("M", root.leaf("b", "client"))
	id, err := m.Identity(a)
	require.NoError(t, err)
	of := func(class msppb.MSPPrincipal_Classification, b []byte) *msppb.MSPPrincipal {
		return &msppb.MSPPrincipal{PrincipalClassification: class, Principal: b}
	}
	combined := func(parts ...*msppb.MSPPrincipal) *msppb.MSPPrincipal {
		return of(msppb.MSPPrincipal_COMBINED, wire.MustMarshal(&msppb.CombinedPrincipal{Principals: parts}))
	}
	anonymous := func(kind msppb.MSPIdentityAnonymity_MSPIdentityAnonymityType) *msppb.MSPPrincipal {
		return of(msppb.MSPPrincipal_ANONYMITY, wire.MustMarshal(&msppb.MSPIdentityAnonymity{AnonymityType: kind}))
	}
	deep := Role("M", msppb.MSPRole_MEMBER)
	for range maxCombined + 1 {
		deep = combined(deep)
	}
	client := Role("M", msppb.MSPRole_CLIENT)
	for range 2 { // the second time from memory
		require.NoError(t, m.Satisfies(id, of(msppb.MSPPrincipal_IDENTITY, a)))
		require.EqualError(t, m.Satisfies(id, of(msppb.MSPPrincipal_IDENTITY, b)), "The identities do not match")
		require.ErrorContains(t, m.Satisfies(id, of(msppb.MSPPrincipal_IDENTITY, nil)), "invalid identity principal, not a certificate")
		require.NoError(t, m.Satisfies(id, combined(client, combined(Role("M", msppb.MSPRole_MEMBER), client))))
		require.Error(t, m.Satisfies(id, combined(client, Role("M", msppb.MSPRole_PEER))))
		require.EqualError(t, m.Satisfies(id, combined()), "No principals in CombinedPrincipal")
		require.ErrorContains(t, m.Satisfies(id, deep), "nest deeper than")
		require.NoError(t, m.Satisfies(id, anonymous(msppb.MSPIdentityAnonymity_NOMINAL)))
		require.EqualError(t, m.Satisfies(id, anonymous(msppb.MSPIdentityAnonymity_ANONYMOUS)),
			"Principal is anonymous, but X.509 MSP does not support anonymous identities")
		require.EqualError(t, m.Satisfies(id, of(9, nil)), "invalid principal type 9")
		require.EqualError(t, m.Satisfies(id, Role("M", 9)), "invalid MSP role type 9")
		require.EqualError(t, m.Satisfies(id, Role("N", msppb.MSPRole_MEMBER)), "the identity is a member of a different MSP (expected N, got M)")
	}
	require.Error(t, m.Satisfies(id, nil))
	require.Error(t, m.Satisfies(nil, client))
	require.Error(t, m.Validate(nil))
	conf.Admins = pemOf(root.leaf("admin", "client"))
	old := mustBuild(t, conf, WithVersion(V1_1))
	require.EqualError(t, old.Satisfies(id, combined(client)), "invalid principal type 4")
	require.EqualError(t, old.Satisfies(id, anonymous(msppb.MSPIdentityAnonymity_NOMINAL)), "invalid principal type 3")
	for i := range 2 * maxPrincipals { // what chaincode can put in key-level policies
		_ = m.Satisfies(id, of(msppb.MSPPrincipal_IDENTITY, fmt.Append(nil, i)))
	}
	require.LessOrEqual(t, len(id.principals), maxPrincipals)
}

func TestManagerKeepsIdentitiesOfItsOwnMSPs(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	conf := &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)}
	gone := root.leaf("gone", "client")
	before := NewManager(mustBuild(t, conf))
	conf.RevocationList = [][]byte{root.crl(gone)}
	after := NewManager(mustBuild(t, conf))
	id, err := before.Identity(serialized("M", gone))
	require.NoError(t, err)
	again, err := before.Identity(serialized("M", gone))
	require.NoError(t, err)
	require.Same(t, id, again)
	require.NoError(t, before.Validate(id))
	require.ErrorContains(t, after.Validate(id), "revoked")
	require.ErrorContains(t, after.Satisfies(id, Role("M", msppb.MSPRole_CLIENT)), "revoked")
	m, ok := after.MSP("M")
	require.True(t, ok)
	require.ErrorContains(t, m.Validate(id), "revoked")
	_, ok = after.MSP("N")
	require.False(t, ok)
	require.Error(t, NewManager().Validate(id))
	require.Error(t, after.Validate(nil))
}

func TestCacheIsBounded(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert)})
	ids := NewManager(m)
	id, err := ids.Identity(serialized("M", root.leaf("a", "client")))
	require.NoError(t, err)
	for i := range 3 * cacheShards * cachePerShard {
		ids.cache.add(fmt.Append(nil, i), id)
		_, _ = ids.cache.get(fmt.Append(nil, i/2))
	}
	require.LessOrEqual(t, ids.cache.len(), cacheShards*cachePerShard)
	require.Greater(t, ids.cache.len(), cacheShards*cachePerShard/2)
	big := wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "M", IdBytes: append(pemOf(root.leaf("b", "client"))[0], make([]byte, cacheMaxKey)...)})
	before := ids.cache.len()
	_, err = ids.Identity(big)
	require.NoError(t, err)
	require.Equal(t, before, ids.cache.len())

	for i := range 2 * cacheShards * cachePerShard { // long ones are fewer
		ids.cache.add(fmt.Appendf(make([]byte, cacheMaxKey-10), "%010d", i), id)
	}
	bytes := 0
	for i := range ids.cache.shards {
		bytes += ids.cache.shards[i].bytes
		require.LessOrEqual(t, ids.cache.shards[i].bytes, cacheShardBytes)
	}
	require.Equal(t, ids.cache.len()*cacheMaxKey, bytes, "all short ones have made room")
}

func TestExpiryIsNotValidity(t *testing.T) {
	root := newCA(t, "root", nil, lowKey(t))
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(root.cert), FabricNodeOus: nodeOUsOf(root.cert), TlsRootCerts: pemOf(root.cert)})
	template := func() *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: "a", OrganizationalUnit: []string{"client"}}}
	}
	pub := ecKey(t, elliptic.P256()).Public().(*ecdsa.PublicKey)
	short := root.sign(template(), pub, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) })
	require.NoError(t, validates(m, short))
	require.Equal(t, pkiStart.Add(time.Hour), ExpiresAt(serialized("M", short)))
	early := root.sign(template(), pub, func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(-time.Hour) })
	require.ErrorContains(t, validates(m, early), "certificate has expired or is not yet valid")
}
