package cryptogen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// The OUs that mark what a node is, when NodeOUs are on.
const (
	ouClient  = "client"
	ouPeer    = "peer"
	ouAdmin   = "admin"
	ouOrderer = "orderer"
)

// kind is what differs between peer and orderer organizations.
type kind struct {
	root, nodes string // directories
	prefix      string // of host names
	ou          string
	users       bool // besides Admin
}

var (
	peers    = kind{root: "peerOrganizations", nodes: "peers", prefix: "peer", ou: ouPeer, users: true}
	orderers = kind{root: "ordererOrganizations", nodes: "orderers", prefix: "orderer", ou: ouOrderer}
)

// Generate writes the network's tree under dir, in which the organizations must not be yet: a new CA over certificates of
// an old one is no network. The domain of each peer organization goes to out, a line each.
func Generate(c *Config, dir string, out io.Writer) error {
	return eachOrg(c, func(k kind, o Org) error {
		t := newTree(c, k, o, dir, out)
		if _, err := os.Stat(t.dir); err == nil {
			return fmt.Errorf("%s is there already: remove it, or extend it", t.dir)
		}
		return t.generate()
	})
}

// Extend adds to the tree under dir the organizations, nodes and users of c that are not there yet. What is there stays
// as it is; new certificates are signed by the CAs found there.
func Extend(c *Config, dir string, out io.Writer) error {
	return eachOrg(c, func(k kind, o Org) error {
		t := newTree(c, k, o, dir, out)
		if _, err := os.Stat(t.dir); errors.Is(err, fs.ErrNotExist) {
			return t.generate()
		}
		return t.extend()
	})
}

func eachOrg(c *Config, do func(kind, Org) error) error {
	for _, part := range []struct {
		kind
		orgs []Org
	}{{peers, c.PeerOrgs}, {orderers, c.OrdererOrgs}} {
		for _, o := range part.orgs {
			o, err := o.rendered(part.prefix)
			if err != nil {
				return fmt.Errorf("Error processing %s configuration: %w", part.prefix, err)
			}
			if err := do(part.kind, o); err != nil {
				return fmt.Errorf("organization %s: %w", o.Domain, err)
			}
		}
	}
	return nil
}

// tree is one organization's directory.
type tree struct {
	kind
	Org
	dir       string
	out       io.Writer
	now       func() time.Time
	sign, tls *authority
}

func newTree(c *Config, k kind, o Org, dir string, out io.Writer) *tree {
	t := &tree{kind: k, Org: o, dir: filepath.Join(dir, k.root, o.Domain), out: out, now: c.Now}
	if t.now == nil {
		t.now = time.Now
	}
	return t
}

func (t *tree) generate() error {
	if t.users {
		fmt.Fprintln(t.out, t.Domain)
	}
	var err error
	if t.sign, err = newAuthority(filepath.Join(t.dir, "ca"), t.Domain, t.CA.CommonName, t.CA, t.now); err != nil {
		return err
	}
	if t.tls, err = newAuthority(filepath.Join(t.dir, "tlsca"), t.Domain, "tls"+t.CA.CommonName, t.CA, t.now); err != nil {
		return err
	}
	if err := t.writeMSP(filepath.Join(t.dir, "msp")); err != nil {
		return err
	}
	if err := t.writeUsers(true); err != nil {
		return err
	}
	if !t.EnableNodeOUs {
		if err := t.copyAdmin(filepath.Join(t.dir, "msp", "admincerts")); err != nil {
			return err
		}
	}
	return t.writeNodes()
}

func (t *tree) extend() error {
	var err error
	if t.sign, err = loadAuthority(filepath.Join(t.dir, "ca"), t.CA.CommonName, t.CA, t.now); err != nil {
		return err
	}
	if t.tls, err = loadAuthority(filepath.Join(t.dir, "tlsca"), "tls"+t.CA.CommonName, t.CA, t.now); err != nil {
		return err
	}
	if err := t.writeUsers(false); err != nil {
		return err
	}
	return t.writeNodes()
}

func (t *tree) writeUsers(admin bool) error {
	if t.users {
		for i := range t.Users.Count {
			name := fmt.Sprintf("User%d@%s", i+1, t.Domain)
			if err := t.writeLocal("users", Node{CommonName: name}, ouClient, "client"); err != nil {
				return err
			}
		}
	}
	if !admin {
		return nil
	}
	return t.writeLocal("users", Node{CommonName: t.adminName()}, ouAdmin, "client")
}

