package cryptogen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/heddleledger/heddle/internal/vectors"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text))
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	return c
}

var keyName = regexp.MustCompile(`[0-9a-f]{64}_sk$`)

// files maps the paths under dir, keys' names blanked, to real paths.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all[keyName.ReplaceAllString(rel, "*_sk")] = path
		}
		return err
	}))
	return all
}

func names(m map[string]string) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// describe is what must be the same in a certificate of ours and one of Fabric's.
func describe(t *testing.T, path string) string {
	t.Helper()
	cert, err := readCert(path)
	require.NoError(t, err)
	var ids []string
	for _, e := range cert.Extensions {
		ids = append(ids, fmt.Sprintf("%s critical=%t", e.Id, e.Critical))
	}
	return fmt.Sprintf("%s\n%s\n%d %v CA=%t %d\n%v %v\n%s\n%s\nski %d aki %d", cert.Subject, cert.Issuer, cert.KeyUsage, cert.ExtKeyUsage,
		cert.IsCA, cert.MaxPathLen, cert.DNSNames, cert.IPAddresses, cert.NotAfter.Sub(cert.NotBefore), strings.Join(ids, "\n"),
		len(cert.SubjectKeyId), len(cert.AuthorityKeyId))
}

func TestSameTreeAsFabric(t *testing.T) {
	text := vectors.Read(t, "fabric-1.4", "crypto-config.yaml")
	dir := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, Generate(parse(t, string(text)), dir, &out))
	require.Equal(t, "org1.example.com\norg2.example.com\n", out.String())

	ours, theirs := files(t, dir), files(t, vectors.Path("fabric-1.4", "crypto"))
	require.Equal(t, names(theirs), names(ours))
	for name, path := range ours {
		switch {
		case strings.HasSuffix(name, ".pem"), strings.HasSuffix(name, ".crt"):
			require.Equal(t, describe(t, theirs[name]), describe(t, path), name)
		case strings.HasSuffix(name, ".yaml"):
			want, err := os.ReadFile(theirs[name])
			require.NoError(t, err)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		default:
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			key, err := msp.ParseKey(b)
			require.NoError(t, err)
			id, err := ski(&key.PublicKey)
			require.NoError(t, err)
			if strings.HasSuffix(name, "_sk") {
				require.Equal(t, fmt.Sprintf("%x_sk", id), filepath.Base(path))
			}
		}
	}
	checkMembers(t, dir)
}

// checkMembers loads every local MSP of a tree and holds its role against its organization's MSP.
func checkMembers(t *testing.T, dir string) {
	t.Helper()
	orgs, err := filepath.Glob(filepath.Join(dir, "*Organizations/*"))
	require.NoError(t, err)
	require.NotEmpty(t, orgs)
	for _, org := range orgs {
		conf, err := msp.LoadDir(filepath.Join(org, "msp"), "M")
		require.NoError(t, err)
		m, err := msp.New(conf)
		require.NoError(t, err)
		_, err = os.Stat(filepath.Join(org, "msp/config.yaml"))
		nodeOUs := err == nil
		locals, err := filepath.Glob(filepath.Join(org, "*/*/msp"))
		require.NoError(t, err)
		require.NotEmpty(t, locals)
		for _, local := range locals {
			signer, err := msp.LoadSigner(local, "M")
			require.NoError(t, err, local)
			id, err := m.Identity(signer.Creator())
			require.NoError(t, err)
			require.NoError(t, m.Validate(id))
			isAdmin := strings.Contains(local, "/Admin@")
			require.Equal(t, isAdmin, m.Satisfies(id, msp.Role("M", msppb.MSPRole_ADMIN)) == nil, local)
			if nodeOUs {
				require.Equal(t, strings.Contains(local, "/peers/"), m.Satisfies(id, msp.Role("M", msppb.MSPRole_PEER)) == nil, local)
				require.Equal(t, strings.Contains(local, "/orderers/"), m.Satisfies(id, msp.Role("M", msppb.MSPRole_ORDERER)) == nil, local)
			}
		}
		checkTLS(t, org)
	}
	for name, path := range files(t, dir) {
		if strings.HasSuffix(name, ".pem") || strings.HasSuffix(name, ".crt") {
			cert, err := readCert(path)
			require.NoError(t, err)
			checkLowS(t, cert)
		}
	}
}

