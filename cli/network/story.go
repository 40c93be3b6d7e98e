package network

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// story tells the steps of the demo as they happen: one line with the step and its time, and below it what came of it.
type story struct {
	out   io.Writer
	began time.Time
	step  time.Time
}

func (s *story) begin(what string) {
	s.step = time.Now()
	fmt.Fprintf(s.out, "%6.2fs  %s", time.Since(s.began).Seconds(), what)
}

func (s *story) end(result string) {
	fmt.Fprintf(s.out, "  (%d ms)\n", time.Since(s.step).Milliseconds())
	if result != "" {
		fmt.Fprintf(s.out, "        → %s\n", result)
	}
}

// committed ends a step that was a transaction.
func (s *story) committed(r *client.Result, want peerpb.TxValidationCode) error {
	var seen []string
	for _, c := range r.Commits {
		seen = append(seen, fmt.Sprintf("block %d %s", c.Block, c.Code))
		if c.Code != want {
			return fmt.Errorf("transaction %s was committed with %s, not %s, at %s", r.TxID, c.Code, want, c.Address)
		}
	}
	result := seen[0]
	if len(seen) == 2 && seen[0] == seen[1] {
		result += " at both peers"
	} else {
		result = strings.Join(seen, ", ")
	}
	s.end(fmt.Sprintf("transaction %s, %s", r.TxID, result))
	return nil
}

// actors are who acts in the demo, connected to the network.
type actors struct {
	channel     string
	admin, user *client.Client // of Org1
	peers       []*client.Peer
	names       []string // of the peers
	orderer     *client.Orderer
}

// newActors connects everybody. Close what it returns, also next to an error.
func newActors(ctx context.Context, n *localnet.Network) (*actors, error) {
	a := &actors{channel: n.Channel}
	for _, who := range []struct {
		identity localnet.Identity
		client   **client.Client
	}{{n.Admin(n.Orgs[0]), &a.admin}, {n.User(n.Orgs[0]), &a.user}} {
		signer, err := msp.LoadSigner(filepath.Join(n.Dir, who.identity.UserDir(), "msp"), who.identity.Org.MSPID)
		if err != nil {
			return a, err
		}
		*who.client = client.New(signer)
	}
	for _, org := range n.Orgs {
		roots, err := comm.LoadRoots(n.PeerCA(org))
		if err != nil {
			return a, err
		}
		p, err := client.ConnectPeer(ctx, org.Peer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
		if err != nil {
			return a, err
		}
		a.peers, a.names = append(a.peers, p), append(a.names, org.Peer.Name)
	}
	roots, err := comm.LoadRoots(n.OrdererCA())
	if err != nil {
		return a, err
	}
	a.orderer, err = client.ConnectOrderer(ctx, n.Orderer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	return a, err
}

// Close ends the connections.
func (a *actors) Close() {
	for _, p := range a.peers {
		_ = p.Close()
	}
	if a.orderer != nil {
		_ = a.orderer.Close()
	}
}

// install packages the chaincode once and installs the package on both peers, with the peer command.
func (s *story) install(ctx context.Context, n *localnet.Network, gopath, version, path string) error {
	s.begin(fmt.Sprintf("package chaincode %s:%s from %s and install it on both peers", chaincodeName, version, path))
	pkg := filepath.Join(n.Dir, chaincodeName+"-"+version+".pkg")
	if _, err := n.PeerWith(ctx, n.Admin(n.Orgs[0]), []string{"GOPATH=" + gopath, "GO111MODULE=off"},
		"chaincode", "package", "-n", chaincodeName, "-v", version, "-p", path, pkg); err != nil {
		return err
	}
	for _, org := range n.Orgs {
		if _, err := n.Peer(ctx, n.Admin(org), "chaincode", "install", pkg); err != nil {
			return err
		}
	}
	s.end("package " + filepath.Base(pkg))
	return nil
}

// deploy instantiates or upgrades the chaincode. Org1's administrator asks its own peer; the other peer builds nothing yet.
func (s *story) deploy(ctx context.Context, a *actors, verb string,
	send func(*client.Client, context.Context, client.Route, client.Deployment) (*client.Result, error), version string, init ...string,
) error {
	s.begin(fmt.Sprintf("%s %s:%s, endorsement policy %s", verb, chaincodeName, version, bothEndorse))
	p, err := policy.Parse(bothEndorse)
	if err != nil {
		return err
	}
	r, err := send(a.admin, ctx, client.Route{Endorsers: a.peers[:1], Orderer: a.orderer, Wait: a.peers}, client.Deployment{
		ChannelID: a.channel, Name: chaincodeName, Version: version, Type: peerpb.ChaincodeSpec_GOLANG,
		Init: client.Args(init...), Policy: wire.MustMarshal(p),
	})
	if err != nil {
		return err
	}
	return s.committed(r, peerpb.TxValidationCode_VALID)
}

// invoke runs one transaction, endorsed by the given peers, and expects a validation code.
func (s *story) invoke(ctx context.Context, a *actors, endorsers []*client.Peer, want peerpb.TxValidationCode, args ...string) error {
	by := "both organisations"
	if len(endorsers) == 1 {
		by = "Org1 alone"
	}
	s.begin(fmt.Sprintf("invoke %s, endorsed by %s", strings.Join(args, " "), by))
	r, err := a.user.Invoke(ctx, client.Route{Endorsers: endorsers, Orderer: a.orderer, Wait: a.peers},
		client.Request{ChannelID: a.channel, Chaincode: chaincodeName, Args: client.Args(args...)})
	if r == nil || len(r.Commits) == 0 {
		return err
	}
	return s.committed(r, want)
}