func (t *tree) writeNodes() error {
	for _, n := range t.Specs {
		if err := t.writeLocal(t.nodes, n, t.ou, "server"); err != nil {
			return err
		}
		if t.EnableNodeOUs {
			continue
		}
		if err := t.copyAdmin(filepath.Join(t.dir, t.nodes, n.CommonName, "msp", "admincerts")); err != nil {
			return err
		}
	}
	return nil
}

// writeLocal writes a node's or user's local MSP and TLS files, unless its directory is there. Without NodeOUs its own
// certificate is its only admin, until copyAdmin puts the organization's Admin there.
func (t *tree) writeLocal(under string, n Node, ou, tlsName string) error {
	dir := filepath.Join(t.dir, under, n.CommonName)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	msp, tls := filepath.Join(dir, "msp"), filepath.Join(dir, "tls")
	if err := mkdirs(filepath.Join(msp, "keystore"), filepath.Join(msp, "signcerts"), tls); err != nil {
		return err
	}
	if err := t.writeMSP(msp); err != nil {
		return err
	}
	key, err := newKey(filepath.Join(msp, "keystore"))
	if err != nil {
		return err
	}
	var ous []string
	if t.EnableNodeOUs {
		ous = []string{ou}
	}
	cert, err := t.sign.identity(n.CommonName, ous, &key.PublicKey)
	if err != nil {
		return err
	}
	if err := writeCert(filepath.Join(msp, "signcerts", certFile(n.CommonName)), cert); err != nil {
		return err
	}
	if !t.EnableNodeOUs {
		if err := writeCert(filepath.Join(msp, "admincerts", certFile(n.CommonName)), cert); err != nil {
			return err
		}
	}
	return t.writeTLS(tls, n, tlsName)
}

func (t *tree) writeTLS(dir string, n Node, name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := t.tls.tls(n.CommonName, n.SANS, &key.PublicKey)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(dir, name+".key"), key); err != nil {
		return err
	}
	if err := writeCert(filepath.Join(dir, name+".crt"), cert); err != nil {
		return err
	}
	return writeCert(filepath.Join(dir, "ca.crt"), t.tls.cert)
}

// writeMSP writes what every MSP directory of the organization has.
func (t *tree) writeMSP(dir string) error {
	if err := mkdirs(filepath.Join(dir, "admincerts"), filepath.Join(dir, "cacerts"), filepath.Join(dir, "tlscacerts")); err != nil {
		return err
	}
	for folder, ca := range map[string]*authority{"cacerts": t.sign, "tlscacerts": t.tls} {
		if err := writeCert(filepath.Join(dir, folder, certFile(ca.name)), ca.cert); err != nil {
			return err
		}
	}
	if !t.EnableNodeOUs {
		return nil
	}
	return writeNodeOUs(filepath.Join(dir, "config.yaml"), "cacerts/"+certFile(t.sign.name))
}

func writeNodeOUs(path, caFile string) error {
	type ou struct {
		Certificate string `yaml:"Certificate"`
		Name        string `yaml:"OrganizationalUnitIdentifier"`
	}
	type nodeOUs struct {
		Enable  bool `yaml:"Enable"`
		Client  ou   `yaml:"ClientOUIdentifier"`
		Peer    ou   `yaml:"PeerOUIdentifier"`
		Admin   ou   `yaml:"AdminOUIdentifier"`
		Orderer ou   `yaml:"OrdererOUIdentifier"`
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(struct {
		NodeOUs nodeOUs `yaml:"NodeOUs"`
	}{nodeOUs{true, ou{caFile, ouClient}, ou{caFile, ouPeer}, ou{caFile, ouAdmin}, ou{caFile, ouOrderer}}})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// copyAdmin makes the organization's Admin the only admin of an MSP directory.
func (t *tree) copyAdmin(dir string) error {
	file := certFile(t.adminName())
	if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
		return nil
	}
	cert, err := readCert(filepath.Join(t.dir, "users", t.adminName(), "msp", "signcerts", file))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return writeCert(filepath.Join(dir, file), cert)
}

func (t *tree) adminName() string { return "Admin@" + t.Domain }

func mkdirs(dirs ...string) error {
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return nil
}
