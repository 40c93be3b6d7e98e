package chain

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/cryptogen"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/tx"
)

const (
	ordererMSP = "OrdererMSP"
	org1       = "Org1MSP"
	org2       = "Org2MSP"

	ordererDir = "ordererOrganizations/example.com"
	org1Dir    = "peerOrganizations/org1.example.com"
	org2Dir    = "peerOrganizations/org2.example.com"
)

// People are the members of a network.
type People struct {
	dir     string // of their keys
	orderer tx.Signer
	admin   tx.Signer    // of the first organisation
	peers   [2]tx.Signer // one of each organisation
	ca      *cryptogen.CA
	clients []tx.Signer // of the first organisation
}

// NewPeople takes the people whose keys cryptogen has put into dir, or makes them there. Their names are those of package localnet, so that the
// folder may be the crypto folder of a local network.
func NewPeople(dir string) (*People, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := generate(dir); err != nil {
			return nil, err
		}
	}
	p := &People{dir: dir}
	for _, m := range []struct {
		signer *tx.Signer
		mspID  string
		dir    string
	}{
		{&p.orderer, ordererMSP, ordererDir + "/orderers/orderer.example.com"},
		{&p.admin, org1, org1Dir + "/users/Admin@org1.example.com"},
		{&p.peers[0], org1, org1Dir + "/peers/peer0.org1.example.com"},
		{&p.peers[1], org2, org2Dir + "/peers/peer0.org2.example.com"},
	} {
		s, err := msp.LoadSigner(filepath.Join(dir, m.dir, "msp"), m.mspID)
		if err != nil {
			return nil, err
		}
		*m.signer = s
	}
	var err error
	p.ca, err = cryptogen.OpenCA(filepath.Join(dir, org1Dir))
	return p, err
}

func generate(dir string) error {
	here := []string{"localhost", "127.0.0.1"}
	org := func(domain string) cryptogen.Org {
		return cryptogen.Org{
			Domain: domain, EnableNodeOUs: true, Template: cryptogen.NodeTemplate{Count: 1, SANS: here}, Users: cryptogen.Users{Count: 1},
		}
	}
	return cryptogen.Generate(&cryptogen.Config{
		OrdererOrgs: []cryptogen.Org{{Domain: "example.com", EnableNodeOUs: true, Specs: []cryptogen.Node{{Hostname: "orderer", SANS: here}}}},
		PeerOrgs:    []cryptogen.Org{org("org1.example.com"), org("org2.example.com")},
	}, dir, io.Discard)
}

// Clients are n clients of the first organisation, each with a key of its own. They are made when they are asked for first.
func (p *People) Clients(n int) ([]tx.Signer, error) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	made := make([]tx.Signer, max(0, n-len(p.clients)))
	for i := range made {
		g.Go(func() error {
			cert, key, err := p.ca.Client(fmt.Sprintf("client%d@org1.example.com", len(p.clients)+i+1))
			if err != nil {
				return err
			}
			made[i] = &keyOwner{key: key, creator: wire.MustMarshal(&msppb.SerializedIdentity{
				Mspid: org1, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
			})}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.clients = append(p.clients, made...)
	return p.clients[:n], nil
}

// keyOwner signs with a key that is in no file.
type keyOwner struct {
	key     *ecdsa.PrivateKey
	creator []byte
}

func (o *keyOwner) Creator() []byte { return o.creator }

func (o *keyOwner) Sign(msg []byte) ([]byte, error) {
	digest := sha256.Sum256(msg)
	return msp.SignDigest(o.key, digest[:])
}
