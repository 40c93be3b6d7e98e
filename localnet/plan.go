package localnet

import (
	"fmt"
	"net"
	"strconv"
)

// Plan says who is in the network and where each listens. It is what network.json holds.
type Plan struct {
	Consensus       string // etcdraft or solo
	NoTLS           bool   // nodes and clients talk plain text
	MutualTLS       bool
	DevMode         bool   // chaincode is started by hand
	DockerEndpoint  string // chaincode runs in containers of this engine; empty: as processes
	BatchTimeout    string // a duration
	MaxMessageCount int
	Channel         string
	Orderer         Node
	Orgs            []Org
}

// Org is an organisation with one peer.
type Org struct {
	Name   string // Org1
	MSPID  string // Org1MSP
	Domain string // org1.example.com
	Peer   Node
}

// Node is a process that listens.
type Node struct {
	Name           string
	Port           int
	ChaincodePort  int // peers only
	OperationsPort int
}

// Identity is somebody who can run peer commands.
type Identity struct {
	Org  Org
	User string // Admin or User1
}

func (n Node) Address() string           { return local(n.Port) }
func (n Node) ChaincodeAddress() string  { return local(n.ChaincodePort) }
func (n Node) OperationsAddress() string { return local(n.OperationsPort) }

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// PeerDir is the folder of the peer's keys, below the network's directory.
func (o Org) PeerDir() string {
	return fmt.Sprintf("crypto/peerOrganizations/%s/peers/%s", o.Domain, o.Peer.Name)
}

// UserDir is the folder of the identity's keys, below the network's directory.
func (i Identity) UserDir() string {
	return fmt.Sprintf("crypto/peerOrganizations/%s/users/%s@%s", i.Org.Domain, i.User, i.Org.Domain)
}

// Name is the identity as its file in env/ is called, such as org1-admin.
func (i Identity) Name() string { return fmt.Sprintf("%s-%s", lower(i.Org.Name), lower(i.User)) }

// OrdererDir is the folder of the orderer's keys, below the network's directory.
func (p Plan) OrdererDir() string {
	return "crypto/ordererOrganizations/example.com/orderers/" + p.Orderer.Name
}

// TLSRoots are the TLS CA certificates of every organisation, below the network's directory.
func (p Plan) TLSRoots() []string {
	roots := []string{"crypto/ordererOrganizations/example.com/tlsca/tlsca.example.com-cert.pem"}
	for _, o := range p.Orgs {
		roots = append(roots, fmt.Sprintf("crypto/peerOrganizations/%s/tlsca/tlsca.%s-cert.pem", o.Domain, o.Domain))
	}
	return roots
}

// Identities are those that cryptogen makes users for.
func (p Plan) Identities() []Identity {
	var all []Identity
	for _, o := range p.Orgs {
		all = append(all, Identity{o, "Admin"}, Identity{o, "User1"})
	}
	return all
}

// newPlan lays out the network on Fabric's customary ports or, with free true or where one of them is taken, on free ones.
func newPlan(o Options) (Plan, error) {
	p := Plan{
		Consensus: o.Consensus, NoTLS: o.NoTLS, MutualTLS: o.MutualTLS, DevMode: o.DevMode, DockerEndpoint: o.DockerEndpoint,
		BatchTimeout: o.BatchTimeout.String(), MaxMessageCount: o.MaxMessageCount, Channel: o.Channel,
		Orderer: Node{Name: "orderer.example.com", Port: 7050, OperationsPort: 8443},
	}
	for n := 1; n <= 2; n++ {
		domain := fmt.Sprintf("org%d.example.com", n)
		base := 7051 + 2000*(n-1)
		p.Orgs = append(p.Orgs, Org{
			Name: fmt.Sprintf("Org%d", n), MSPID: fmt.Sprintf("Org%dMSP", n), Domain: domain,
			Peer: Node{Name: "peer0." + domain, Port: base, ChaincodePort: base + 1, OperationsPort: 9443 + n - 1},
		})
	}
	if !o.FreePorts && allFree(p.ports()) {
		return p, nil
	}
	return p, p.takeFreePorts()
}

func (p *Plan) ports() []*int {
	ports := []*int{&p.Orderer.Port, &p.Orderer.OperationsPort}
	for i := range p.Orgs {
		n := &p.Orgs[i].Peer
		ports = append(ports, &n.Port, &n.ChaincodePort, &n.OperationsPort)
	}
	return ports
}

func allFree(ports []*int) bool {
	for _, p := range ports {
		l, err := net.Listen("tcp", local(*p))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// takeFreePorts asks the kernel for ports, holding all of them until the last is known so that none comes twice.
func (p *Plan) takeFreePorts() error {
	for _, port := range p.ports() {
		l, err := net.Listen("tcp", local(0))
		if err != nil {
			return fmt.Errorf("looking for a free port: %w", err)
		}
		defer l.Close()
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}