func checkTLS(t *testing.T, org string) {
	t.Helper()
	servers, err := filepath.Glob(filepath.Join(org, "*/*/tls/server.crt"))
	require.NoError(t, err)
	for _, path := range servers {
		pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, "crt")+"key")
		require.NoError(t, err)
		root, err := readCert(filepath.Join(filepath.Dir(path), "ca.crt"))
		require.NoError(t, err)
		pool := x509.NewCertPool()
		pool.AddCert(root)
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: filepath.Base(filepath.Dir(filepath.Dir(path)))})
		require.NoError(t, err)
	}
}

func checkLowS(t *testing.T, cert *x509.Certificate) {
	t.Helper()
	var sig struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(cert.Signature, &sig)
	require.NoError(t, err)
	order := cert.PublicKey.(*ecdsa.PublicKey).Params().N // of P-256, the issuer's curve too
	require.LessOrEqual(t, sig.S.Cmp(new(big.Int).Rsh(order, 1)), 0)
}

func TestWithoutNodeOUs(t *testing.T) {
	dir := t.TempDir()
	c := parse(t, Template())
	require.NoError(t, Generate(c, dir, io.Discard))
	checkMembers(t, dir)
	require.ErrorContains(t, Generate(c, dir, io.Discard), "is there already")
	users := filepath.Join(dir, "peerOrganizations/org1.example.com/users")
	require.FileExists(t, filepath.Join(users, "User1@org1.example.com/msp/admincerts/User1@org1.example.com-cert.pem"))
}

func TestNamesAndSubjects(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Generate(parse(t, `
PeerOrgs:
  - Name: A
    Domain: a.org
    EnableNodeOUs: true
    CA: {Hostname: root, Country: CH, Province: Vaud, Locality: Lausanne, OrganizationalUnit: Weavers, StreetAddress: Quai 1, PostalCode: "1000"}
    Template: {Count: 2, Start: 5, Hostname: "{{.Prefix}}-{{.Index}}-{{.Domain}}", SANS: ["{{.Hostname}}.alt.{{.Domain}}"]}
    Specs:
      - {Hostname: foo, CommonName: "{{.Hostname}}27.b.org", SANS: ["x.{{.CommonName}}", 10.0.0.1]}
    Users: {Count: 2}
`), dir, io.Discard))
	org := filepath.Join(dir, "peerOrganizations/a.org")
	foo, err := readCert(filepath.Join(org, "peers/foo27.b.org/tls/server.crt"))
	require.NoError(t, err)
	require.Equal(t, []string{"foo27.b.org", "foo", "x.foo27.b.org"}, foo.DNSNames)
	require.Equal(t, "10.0.0.1", foo.IPAddresses[0].String())
	numbered, err := readCert(filepath.Join(org, "peers/peer-6-a.org.a.org/tls/server.crt"))
	require.NoError(t, err)
	require.Equal(t, []string{"peer-6-a.org.a.org", "peer-6-a.org", "peer-6-a.org.alt.a.org"}, numbered.DNSNames)
	user, err := readCert(filepath.Join(org, "users/User2@a.org/msp/signcerts/User2@a.org-cert.pem"))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"Weavers", "client"}, user.Subject.OrganizationalUnit)
	require.Equal(t, []string{"CH"}, user.Subject.Country)
	ca, err := readCert(filepath.Join(org, "ca/root.a.org-cert.pem"))
	require.NoError(t, err)
	require.Equal(t, []string{"1000"}, ca.Subject.PostalCode)
	require.FileExists(t, filepath.Join(org, "tlsca/tlsroot.a.org-cert.pem"))
	checkMembers(t, dir)
}

func TestCAIssuesClients(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Generate(parse(t, "PeerOrgs: [{Domain: a.org, EnableNodeOUs: true}]"), dir, io.Discard))
	org := filepath.Join(dir, "peerOrganizations/a.org")
	ca, err := OpenCA(org)
	require.NoError(t, err)
	cert, key, err := ca.Client("someone")
	require.NoError(t, err)
	require.True(t, key.PublicKey.Equal(cert.PublicKey))
	require.Equal(t, "someone", cert.Subject.CommonName)
	conf, err := msp.LoadDir(filepath.Join(org, "msp"), "M")
	require.NoError(t, err)
	m, err := msp.New(conf)
	require.NoError(t, err)
	id, err := m.Identity(wire.MustMarshal(&msppb.SerializedIdentity{
		Mspid: "M", IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
	}))
	require.NoError(t, err)
	require.NoError(t, m.Validate(id))
	require.NoError(t, m.Satisfies(id, msp.Role("M", msppb.MSPRole_CLIENT)))
	require.Error(t, m.Satisfies(id, msp.Role("M", msppb.MSPRole_ADMIN)))
	_, err = OpenCA(dir)
	require.Error(t, err)
}

