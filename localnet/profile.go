package localnet

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// profile is a connection profile, as Fabric's client libraries read it: who is in the network, where to reach them, and what to trust. It
// names all peers, because clients that have no service discovery find the endorsers of other organisations here.
type profile struct {
	Name          string                    `json:"name" yaml:"name"`
	Version       string                    `json:"version" yaml:"version"`
	Client        profileClient             `json:"client" yaml:"client"`
	Channels      map[string]profileChannel `json:"channels" yaml:"channels"`
	Organizations map[string]profileOrg     `json:"organizations" yaml:"organizations"`
	Orderers      map[string]profileNode    `json:"orderers" yaml:"orderers"`
	Peers         map[string]profileNode    `json:"peers" yaml:"peers"`
}

type profileClient struct {
	Organization string `json:"organization" yaml:"organization"`
}

type profileChannel struct {
	Orderers []string                `json:"orderers" yaml:"orderers"`
	Peers    map[string]profileRoles `json:"peers" yaml:"peers"`
}

// profileRoles are what a peer does for a client.
type profileRoles struct {
	EndorsingPeer  bool `json:"endorsingPeer" yaml:"endorsingPeer"`
	ChaincodeQuery bool `json:"chaincodeQuery" yaml:"chaincodeQuery"`
	LedgerQuery    bool `json:"ledgerQuery" yaml:"ledgerQuery"`
	EventSource    bool `json:"eventSource" yaml:"eventSource"`
}

type profileOrg struct {
	MSPID           string       `json:"mspid" yaml:"mspid"`
	Peers           []string     `json:"peers" yaml:"peers"`
	AdminPrivateKey *profileFile `json:"adminPrivateKey,omitempty" yaml:"adminPrivateKey,omitempty"` // of the client's organisation alone
	SignedCert      *profileFile `json:"signedCert,omitempty" yaml:"signedCert,omitempty"`
}

type profileFile struct {
	Path string `json:"path" yaml:"path"`
}

type profileNode struct {
	URL         string         `json:"url" yaml:"url"`
	GRPCOptions profileOptions `json:"grpcOptions" yaml:"grpcOptions"`
	TLSCACerts  *profileTLS    `json:"tlsCACerts,omitempty" yaml:"tlsCACerts,omitempty"` // nil without TLS
}

// profileOptions name the host of the node's certificate twice: for libraries of Node.js, and for those of Java and Go.
type profileOptions struct {
	TargetName string `json:"ssl-target-name-override" yaml:"ssl-target-name-override"`
	HostName   string `json:"hostnameOverride" yaml:"hostnameOverride"`
}

type profileTLS struct {
	PEM    string            `json:"pem" yaml:"pem"`
	Client *profileTLSClient `json:"client,omitempty" yaml:"client,omitempty"` // read by Java's library, where client certificates are required
}

type profileTLSClient struct {
	KeyFile  string `json:"keyfile" yaml:"keyfile"`
	CertFile string `json:"certfile" yaml:"certfile"`
}

// ProfileFile is the connection profile of org's clients in JSON. Beside it is the same in YAML.
func (n *Network) ProfileFile(org Org) string {
	return filepath.Join(n.Dir, "profiles", lower(org.Name)+".json")
}

func (n *Network) writeProfiles() error {
	for _, org := range n.Orgs {
		p, err := n.profile(org)
		if err != nil {
			return err
		}
		var asJSON, asYAML bytes.Buffer
		j, y := json.NewEncoder(&asJSON), yaml.NewEncoder(&asYAML)
		j.SetIndent("", "  ")
		y.SetIndent(2)
		if err := j.Encode(p); err != nil {
			return err
		}
		if err := y.Encode(p); err != nil {
			return err
		}
		name := filepath.Join("profiles", lower(org.Name))
		if err := n.write(name+".json", asJSON.String()); err != nil {
			return err
		}
		if err := n.write(name+".yaml", asYAML.String()); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) profile(of Org) (profile, error) {
	orderer, err := n.profileNode(n.Orderer, n.OrdererCA(), of)
	if err != nil {
		return profile{}, err
	}
	channel := profileChannel{Orderers: []string{n.Orderer.Name}, Peers: map[string]profileRoles{}}
	p := profile{
		Name: "heddle-" + lower(of.Name), Version: "1.0.0",
		Client:        profileClient{Organization: of.Name},
		Channels:      map[string]profileChannel{n.Channel: channel},
		Organizations: map[string]profileOrg{},
		Orderers:      map[string]profileNode{n.Orderer.Name: orderer},
		Peers:         map[string]profileNode{},
	}
	for _, org := range n.Orgs {
		channel.Peers[org.Peer.Name] = profileRoles{EndorsingPeer: true, ChaincodeQuery: true, LedgerQuery: true, EventSource: true}
		p.Organizations[org.Name] = profileOrg{MSPID: org.MSPID, Peers: []string{org.Peer.Name}}
		if p.Peers[org.Peer.Name], err = n.profileNode(org.Peer, n.PeerCA(org), of); err != nil {
			return profile{}, err
		}
	}
	key, cert, err := n.keyPair(n.Admin(of))
	p.Organizations[of.Name] = profileOrg{
		MSPID: of.MSPID, Peers: []string{of.Peer.Name}, AdminPrivateKey: &profileFile{key}, SignedCert: &profileFile{cert},
	}
	return p, err
}

// profileNode is a node as a client of an organisation reaches it.
func (n *Network) profileNode(node Node, ca string, of Org) (profileNode, error) {
	p := profileNode{URL: "grpc://" + node.Address(), GRPCOptions: profileOptions{TargetName: node.Name, HostName: node.Name}}
	if n.NoTLS {
		return p, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return profileNode{}, err
	}
	p.URL, p.TLSCACerts = "grpcs://"+node.Address(), &profileTLS{PEM: string(pem)}
	if n.MutualTLS {
		key, cert := n.tlsKeyPair(n.User(of))
		p.TLSCACerts.Client = &profileTLSClient{KeyFile: key, CertFile: cert}
	}
	return p, nil
}