func TestExtend(t *testing.T) {
	for _, nodeOUs := range []string{"true", "false"} {
		conf := func(peers, users, orderers int) *Config {
			return parse(t, fmt.Sprintf(`
OrdererOrgs: [{Name: O, Domain: o.org, EnableNodeOUs: %[1]s, Template: {Count: %[4]d}}]
PeerOrgs: [{Name: A, Domain: a.org, EnableNodeOUs: %[1]s, Template: {Count: %[2]d}, Users: {Count: %[3]d}}]`, nodeOUs, peers, users, orderers))
		}
		dir := t.TempDir()
		require.NoError(t, Generate(conf(1, 1, 1), dir, io.Discard))
		before := map[string]string{}
		for name, path := range files(t, dir) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			before[name] = string(b)
		}
		more := conf(3, 2, 2)
		more.PeerOrgs = append(more.PeerOrgs, Org{Name: "B", Domain: "b.org", Template: NodeTemplate{Count: 1}})
		require.NoError(t, Extend(more, dir, io.Discard))
		after := files(t, dir)
		for name, content := range before {
			b, err := os.ReadFile(after[name])
			require.NoError(t, err)
			require.Equal(t, content, string(b), name)
		}
		require.DirExists(t, filepath.Join(dir, "peerOrganizations/a.org/peers/peer2.a.org"))
		require.DirExists(t, filepath.Join(dir, "peerOrganizations/a.org/users/User2@a.org"))
		require.DirExists(t, filepath.Join(dir, "peerOrganizations/b.org/peers/peer0.b.org"))
		require.DirExists(t, filepath.Join(dir, "ordererOrganizations/o.org/orderers/orderer1.o.org"))
		checkMembers(t, dir)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "peerOrganizations/a.org/ca")))
		require.Error(t, Extend(more, dir, io.Discard))
	}
}

func TestExtendWhatFabricMade(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(vectors.Path("fabric-1.4", "crypto"))))
	require.NoError(t, Extend(parse(t, `
OrdererOrgs: [{Name: O, Domain: example.com, Specs: [{Hostname: second}]}]
PeerOrgs: [{Name: A, Domain: org1.example.com, EnableNodeOUs: true, Template: {Count: 2}, Users: {Count: 3}}]`), dir, io.Discard))
	require.DirExists(t, filepath.Join(dir, "peerOrganizations/org1.example.com/users/User3@org1.example.com"))
	checkMembers(t, dir)
}

func TestBadConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		"PeerOrgs: [{Name: A}]":                                                       "has no Domain",
		"PeerOrgs: [{Domain: ../../x}]":                                               "cannot be the name of a directory",
		"PeerOrgs: [{Domain: a, Specs: [{CommonName: ../x}]}]":                        "cannot be the name of a directory",
		"PeerOrgs: [{Domain: a, Specs: [{CommonName: '{{.Nope}}'}]}]":                 "Error executing template",
		"PeerOrgs: [{Domain: a, Template: {Count: 1, Hostname: '{{'}}]":               "Error parsing template",
		"OrdererOrgs: [{Domain: a, Template: {Count: 1000000000}}]":                   "a Count is more than",
		"OrdererOrgs: [{Domain: a, CA: {CommonName: /etc/x}}]":                        "cannot be the name of a directory",
		"OrdererOrgs: [{Domain: a, Specs: [{Hostname: h, SANS: ['{{.Hostname}'] }]}]": "Error parsing template",
	} {
		require.ErrorContains(t, Generate(parse(t, text), t.TempDir(), io.Discard), want, text)
	}
	_, err := Parse([]byte("PeerOrgs: 7"))
	require.ErrorContains(t, err, "Error Unmarshaling YAML")
	c, err := Parse([]byte("PeerOrgs:\n  - Domian: a\n    Domain: b\n"))
	require.NoError(t, err)
	require.Equal(t, "b", c.PeerOrgs[0].Domain)
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0], "line 2: field Domian not found")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Template()))
	f.Add([]byte("PeerOrgs: [{Domain: a, Template: {Count: 2, Hostname: '{{.Index}}'}}]"))
	f.Add([]byte("PeerOrgs: [{Domain: ../x, Specs: [{CommonName: '{{.Domain}}'}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		_ = eachOrg(c, func(k kind, o Org) error {
			for _, n := range append(o.Specs, o.CA) {
				if strings.ContainsAny(n.CommonName, `/\`) || n.CommonName == ".." {
					t.Fatalf("%q leads out of the tree", n.CommonName)
				}
			}
			return nil
		})
	})
}
